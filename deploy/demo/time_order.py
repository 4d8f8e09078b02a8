"""Holds events back until no earlier one can follow: partitions are read at different event times."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final

from deploy.demo.readings import ReadEvent, in_order

MARGIN_S: Final = 60
"""A minute closes, and its events are found, when the clock has passed its end by the allowed lateness."""


class TimeOrder:
    """Gives events in the order in which they became known.

    The worker's page says how many events it has found, and up to which event time each partition is. Once
    as many have been read that became known up to those times, none of them is still on its way, and what
    became known up to the slowest partition's time is complete.

    Args:
        partition_of: Symbol of a numerator → partition of its ticks.

    Example:
        >>> late, early = (ReadEvent(day, {"knowable_time": f"2024-07-{day}T20:00:00Z", "definition": "d",
        ...     "numerator": "RUT", "pair": "RUT/SPX", "transition": 1}) for day in ("12", "11"))
        >>> order = TimeOrder(lambda symbol: 0)
        >>> order.hold([late])
        >>> order.release({0: 1_720_814_460}, 2)
        []
        >>> order.hold([early])
        >>> [event.event_id for event in order.release({0: 1_720_814_460}, 2)]
        ['11', '12']
    """

    def __init__(self, partition_of: Callable[[str], int]) -> None:
        self._partition_of = partition_of
        self._held: list[ReadEvent] = []
        self._read: list[tuple[int, int]] = []
        """Partition and knowable time, s, of every event."""

    def hold(self, events: Iterable[ReadEvent]) -> None:
        """Take events that have been read, in any order."""
        for event in events:
            self._held.append(event)
            self._read.append((self._partition_of(event.data["numerator"]), _knowable_s(event)))

    def release(self, clocks_s: Mapping[int, int], found: int) -> list[ReadEvent]:
        """Return, once, the held events that no unread one can precede.

        Args:
            clocks_s: Partition → event time up to which the worker has stepped, s since 1970-01-01.
            found: Events that the worker had found by then.
        """
        if not clocks_s or not self._held:
            return []
        ends_s = {partition: clock_s - MARGIN_S for partition, clock_s in clocks_s.items()}
        if sum(known_s <= ends_s.get(partition, 0) for partition, known_s in self._read) < found:
            return []
        complete_s = min(ends_s.values())
        known = in_order(event for event in self._held if _knowable_s(event) <= complete_s)
        self._held = [event for event in self._held if _knowable_s(event) > complete_s]
        return known

    def rest(self) -> list[ReadEvent]:
        """Return all that are held."""
        held, self._held = in_order(self._held), []
        return held


def _knowable_s(event: ReadEvent) -> int:
    return int(datetime.fromisoformat(event.data["knowable_time"]).timestamp())
