"""Hold buffer: unacknowledged records, in order per partition, in bounded memory.

A line is the queue of one partition: first the records in flight, then those waiting. When the client is
abandoned, all of them wait again and are resent in the same order with the same bytes, so that a reader
recognises a repeat by its epoch and sequence.

Beyond the bound the oldest waiting records are dropped: after an outage a fresh price is worth more than an
old one. A `Stretch` replaces them. It is sent as a frame with the sequence of the last frame it replaces:

- a GAP record, which makes prices unknown until the next trade;
- the last status of each instrument in the stretch, because a halt outlasts a gap;
- the last clock mark of the stretch, after the gap: the trades that follow need it.

If the dropped frames were appended to the log after all, the stretch repeats a sequence and readers drop it.
Not thread-safe; callers hold a lock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from typing import Final, NamedTuple

from producers.framing.held import Held, Stretch
from producers.framing.outlet import SIDE

_KEPT_NUMERATOR: Final = 7
_KEPT_DENOMINATOR: Final = 8
"""A drop trims to this share of the bound, so that it drops one stretch and not single frames."""


class Dropped(NamedTuple):
    """What was dropped from one line.

    Args:
        slot: The partition, or SIDE.
        records: Number of frames or side records; 0 when two stretches merge.
        ticks: Number of ticks in those frames.
        stretches: Number of new stretches; records added to a waiting stretch count none.
    """

    slot: int
    records: int
    ticks: int
    stretches: int


class Line:
    """Queue of the records of one slot."""

    def __init__(self, slot: int) -> None:
        self.slot = slot
        self.bytes = 0
        self.in_flight_bytes = 0
        self._records: deque[Held] = deque()
        self._in_flight = 0

    def __len__(self) -> int:
        return len(self._records)

    @property
    def oldest_s(self) -> float | None:
        """Time since which the oldest record has been held."""
        return self._records[0].since_s if self._records else None

    def add(self, held: Held) -> None:
        """Append a record."""
        self._records.append(held)
        self.bytes += held.size

    def take(self, in_flight_max: int) -> Iterator[Held]:
        """Return the records that may be passed to the client now, and mark them as in flight."""
        while self._in_flight < len(self._records):
            held = self._records[self._in_flight]
            if self._in_flight and self.in_flight_bytes + held.size > in_flight_max:
                return
            self._in_flight += 1
            self.in_flight_bytes += held.size
            yield held

    def acknowledge(self, held: Held) -> None:
        """Remove a record in flight; side records of several topics are acknowledged in any order."""
        held.done = True
        self.bytes -= held.size
        self.in_flight_bytes -= held.size
        while self._records and self._records[0].done:
            self._records.popleft()
            self._in_flight -= 1

    def rewind(self) -> int:
        """Make all records wait again; return the number that were in flight."""
        uncertain = [held for held in list(self._records)[: self._in_flight] if not held.done]
        for _ in range(self._in_flight):
            self._records.popleft()
        self._records.extendleft(reversed(uncertain))
        self._in_flight = self.in_flight_bytes = 0
        return len(uncertain)

    def droppable_s(self) -> float | None:
        """Time since which the first droppable record has been held; None if there is none."""
        row = self._first_droppable()
        return self._records[row].since_s if row < len(self._records) else None

    def drop(self) -> Dropped:
        """Drop the oldest waiting record."""
        row = self._first_droppable()
        held = self._records[row]
        if self.slot == SIDE:
            del self._records[row]
            self.bytes -= held.size
            return Dropped(self.slot, 1, 0, 0)
        if row > self._in_flight:
            stretch, new = self._records[row - 1], 0
            del self._records[row]
        else:
            stretch, new = Stretch(held), 1
            self._records[row] = stretch
            self.bytes += stretch.size
        assert isinstance(stretch, Stretch)  # noqa: S101 - nothing else precedes a droppable record
        before = stretch.size
        ticks = stretch.absorb(held)
        self.bytes += stretch.size - before - held.size
        if held.is_stretch:  # What it stands for was counted when it was dropped.
            return Dropped(self.slot, 0, 0, 0)
        return Dropped(self.slot, 1, ticks, new)

    def _first_droppable(self) -> int:
        row = self._in_flight
        if self.slot != SIDE and row < len(self._records) and self._records[row].is_stretch:
            row += 1
        return row


class Hold:
    """The hold buffer of a producer: all its lines.

    Args:
        max_bytes: Bound on the lines of partitions, including overhead.
        max_age_s: Bound on the age of a waiting record.
        side_max_bytes: Bound on the side records, which have their own line.
    """

    def __init__(self, max_bytes: int, max_age_s: float, side_max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._max_age_s = max_age_s
        self._side_max_bytes = side_max_bytes
        self._lines: dict[int, Line] = {}

    @property
    def lines(self) -> list[Line]:
        """All lines."""
        return list(self._lines.values())

    @property
    def bytes(self) -> int:
        """Bytes held, side records included."""
        return sum(line.bytes for line in self._lines.values())

    @property
    def records(self) -> int:
        """Number of records held."""
        return sum(len(line) for line in self._lines.values())

    @property
    def oldest_s(self) -> float | None:
        """Time since which the oldest record has been held."""
        return min(
            (line.oldest_s for line in self._lines.values() if line.oldest_s is not None), default=None
        )

    def of(self, slot: int) -> Line:
        """Return the line of a slot, created on first use."""
        line = self._lines.get(slot)
        if line is None:
            line = self._lines[slot] = Line(slot)
        return line

    def trim(self, now_s: float) -> list[Dropped]:
        """Drop what exceeds the bounds, oldest first across partitions.

        Args:
            now_s: Monotonic time, s.

        Returns:
            One entry per dropped record, or per merge of two stretches.
        """
        dropped: list[Dropped] = []
        side = self._lines.get(SIDE)
        if side is not None:
            while side.bytes > self._side_max_bytes and side.droppable_s() is not None:
                dropped.append(side.drop())
        lines = [line for line in self._lines.values() if line.slot != SIDE]
        held_bytes = sum(line.bytes for line in lines)
        too_many = held_bytes > self._max_bytes
        too_old_s = self._too_old_before(lines, now_s)
        if not too_many and too_old_s is None:
            return dropped
        enough = self._max_bytes * _KEPT_NUMERATOR // _KEPT_DENOMINATOR if too_many else held_bytes
        oldest = [(since_s, line.slot) for line in lines if (since_s := line.droppable_s()) is not None]
        heapify(oldest)
        while oldest:
            since_s, slot = heappop(oldest)
            if held_bytes <= enough and (too_old_s is None or since_s >= too_old_s):
                break
            line = self._lines[slot]
            before = line.bytes
            dropped.append(line.drop())
            held_bytes += line.bytes - before
            if (next_s := line.droppable_s()) is not None:
                heappush(oldest, (next_s, slot))
        return dropped

    def _too_old_before(self, lines: list[Line], now_s: float) -> float | None:
        """Return the time before which records are too old; None if none is."""
        oldest_s = min((since for line in lines if (since := line.droppable_s()) is not None), default=now_s)
        if now_s - oldest_s <= self._max_age_s:
            return None
        return now_s - self._max_age_s * _KEPT_NUMERATOR / _KEPT_DENOMINATOR
