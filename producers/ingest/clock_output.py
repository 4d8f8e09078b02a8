"""Output of one call of the feed's clock: ticks and marks in order, and the rejects."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.model.records import NO_INSTRUMENT, TICK, TickKind
from producers.feeds.base import Reject, reject
from producers.framing.rows import join, take


class Clocked(NamedTuple):
    """Result of passing ticks through the clock.

    Args:
        ticks: TICK (n,), accepted ticks in order, with marks inserted.
        rejects: Rejected ticks: `future`, `too_old` or `unconfirmed`.
    """

    ticks: NDArray[np.void]
    rejects: list[Reject]


class ClockOutput:
    """Collects the output of one call, in order.

    Args:
        source_id: Source of the marks.
    """

    def __init__(self, source_id: int) -> None:
        self._source_id = source_id
        self._parts: list[NDArray[np.void] | int] = []
        self._marks: list[tuple[int, int]] = []
        self._rejects: list[Reject] = []

    def add(self, ticks: NDArray[np.void], old: NDArray[np.bool_] | None) -> None:
        """Append ticks, except those that are too old."""
        self._parts.append(ticks if old is None else self.without(ticks, old, "too_old"))

    def mark(self, ts_event_ns: int, ts_recv_ns: int) -> None:
        """Append a mark."""
        self._parts.append(len(self._marks))
        self._marks.append((ts_event_ns, ts_recv_ns))

    def without(self, ticks: NDArray[np.void], wrong: NDArray[np.bool_], reason: str) -> NDArray[np.void]:
        """Remove the bad ticks and append them as rejects with the record's bytes."""
        if not wrong.any():
            return ticks
        self._rejects += [reject(reason, tick.tobytes()) for tick in take(ticks, wrong)]
        return take(ticks, ~wrong)

    def clocked(self) -> Clocked:
        """Assemble the result."""
        marks = np.zeros(len(self._marks), TICK)
        if self._marks:
            marks["ts_event"], marks["ts_recv"] = np.array(self._marks, np.int64).T
            marks["instrument_id"] = NO_INSTRUMENT
            marks["kind"] = TickKind.CLOCK
            marks["source"] = self._source_id
        parts = [marks[part : part + 1] if isinstance(part, int) else part for part in self._parts]
        return Clocked(join(parts), self._rejects)
