"""Table of all metrics that Rotascope exports.

Every metric needs a row here. The exporters look names up in `METRICS_BY_NAME`, so a sample without a
row is never served, and the contract tests compare the table with actual scrapes. Naming follows
Prometheus: prefix `rotascope_`, base units as suffix, counters end in `_total`, timestamps are
exported as timestamps and never as ages.

`percent` and `percentage_points` are deliberate exceptions to base units: relative strength is
quoted in percent, so "1.5" means 1.5 %.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

PREFIX: Final = "rotascope_"


class MetricKind(StrEnum):
    """The Prometheus type of a metric."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Component(StrEnum):
    """Process that exports a metric, and the origin of its value."""

    ENGINE = "engine"
    """Served by the worker, read from the engine's state arrays at scrape time."""
    WORKER = "worker"
    PRODUCER = "producer"
    FORWARDER = "forwarder"
    """`rotascope events forward`."""


class Metric(NamedTuple):
    """One row of the table.

    Args:
        name: Full name, as used in queries.
        kind: Prometheus type.
        unit: Base unit, also the name's suffix; empty if dimensionless.
        labels: Label names, in the order of a `Sample`'s label values.
        help: HELP text, one sentence.
        component: Exporting component.
    """

    name: str
    kind: MetricKind
    unit: str
    labels: tuple[str, ...]
    help: str
    component: Component


class Sample(NamedTuple):
    """One value at one moment, from `PartitionEngine.samples`.

    Args:
        name: Name of a row in `METRICS`.
        labels: Label values in the row's order.
        value: The value; NaN is omitted from a scrape.
    """

    name: str
    labels: tuple[str, ...]
    value: float


_C, _G, _H = MetricKind.COUNTER, MetricKind.GAUGE, MetricKind.HISTOGRAM
_E, _W, _P = Component.ENGINE, Component.WORKER, Component.PRODUCER
_F = Component.FORWARDER

# fmt: off
METRICS: Final[tuple[Metric, ...]] = (
    # --- values of pairs and instruments, from the engine's state
    Metric("rotascope_ratio", _G, "", ("pair",),
           "Strength line: price of the numerator over price of the benchmark.", _E),
    Metric("rotascope_relative_strength_log", _G, "", ("pair", "window"),
           "Log return of the numerator less log return of the benchmark over the window.", _E),
    Metric("rotascope_relative_strength_percent", _G, "percent", ("pair", "window"),
           "Change of the strength line over the window; 1.5 means 1.5 %.", _E),
    Metric("rotascope_relative_strength_percentage_points", _G, "percentage_points", ("pair", "window"),
           "Percent return of the numerator less percent return of the benchmark over the window.", _E),
    Metric("rotascope_beta", _G, "", ("pair", "window"),
           "Rolling beta of the numerator's returns on the benchmark's.", _E),
    Metric("rotascope_correlation", _G, "", ("pair", "window"),
           "Rolling correlation of the legs' returns.", _E),
    Metric("rotascope_relative_return_zscore", _G, "", ("pair", "window"),
           "Relative return in units of its own lagged standard deviation.", _E),
    Metric("rotascope_value_ready", _G, "", ("pair", "value"),
           "1 where the value can be used, 0 where it is unknown.", _E),
    Metric("rotascope_value_timestamp_seconds", _G, "seconds", ("pair", "frequency"),
           "Event time of the pair's values of this frequency.", _E),
    Metric("rotascope_engine_records_total", _C, "", ("partition", "source", "outcome"),
           "Records processed by the engine, by outcome; the benchmark tape counts in every partition.", _E),
    Metric("rotascope_event_transitions_total", _C, "", ("partition", "definition", "state"),
           "Published live transitions, by state entered; withdrawn over candidate is the flip rate.", _E),
    Metric("rotascope_event_steps_to_confirm_total", _C, "", ("partition", "definition"),
           "Total steps from opening to confirmation; divide by confirmed transitions for the mean.", _E),
    Metric("rotascope_event_provisional_flips_total", _C, "", ("partition", "definition"),
           "Changes of provisional answers before the final one.", _E),
    # --- the worker's stream
    Metric("rotascope_build_info", _G, "", ("version", "python"),
           "Always 1; the labels identify the build.", _W),
    Metric("rotascope_worker_ready", _G, "", (),
           "1 when /readyz answers 200.", _W),
    Metric("rotascope_worker_frames_total", _C, "", ("partition",),
           "Frames processed.", _W),
    Metric("rotascope_worker_ticks_total", _C, "", ("partition",),
           "Ticks in processed frames, marks included.", _W),
    Metric("rotascope_worker_received_bytes_total", _C, "bytes", ("partition",),
           "Bytes of processed frames.", _W),
    Metric("rotascope_worker_events_total", _C, "", ("definition", "state"),
           "Event transitions added to the outbox.", _W),
    Metric("rotascope_worker_bars_total", _C, "", ("frequency",),
           "Bars added to the outbox, without completeness marks.", _W),
    Metric("rotascope_worker_dead_letters_total", _C, "", ("reason",),
           "Dead-lettered records and ticks, by reason.", _W),
    Metric("rotascope_worker_poisoned_records_total", _C, "", ("partition",),
           "Records quarantined because processing raised an error: dead-lettered and skipped.", _W),
    Metric("rotascope_worker_poll_gap_seconds", _H, "seconds", (),
           "Wall time between two polls of the log.", _W),
    Metric("rotascope_worker_commits_total", _C, "", ("outcome",),
           "Attempts to publish the outboxes and commit their offsets.", _W),
    Metric("rotascope_worker_unknown_commits_total", _C, "", ("found",),
           "Commits without a response, by the outcome found when looked up.", _W),
    Metric("rotascope_worker_commit_duration_seconds", _H, "seconds", (),
           "Wall time from the first send until the offsets are committed.", _W),
    Metric("rotascope_worker_outbox_records", _G, "", ("partition",),
           "Records waiting for a commit.", _W),
    Metric("rotascope_worker_outbox_bytes", _G, "bytes", ("partition",),
           "Bytes waiting for a commit.", _W),
    Metric("rotascope_worker_joined", _G, "", (),
           "1 while a stable member of the group or with manual assignment; 0 otherwise or "
           "without a broker.", _W),
    Metric("rotascope_worker_broker_silence_seconds", _G, "seconds", (),
           "Time since the client's last response from any broker; absent before the first.", _W),
    Metric("rotascope_worker_rebalances_total", _C, "", ("change",),
           "Group rebalance callbacks, by kind.", _W),
    Metric("rotascope_worker_rejoins_total", _C, "", (),
           "Times the client was recreated because it did not become a stable member.", _W),
    Metric("rotascope_worker_refetches_total", _C, "", (),
           "Times the client returned nothing from a partition whose log had grown.", _W),
    Metric("rotascope_worker_dropped_records_total", _C, "", ("reason",),
           "Uncommitted records discarded with their partition; its next owner publishes them.", _W),
    # --- one partition's place in the log
    Metric("rotascope_partition_state", _G, "", ("partition", "state"),
           "1 for the partition's current state: assigned, restoring or running.", _W),
    Metric("rotascope_partition_ready", _G, "", ("partition",),
           "1 once the partition has caught up with the end of the log as of start.", _W),
    Metric("rotascope_partition_next_offset", _G, "", ("partition",),
           "Offset of the next record to process.", _W),
    Metric("rotascope_partition_lag_records", _G, "", ("partition",),
           "Records in the log not yet processed; absent until a broker reports the end offset.", _W),
    Metric("rotascope_partition_lag_seconds", _G, "seconds", ("partition",),
           "Wall time since the last processed record was appended; 0 at the end; absent like the lag.", _W),
    Metric("rotascope_partition_event_time_lag_seconds", _G, "seconds", ("partition",),
           "Event time of the newest fetched tick minus the partition's clock.", _W),
    Metric("rotascope_partition_clock_timestamp_seconds", _G, "seconds", ("partition",),
           "Watermark: event time up to which the partition is complete; subtract from time() "
           "for its age.", _W),
    Metric("rotascope_partition_snapshots_total", _C, "", ("partition",),
           "Snapshots written by this worker.", _W),
    Metric("rotascope_partition_snapshot_bytes", _G, "bytes", ("partition",),
           "Compressed size of the latest snapshot.", _W),
    Metric("rotascope_partition_snapshot_age_seconds", _G, "seconds", ("partition",),
           "Wall time since the state of the latest snapshot was captured.", _W),
    Metric("rotascope_partition_snapshot_duration_seconds", _G, "seconds", ("partition",),
           "Wall time from capturing that state until it was packed.", _W),
    Metric("rotascope_partition_restore_ratio", _G, "", ("partition",),
           "Completed share of the replay with suppressed output; 1 when running.", _W),
    # --- the exporter about itself
    Metric("rotascope_exporter_series", _G, "", (),
           "Engine series served in this scrape.", _W),
    Metric("rotascope_exporter_dropped_series", _G, "", ("reason",),
           "Engine series omitted from this scrape, by reason.", _W),
    # --- producers
    Metric("rotascope_producer_messages_total", _C, "", ("feed",),
           "Websocket messages received.", _P),
    Metric("rotascope_producer_ticks_total", _C, "", ("feed",),
           "Ticks decoded and framed.", _P),
    Metric("rotascope_producer_frames_total", _C, "", ("feed", "partition"),
           "Frames acknowledged by the broker.", _P),
    Metric("rotascope_producer_in_flight_bytes", _G, "bytes", ("partition",),
           "Bytes sent and not yet acknowledged.", _P),
    Metric("rotascope_producer_rejects_total", _C, "", ("feed", "reason"),
           "Messages and ticks refused, by reason.", _P),
    Metric("rotascope_producer_send_failures_total", _C, "", ("partition",),
           "Frames the broker did not acknowledge.", _P),
    Metric("rotascope_producer_reconnects_total", _C, "", ("feed", "reason"),
           "Sessions opened again after a loss.", _P),
    Metric("rotascope_producer_gaps_total", _C, "", ("feed", "reason"),
           "Gap marks written, by reason; hold_overflow counts per partition.", _P),
    Metric("rotascope_producer_queue_messages", _G, "", ("feed",),
           "Messages received and not yet decoded.", _P),
    Metric("rotascope_producer_queue_age_seconds", _G, "seconds", ("feed",),
           "Age of the oldest queued message, wall time.", _P),
    Metric("rotascope_producer_watchdog_timeouts_total", _C, "", ("feed",),
           "Sessions ended because the channel was silent.", _P),
    Metric("rotascope_producer_feed_delay_seconds", _G, "seconds", ("feed",),
           "Receive time minus event time of the last tick.", _P),
    Metric("rotascope_producer_items_total", _C, "", ("feed", "outcome"),
           "Items in websocket messages, by outcome.", _P),
    Metric("rotascope_producer_vendor_errors_total", _C, "", ("feed", "code"),
           "Errors the vendor reported, by its code.", _P),
    Metric("rotascope_producer_unknown_conditions_total", _C, "", ("feed",),
           "Trades with an unknown sale condition.", _P),
    Metric("rotascope_producer_repeated_ticks_total", _C, "", ("feed",),
           "Repeated trades that were dropped.", _P),
    Metric("rotascope_producer_queue_dropped_messages_total", _C, "", ("feed",),
           "Messages dropped because the queue was full or stale; a gap mark replaces them.", _P),
    Metric("rotascope_producer_queue_pauses_total", _C, "", ("feed",),
           "Times the reader stopped reading because the queue was full.", _P),
    Metric("rotascope_producer_backpressure_waits_total", _C, "", ("partition",),
           "Times a send waited for acknowledgements because the bytes in flight were used up.", _P),
    Metric("rotascope_producer_backpressure_seconds_total", _C, "seconds", ("partition",),
           "Wall time spent in such waits.", _P),
    Metric("rotascope_producer_clock_timestamp_seconds", _G, "seconds", ("feed",),
           "Event time of the last clock mark; subtract from time() for its age.", _P),
    Metric("rotascope_producer_broker_connected", _G, "", ("feed",),
           "1 while the broker acknowledges records in time.", _P),
    Metric("rotascope_producer_broker_reconnects_total", _C, "", ("feed",),
           "Times the Kafka client was recreated because a record was not acknowledged.", _P),
    Metric("rotascope_producer_held_bytes", _G, "bytes", ("feed",),
           "Bytes held in memory that the broker has not acknowledged, including copies of the "
           "benchmark tape.", _P),
    Metric("rotascope_producer_held_age_seconds", _G, "seconds", ("feed",),
           "Age of the oldest held record.", _P),
    Metric("rotascope_producer_hold_dropped_frames_total", _C, "", ("partition",),
           "Frames dropped because the hold buffer was full; a gap mark replaces them.", _P),
    Metric("rotascope_producer_hold_dropped_ticks_total", _C, "", ("partition",),
           "Ticks in dropped frames; a tick of the benchmark tape counts in every partition.", _P),
    Metric("rotascope_producer_hold_dropped_dead_letters_total", _C, "", ("feed",),
           "Dead letters and other side records dropped because their share of the hold "
           "buffer was full.", _P),
    Metric("rotascope_producer_connected", _G, "", ("feed",),
           "1 while the session is subscribed and streaming.", _P),
    Metric("rotascope_producer_ready", _G, "", ("feed",),
           "1 while the session streams every requested symbol.", _P),
    Metric("rotascope_producer_unconfirmed_symbols", _G, "", ("feed",),
           "Requested symbols that the vendor has not confirmed.", _P),
    # --- the forwarder of events over HTTP
    Metric("rotascope_forward_ready", _G, "", (),
           "1 when /readyz of the forwarder answers 200.", _F),
    Metric("rotascope_forward_partitions", _G, "", (),
           "Partitions of event topics that the group has given to this forwarder.", _F),
    Metric("rotascope_forward_events_total", _C, "", ("outcome",),
           "Events that need no more work: sent, filtered, repeated (sent before, not sent again), "
           "or dead_letter.", _F),
    Metric("rotascope_forward_retries_total", _C, "", ("cause",),
           "Posts that will be repeated, by what was wrong with them.", _F),
    Metric("rotascope_forward_dead_letters_total", _C, "", ("reason",),
           "Events given up, and records that are no events.", _F),
    Metric("rotascope_forward_commits_total", _C, "", ("outcome",),
           "Commits of the place in the event topics.", _F),
    Metric("rotascope_forward_rejoins_total", _C, "", (),
           "Times the Kafka client was recreated.", _F),
    Metric("rotascope_forward_deleted_records_total", _C, "", (),
           "Offsets that retention deleted from the event topics before they were forwarded.", _F),
    Metric("rotascope_forward_post_seconds", _H, "seconds", (),
           "Duration of a post, whatever its outcome.", _F),
    Metric("rotascope_forward_pending_records", _G, "", (),
           "Events that were read and neither accepted nor given up.", _F),
    Metric("rotascope_forward_lag_records", _G, "", (),
           "Records between the place and the end of the forwarder's partitions; absent while unknown.", _F),
    Metric("rotascope_forward_last_success_timestamp_seconds", _G, "seconds", (),
           "Time at which the receiver last accepted an event; absent before the first.", _F),
)
# fmt: on

METRICS_BY_NAME: Final[Mapping[str, Metric]] = MappingProxyType({row.name: row for row in METRICS})
