"""Readiness of a producer."""

from __future__ import annotations

from collections.abc import Iterator

from producers.metrics import ProducerCounters


def why_not_ready(counters: ProducerCounters) -> list[str]:
    """Return the reasons why a producer is not ready, for /readyz; empty if it is ready.

    Args:
        counters: Counters of the running producer.

    Example:
        >>> why_not_ready(ProducerCounters("alpaca"))
        ['no Kafka broker answers', 'the alpaca feed is not connected']
    """
    return list(_reasons(counters))


def _reasons(counters: ProducerCounters) -> Iterator[str]:
    if not counters.broker_connected:
        yield "no Kafka broker answers"
    if not counters.connected:
        yield f"the {counters.feed} feed is not connected"
    elif counters.unconfirmed_symbols:
        yield f"the {counters.feed} feed has not confirmed {counters.unconfirmed_symbols} symbols"
