"""Feeds, second half: what is missing, the queue, and Kafka."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as builders

from deploy.grafana.feed_queries import OF_FEED, by_feed, counted, of_feed
from deploy.grafana.panels import counts, curves
from deploy.grafana.promql import rate
from deploy.grafana.queries import Query
from deploy.grafana.scales import (
    A_SECOND,
    BYTES,
    LAG_SECONDS,
    SECONDS,
    SHARE,
)


def missing() -> tuple[builders.Panel, ...]:
    """Return the panels of gaps and refusals."""
    return (
        counts(
            "Gaps",
            "Marks that say that trades are missing, by reason.",
            [Query(counted("rotascope_producer_gaps_total", "reason"), "{{feed}} {{reason}}")],
            width=8,
        ),
        counts(
            "Refused",
            "Messages and ticks that could not be used, by reason. They are in the topic of dead letters.",
            [Query(counted("rotascope_producer_rejects_total", "reason"), "{{feed}} {{reason}}")],
            width=8,
        ),
        counts(
            "Errors the vendor reported",
            "By the vendor's own code; empty when there was none.",
            [Query(counted("rotascope_producer_vendor_errors_total", "code"), "{{feed}} {{code}}")],
            width=8,
        ),
        counts(
            "Sessions opened again",
            "After a loss, by reason; and sessions ended because the channel was silent.",
            [
                Query(counted("rotascope_producer_reconnects_total", "reason"), "{{feed}} {{reason}}"),
                Query(counted("rotascope_producer_watchdog_timeouts_total"), "{{feed}} silent"),
            ],
            width=8,
        ),
        counts(
            "Repeated trades, unknown conditions",
            "Repeats are dropped. A trade with an unknown condition moves no price.",
            [
                Query(counted("rotascope_producer_repeated_ticks_total"), "{{feed}} repeated"),
                Query(counted("rotascope_producer_unknown_conditions_total"), "{{feed}} unknown condition"),
            ],
            width=8,
        ),
        counts(
            "Symbols not confirmed over time",
            "Requested and not confirmed by the vendor.",
            [Query(by_feed("rotascope_producer_unconfirmed_symbols"), "{{feed}}")],
            width=8,
        ),
    )


def queue() -> tuple[builders.Panel, ...]:
    """Return the panels of the queue of messages."""
    oldest = f"max by (feed) (time() - {of_feed('rotascope_producer_queue_oldest_timestamp_seconds')})"
    return (
        counts(
            "Messages waiting",
            "Received and not yet decoded.",
            [Query(by_feed("rotascope_producer_queue_messages"), "{{feed}}")],
            width=8,
        ),
        curves(
            "Age of the oldest message waiting",
            "Absent while none waits.",
            [Query(oldest, "{{feed}}")],
            unit=SECONDS,
            width=8,
            least=0.0,
        ),
        counts(
            "Messages dropped, pauses",
            "Dropped because the queue was full; and how often the reader paused for it.",
            [
                Query(counted("rotascope_producer_queue_dropped_messages_total"), "{{feed}} dropped"),
                Query(counted("rotascope_producer_queue_pauses_total"), "{{feed}} pauses"),
            ],
            width=8,
        ),
    )


def kafka() -> tuple[builders.Panel, ...]:
    """Return the panels of what goes to Kafka."""
    held = f"max by (feed) (time() - {of_feed('rotascope_producer_held_oldest_timestamp_seconds')})"
    return (
        curves(
            "Frames a second",
            "Acknowledged by the broker.",
            [Query(rate("rotascope_producer_frames_total", "feed", OF_FEED), "{{feed}}")],
            unit=A_SECOND,
            width=8,
            least=0.0,
        ),
        curves(
            "Bytes in flight and held",
            "In flight: sent and not yet acknowledged. Held: everything not yet acknowledged.",
            [
                Query(by_feed("rotascope_producer_in_flight_bytes"), "{{feed}} in flight"),
                Query(by_feed("rotascope_producer_held_bytes"), "{{feed}} held"),
            ],
            unit=BYTES,
            width=8,
            least=0.0,
        ),
        curves(
            "Age of the oldest record held",
            "Absent while none is held. Grows while Kafka is away.",
            [Query(held, "{{feed}}")],
            unit=SECONDS,
            width=8,
            least=0.0,
            steps=LAG_SECONDS,
        ),
        curves(
            "Waits for acknowledgements",
            "Share of the time in which a send waited because too much was in flight.",
            [Query(rate("rotascope_producer_backpressure_seconds_total", "feed", OF_FEED), "{{feed}}")],
            unit=SHARE,
            width=8,
            least=0.0,
        ),
        counts(
            "Waits, failures, clients made anew",
            "Waits for acknowledgements; frames not acknowledged; clients made anew. All are tried again.",
            [
                Query(counted("rotascope_producer_backpressure_waits_total"), "{{feed}} waits"),
                Query(counted("rotascope_producer_send_failures_total"), "{{feed}} failures"),
                Query(counted("rotascope_producer_broker_reconnects_total"), "{{feed}} clients anew"),
            ],
            width=8,
        ),
        counts(
            "Lost because Kafka was away",
            "Dropped when the memory for held records was full. A gap mark stands for them.",
            [
                Query(counted("rotascope_producer_hold_dropped_frames_total"), "{{feed}} frames"),
                Query(counted("rotascope_producer_hold_dropped_ticks_total"), "{{feed}} ticks"),
                Query(counted("rotascope_producer_hold_dropped_dead_letters_total"), "{{feed}} dead letters"),
            ],
            width=8,
        ),
    )
