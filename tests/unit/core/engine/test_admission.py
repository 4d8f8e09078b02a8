"""Which frames get in: epochs, sequence numbers, holes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.model.frames import encode_frame
from core.model.records import TICK, TickKind, Update
from producers.framing.held import Held
from producers.framing.hold import Line
from tests.support.desk import Desk, at
from tests.support.logs import run, state_of
from tests.support.worlds import BIG, COIN, COINS, FEED, HISTORY, SML, small_universe


def trade(seconds: float, price: float, instrument: int = SML, source: int = FEED) -> NDArray[np.void]:
    ticks = np.zeros(1, TICK)
    ticks["ts_event"], ticks["price"], ticks["size"] = at(seconds), round(price * 1e9), 10**11
    ticks["instrument_id"], ticks["update"], ticks["source"] = instrument, Update.ALL, source
    return ticks


def mark(seconds: float, source: int = FEED) -> NDArray[np.void]:
    ticks = np.zeros(1, TICK)
    ticks["ts_event"], ticks["kind"], ticks["source"] = at(seconds), TickKind.CLOCK, source
    return ticks


class Wire:
    """Sends frames with any epoch and sequence."""

    def __init__(self) -> None:
        self.desk = Desk(small_universe(), marked={})
        self.engine = self.desk.engine

    def send(self, ticks: NDArray[np.void], *, sequence: int, epoch: int = 1, source: int = FEED) -> None:
        run(self.engine, [encode_frame(ticks, source=source, epoch=epoch, sequence=sequence)])


@pytest.fixture
def wire() -> Wire:
    wire = Wire()
    wire.send(mark(0), sequence=0)
    wire.send(trade(0.5, 101.0), sequence=1)
    return wire


@pytest.mark.parametrize("sequence", [0, 1])
def test_a_repeated_frame_is_dropped_and_counted(wire: Wire, sequence: int) -> None:
    before = state_of(wire.engine, without=["count_repeated_frames"])
    wire.send(trade(0.7, 999.0), sequence=sequence)
    assert wire.desk.counted("repeated_frames") == 1
    assert wire.desk.counted("trades") == 1
    assert state_of(wire.engine, without=["count_repeated_frames"]) == before


def test_an_older_epoch_is_dropped_and_counted(wire: Wire) -> None:
    wire.send(trade(0.6, 102.0), epoch=2, sequence=0)
    before = state_of(wire.engine, without=["count_old_epoch_frames"])
    for sequence in (0, 2, 50):
        wire.send(trade(0.7, 999.0), epoch=1, sequence=sequence)
    assert wire.desk.counted("old_epoch_frames") == 3
    assert wire.desk.counted("trades") == 2
    assert state_of(wire.engine, without=["count_old_epoch_frames"]) == before


def test_a_newer_epoch_starts_its_sequence_anew(wire: Wire) -> None:
    wire.send(trade(0.6, 102.0), epoch=7, sequence=0)
    wire.send(trade(0.7, 103.0), epoch=7, sequence=1)
    wire.send(trade(0.7, 999.0), epoch=7, sequence=1)
    assert wire.desk.counted("trades") == 3
    assert wire.desk.counted("repeated_frames") == 1
    assert wire.desk.counted("missing_frames") == 0
    assert not wire.desk.row(SML)["gap"]


def test_a_takeover_is_a_gap_until_the_next_trade(wire: Wire) -> None:
    """Guards what a producer that was killed had received and not sent: nobody knows of it."""
    wire.send(trade(0.6, 201.0, BIG), sequence=2)
    wire.send(mark(3), sequence=3)
    assert wire.desk.value("ratio") == (101.0 / 201.0, "ok")
    wire.send(mark(5), epoch=2, sequence=0)
    assert (wire.desk.counted("gaps"), wire.desk.counted("missing_frames")) == (1, 0)
    assert wire.desk.unknown("ratio") == "gap"
    wire.send(trade(5.5, 102.0), epoch=2, sequence=1)
    wire.send(trade(5.6, 202.0, BIG), epoch=2, sequence=2)
    wire.send(mark(8), epoch=2, sequence=3)
    assert wire.desk.value("ratio") == (102.0 / 202.0, "ok")


def test_a_takeover_makes_the_volume_of_the_day_partial(wire: Wire) -> None:
    """What was traded between the two producers is in no log, so the day's volume cannot be exact."""
    wire.send(mark(3), sequence=2)
    assert not wire.desk.row(SML)["day_gap"]
    wire.send(mark(5), epoch=2, sequence=0)
    wire.send(trade(5.5, 102.0), epoch=2, sequence=1)
    wire.send(mark(250), epoch=2, sequence=2)
    wire.send(mark(320), epoch=2, sequence=3)
    assert wire.desk.row(SML)["final_volume"] < 0


def test_a_day_without_a_takeover_has_its_volume(wire: Wire) -> None:
    wire.send(mark(250), sequence=2)
    wire.send(mark(320), sequence=3)
    assert wire.desk.row(SML)["final_volume"] == 10**11


def test_a_stretch_that_was_dropped_is_a_gap_and_its_clock_mark_lets_trades_in(wire: Wire) -> None:
    """A producer that could hold no more: frames 4 to 7 are lost, frame 7 is their gap mark."""
    wire.send(trade(0.6, 201.0, BIG), sequence=2)
    wire.send(mark(3), sequence=3)
    line = Line(0)
    for sequence in (4, 5, 6, 7):
        dropped = np.concatenate([mark(5 * sequence), trade(5 * sequence, 50.0)])
        payload = encode_frame(dropped, source=FEED, epoch=1, sequence=sequence)
        line.add(Held(0, "ticks", None, payload, [], 0, 0.0))
        line.drop()
    (stretch,) = line.take(10**9)
    run(wire.engine, [stretch.payload()])
    assert wire.desk.unknown("ratio") == "gap"
    assert (wire.desk.counted("missing_frames"), wire.desk.counted("trades")) == (3, 2)
    # Farther ahead of the last mark that was sent than a trade may be.
    wire.send(trade(36, 102.0), sequence=8)
    wire.send(trade(36, 202.0, BIG), sequence=9)
    wire.send(mark(40), sequence=10)
    assert wire.desk.value("ratio") == (102.0 / 202.0, "ok")
    assert wire.desk.row(SML)["day_gap"]


def test_a_gap_mark_for_frames_that_arrived_after_all_is_dropped(wire: Wire) -> None:
    gap = mark(5)
    gap["kind"] = TickKind.GAP
    wire.send(gap, sequence=1)
    assert not wire.desk.row(SML)["gap"]
    assert wire.desk.counted("repeated_frames") == 1


def test_more_history_is_no_gap_in_the_tape(wire: Wire) -> None:
    """Each run of a warm start is an epoch of its own source."""
    history = np.zeros(1, TICK)
    history["kind"], history["source"] = TickKind.BASELINE, HISTORY
    for epoch in (1, 2):
        wire.send(history, epoch=epoch, sequence=0, source=HISTORY)
    assert not wire.desk.row(SML)["gap"]


def test_a_hole_is_a_gap_until_the_next_trade(wire: Wire) -> None:
    wire.send(trade(0.6, 201.0, BIG), sequence=2)
    wire.send(mark(3), sequence=3)
    assert wire.desk.value("ratio") == (101.0 / 201.0, "ok")
    wire.send(mark(5), sequence=6)
    assert wire.desk.counted("missing_frames") == 2
    assert wire.desk.counted("gaps") == 1
    assert wire.desk.unknown("ratio") == "gap"
    wire.send(trade(5.5, 102.0), sequence=7)
    wire.send(mark(8), sequence=8)
    assert wire.desk.unknown("ratio") == "gap"  # the other leg has not traded yet
    wire.send(trade(8.5, 202.0, BIG), sequence=9)
    wire.send(mark(10), sequence=10)
    assert wire.desk.value("ratio") == (102.0 / 202.0, "ok")
    assert wire.desk.row(SML)["day_gap"]


def test_a_new_epoch_that_begins_behind_its_first_frame_has_a_hole(wire: Wire) -> None:
    wire.send(mark(2), epoch=2, sequence=3)
    assert wire.desk.counted("missing_frames") == 3
    assert wire.desk.row(SML)["gap"]


def test_the_first_frame_of_all_is_no_hole() -> None:
    """A replay may begin in the middle of an epoch."""
    wire = Wire()
    wire.send(mark(0), epoch=3, sequence=500)
    wire.send(trade(0.5, 101.0), epoch=3, sequence=501)
    assert wire.desk.counted("missing_frames") == 0
    assert wire.desk.counted("trades") == 1


def test_every_source_counts_for_itself(wire: Wire) -> None:
    wire.send(mark(0, COINS), sequence=0, source=COINS)
    wire.send(trade(0.5, 1000.0, COIN, COINS), sequence=1, source=COINS)
    wire.send(mark(3, COINS), sequence=9, source=COINS)
    assert wire.desk.counted("missing_frames", COINS) == 7
    assert wire.desk.counted("missing_frames") == 0
    assert wire.desk.row(COIN)["gap"]
    assert not wire.desk.row(SML)["gap"]
