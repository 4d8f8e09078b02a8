"""Holds events back until no earlier one can follow: partitions are read at different event times."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from deploy.demo.readings import ReadEvent, in_order

_NS_PER_SECOND: Final = 1_000_000_000


class TimeOrder:
    """Gives events in the order in which they became known.

    Example:
        >>> late, early = (ReadEvent(day, {"knowable_time": f"2024-07-{day}T20:00:00Z", "definition": "d",
        ...     "pair": "RUT/SPX", "transition": 1}) for day in ("12", "11"))
        >>> order = TimeOrder()
        >>> order.hold([late])
        >>> order.release(1_720_728_000_000_000_000)
        []
        >>> order.hold([early])
        >>> [event.event_id for event in order.release(1_720_814_400_000_000_000)]
        ['11', '12']
    """

    def __init__(self) -> None:
        self._held: list[ReadEvent] = []

    def hold(self, events: Iterable[ReadEvent]) -> None:
        """Take events that have been read, in any order."""
        self._held.extend(events)

    def release(self, clock_ns: int) -> list[ReadEvent]:
        """Return, once, the held events that became known up to a time.

        Args:
            clock_ns: Event time up to which every event has been read, ns UTC.
        """
        known = in_order(event for event in self._held if _knowable_ns(event) <= clock_ns)
        self._held = [event for event in self._held if _knowable_ns(event) > clock_ns]
        return known

    def rest(self) -> list[ReadEvent]:
        """Return all that are held."""
        held, self._held = in_order(self._held), []
        return held


def _knowable_ns(event: ReadEvent) -> int:
    return int(datetime.fromisoformat(event.data["knowable_time"]).timestamp()) * _NS_PER_SECOND
