"""Rows of the metrics table: producers."""

from __future__ import annotations

from typing import Final

from core.model.metric import Component, Metric, MetricKind

_C, _G = MetricKind.COUNTER, MetricKind.GAUGE
_P = Component.PRODUCER

# fmt: off
PRODUCER_ROWS: Final[tuple[Metric, ...]] = (
    Metric("rotascope_producer_source_info", _G, "", ("feed", "source", "mode"),
           "Always 1; mode is live, or recorded for a recording.", _P),
    Metric("rotascope_producer_session_open", _G, "", ("feed",),
           "1 while a calendar of the feed's instruments has a session in progress by wall time.", _P),
    Metric("rotascope_producer_messages_total", _C, "", ("feed",),
           "Websocket messages received.", _P),
    Metric("rotascope_producer_ticks_total", _C, "", ("feed",),
           "Ticks decoded and framed.", _P),
    Metric("rotascope_producer_frames_total", _C, "", ("feed",),
           "Frames acknowledged by the broker.", _P),
    Metric("rotascope_producer_in_flight_bytes", _G, "bytes", ("feed",),
           "Bytes sent and not yet acknowledged.", _P),
    Metric("rotascope_producer_rejects_total", _C, "", ("feed", "reason"),
           "Messages and ticks refused, by reason.", _P),
    Metric("rotascope_producer_send_failures_total", _C, "", ("feed",),
           "Frames the broker did not acknowledge.", _P),
    Metric("rotascope_producer_reconnects_total", _C, "", ("feed", "reason"),
           "Sessions opened again after a loss.", _P),
    Metric("rotascope_producer_gaps_total", _C, "", ("feed", "reason"),
           "Gap marks written, by reason; hold_overflow counts per partition.", _P),
    Metric("rotascope_producer_queue_messages", _G, "", ("feed",),
           "Messages received and not yet decoded.", _P),
    Metric("rotascope_producer_queue_oldest_timestamp_seconds", _G, "seconds", ("feed",),
           "Wall time at which the oldest queued message was received; absent while none is queued.", _P),
    Metric("rotascope_producer_watchdog_timeouts_total", _C, "", ("feed",),
           "Sessions ended because the channel was silent.", _P),
    Metric("rotascope_producer_feed_delay_seconds", _G, "seconds", ("feed",),
           "Receive time minus event time of the last tick; absent for a recording.", _P),
    Metric("rotascope_producer_last_message_timestamp_seconds", _G, "seconds", ("feed",),
           "Wall time at which the last websocket message was received; absent before the first.", _P),
    Metric("rotascope_producer_last_tick_timestamp_seconds", _G, "seconds", ("feed",),
           "Wall time at which the last ticks were decoded; absent before the first.", _P),
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
    Metric("rotascope_producer_backpressure_waits_total", _C, "", ("feed",),
           "Times a send waited for acknowledgements because the bytes in flight were used up.", _P),
    Metric("rotascope_producer_backpressure_seconds_total", _C, "seconds", ("feed",),
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
    Metric("rotascope_producer_held_oldest_timestamp_seconds", _G, "seconds", ("feed",),
           "Wall time at which the oldest held record was made; absent while none is held.", _P),
    Metric("rotascope_producer_hold_dropped_frames_total", _C, "", ("feed",),
           "Frames dropped because the hold buffer was full; a gap mark replaces them.", _P),
    Metric("rotascope_producer_hold_dropped_ticks_total", _C, "", ("feed",),
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
)
# fmt: on
