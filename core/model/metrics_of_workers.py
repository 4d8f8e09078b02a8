"""Rows of the metrics table: a worker's stream, its partitions and its exporter."""

from __future__ import annotations

from typing import Final

from core.model.metric import Component, Metric, MetricKind

_C, _G, _H = MetricKind.COUNTER, MetricKind.GAUGE, MetricKind.HISTOGRAM
_E, _W = Component.ENGINE, Component.WORKER

# fmt: off
WORKER_ROWS: Final[tuple[Metric, ...]] = (
    # --- the worker's stream
    Metric("rotascope_build_info", _G, "", ("version", "python"),
           "Always 1; the labels identify the build.", _W),
    Metric("rotascope_session_open", _G, "", ("calendar",),
           "1 while the calendar has a session in progress by wall time.", _W),
    Metric("rotascope_engine_records_total", _C, "", ("source", "outcome"),
           "Records processed, by outcome; the benchmark tape counts in every partition.", _E),
    Metric("rotascope_worker_ready", _G, "", (),
           "1 when /readyz answers 200.", _W),
    Metric("rotascope_worker_frames_total", _C, "", (),
           "Frames processed.", _W),
    Metric("rotascope_worker_ticks_total", _C, "", (),
           "Ticks in processed frames, marks included.", _W),
    Metric("rotascope_worker_received_bytes_total", _C, "bytes", (),
           "Bytes of processed frames.", _W),
    Metric("rotascope_worker_bars_total", _C, "", ("frequency",),
           "Bars added to the outbox, without completeness marks.", _W),
    Metric("rotascope_worker_value_frames_total", _C, "", (),
           "Frames of values added to the outbox; none with worker.publish_values = false.", _W),
    Metric("rotascope_worker_dead_letters_total", _C, "", ("reason",),
           "Dead-lettered records and ticks, by reason.", _W),
    Metric("rotascope_worker_poisoned_records_total", _C, "", (),
           "Records quarantined because processing raised an error: dead-lettered and skipped.", _W),
    Metric("rotascope_worker_poll_gap_seconds", _H, "seconds", (),
           "Wall time between two polls of the log.", _W),
    Metric("rotascope_worker_commits_total", _C, "", ("outcome",),
           "Attempts to publish the outboxes and commit their offsets.", _W),
    Metric("rotascope_worker_last_commit_timestamp_seconds", _G, "seconds", (),
           "Wall time of the last successful commit; absent before the first.", _W),
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
    Metric("rotascope_worker_broker_answer_timestamp_seconds", _G, "seconds", (),
           "Wall time of the client's last response from any broker; absent before the first.", _W),
    Metric("rotascope_worker_rebalances_total", _C, "", ("change",),
           "Group rebalance callbacks, by kind.", _W),
    Metric("rotascope_worker_rejoins_total", _C, "", (),
           "Times the client was recreated because it did not become a stable member.", _W),
    Metric("rotascope_worker_refetches_total", _C, "", (),
           "Times the client returned nothing from a partition whose log had grown.", _W),
    Metric("rotascope_worker_dropped_records_total", _C, "", ("reason",),
           "Uncommitted records discarded with their partition; its next owner publishes them.", _W),
    Metric("rotascope_worker_snapshots_total", _C, "", (),
           "Snapshots written by this process.", _W),
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
    Metric("rotascope_partition_snapshot_timestamp_seconds", _G, "seconds", ("partition",),
           "Wall time at which the state of the latest snapshot was captured; absent before the first.", _W),
    Metric("rotascope_partition_snapshot_bytes", _G, "bytes", ("partition",),
           "Compressed size of the latest snapshot.", _W),
    Metric("rotascope_partition_snapshot_duration_seconds", _G, "seconds", ("partition",),
           "Wall time from capturing that state until it was packed.", _W),
    Metric("rotascope_partition_restore_ratio", _G, "", ("partition",),
           "Completed share of the replay with suppressed output; 1 when running.", _W),
    # --- the exporter about itself
    Metric("rotascope_worker_pairs", _G, "", (),
           "Pairs whose home is a partition of this worker.", _W),
    Metric("rotascope_worker_dropped_pairs", _G, "", ("reason",),
           "Pairs without series in this scrape: pairs_max (not listed, not of the strongest or weakest) "
           "or series_max.", _W),
    Metric("rotascope_worker_series", _G, "", (),
           "Series of pairs and open episodes in this scrape; at most metrics.series_max.", _W),
    Metric("rotascope_worker_scrape_stall_seconds", _G, "seconds", (),
           "Wall time for which this scrape held the state, so that the loop could not process.", _W),
)
# fmt: on
