"""Ticks and marks leave one call of the clock in the order they were added; bad ticks leave as rejects."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.model.records import NO_INSTRUMENT, TICK, TickKind
from producers.ingest.clock_output import ClockOutput


def trades(*numbers: int) -> NDArray[np.void]:
    records = np.zeros(len(numbers), TICK)
    records["trade_id"] = numbers
    records["kind"] = TickKind.TRADE
    return records


def test_marks_stand_between_the_ticks_they_were_added_between() -> None:
    output = ClockOutput(7)
    output.mark(10, 11)
    output.add(trades(1, 2), None)
    output.mark(20, 21)
    output.add(trades(3), None)
    ticks, rejects = output.clocked()
    assert rejects == []
    assert ticks["trade_id"].tolist() == [0, 1, 2, 0, 3]
    marks = ticks[ticks["kind"] == TickKind.CLOCK]
    assert marks[["ts_event", "ts_recv"]].tolist() == [(10, 11), (20, 21)]
    assert set(marks["instrument_id"].tolist()) == {NO_INSTRUMENT}
    assert set(marks["source"].tolist()) == {7}


def test_ticks_that_are_too_old_leave_as_rejects_with_their_bytes() -> None:
    output, added = ClockOutput(7), trades(1, 2, 3)
    output.add(added, np.array([False, True, False]))
    ticks, rejects = output.clocked()
    assert ticks["trade_id"].tolist() == [1, 3]
    assert [(each.reason, each.payload) for each in rejects] == [("too_old", added[1].tobytes())]


def test_nothing_added_is_no_tick() -> None:
    ticks, rejects = ClockOutput(7).clocked()
    assert (len(ticks), ticks.dtype, rejects) == (0, TICK, [])
