"""Is what a producer sends worth reading?"""

from __future__ import annotations

from collections.abc import Iterator

from producers.metrics import ProducerCounters


def why_not_ready(counters: ProducerCounters) -> list[str]:
    """Answer for /readyz: everything that keeps a producer from being ready; empty when it is.

    Args:
        counters: Of the producer that runs.

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
        yield f"the {counters.feed} feed did not confirm {counters.unconfirmed_symbols} symbols"
