"""Rows of the metrics table: the forwarder of events over HTTP."""

from __future__ import annotations

from typing import Final

from core.model.metric import Component, Metric, MetricKind

_C, _G, _H = MetricKind.COUNTER, MetricKind.GAUGE, MetricKind.HISTOGRAM
_F = Component.FORWARDER

# fmt: off
FORWARDER_ROWS: Final[tuple[Metric, ...]] = (
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
