"""When each pair last opened a definition: what an alert on one pair needs."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry

from core.runtime.counting import level

OPENINGS_MAX: Final = 2_000
"""Series of the metric. An alert looks back minutes, so the oldest may go."""


class LastOpenings:
    """The metric `rotascope_event_last_opening_timestamp_seconds`.

    It is kept in the process and restored from no snapshot, so that a series that appears is an opening that
    was just made.

    Args:
        registry: Registry of the metric.
        most: Maximum number of series; the oldest opening makes room.
    """

    def __init__(self, registry: CollectorRegistry, most: int = OPENINGS_MAX) -> None:
        self._level = level("rotascope_event_last_opening_timestamp_seconds", registry)
        self._most = most
        self._in_order: dict[tuple[str, str], None] = {}

    def opened(self, pair: str, definition: str, knowable_s: float) -> None:
        """Note an opening.

        Args:
            pair: `NUMERATOR/BENCHMARK`.
            definition: Definition id.
            knowable_s: Event time at which it became knowable, s UTC.
        """
        key = (pair, definition)
        self._in_order.pop(key, None)
        self._in_order[key] = None
        if len(self._in_order) > self._most:
            oldest = next(iter(self._in_order))
            del self._in_order[oldest]
            self._level.remove(*oldest)
        self._level.labels(*key).set(knowable_s)
