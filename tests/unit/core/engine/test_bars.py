"""From ticks to bars: what a trade may update, and what lateness, cancels and silence do."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.model.records import NO_INSTRUMENT, BarFlag, Frequency, TickKind, Update
from tests.support.desk import Desk
from tests.support.worlds import BIG, GOO, OPEN, SECOND, SML

CLOSE_S = 240
FINAL_S = CLOSE_S + 62
"""A mark here ends every wait."""

VOLUME_ONLY = Update.REGULAR | Update.VOLUME
EXTENDED = Update.VOLUME
LAST_ONLY = Update.REGULAR | Update.LAST
EXTREME_ONLY = Update.REGULAR | Update.HIGH_LOW | Update.VOLUME


def bars_of(parts: list[NDArray[np.void]], instrument: int) -> list[np.void]:
    return [bar for bars in parts for bar in bars if bar["instrument_id"] == instrument]


def prices(bar: np.void) -> tuple[float, ...]:
    return tuple(float(bar[name]) / 1e9 for name in ("open", "high", "low", "close"))


def volume(bar: np.void) -> float:
    return float(bar["volume"]) / 1e9


def day_bar(desk: Desk, instrument: int) -> np.void:
    (bar,) = bars_of(desk.said.day_bars, instrument)
    return bar


def test_a_minute_and_a_day_hold_what_traded() -> None:
    desk = Desk()
    for seconds, price in ((1.0, 101.0), (1.5, 103.0), (30.0, 99.0), (59.9, 100.5), (60.0, 102.0)):
        desk.mark(int(seconds))
        desk.trade(seconds, SML, price)
    desk.mark(FINAL_S)
    first, second = bars_of(desk.said.minute_bars, SML)
    assert prices(first) == (101.0, 103.0, 99.0, 100.5)
    assert (volume(first), first["trades"], first["frequency"]) == (400.0, 4, Frequency.MINUTE)
    assert prices(second) == (102.0, 102.0, 102.0, 102.0)
    assert (int(first["ts_start"]), int(second["ts_start"])) == (OPEN, OPEN + 60 * SECOND)
    whole = day_bar(desk, SML)
    assert prices(whole) == (101.0, 103.0, 99.0, 102.0)
    assert (volume(whole), whole["trades"], whole["frequency"]) == (500.0, 5, Frequency.DAY)
    assert whole["session"] == desk.row(SML)["final_session"]


def test_every_minute_of_the_session_ends_with_one_mark() -> None:
    desk = Desk()
    desk.mark(FINAL_S)
    marks = bars_of(desk.said.minute_bars, NO_INSTRUMENT)
    assert [int(mark["ts_start"]) for mark in marks] == [OPEN + n * 60 * SECOND for n in range(4)]
    assert all(int(mark["flags"]) == BarFlag.COMPLETE_MARK for mark in marks)
    assert bars_of(desk.said.minute_bars, SML) == []
    assert desk.said.day_bars == []


def test_event_time_orders_prices_within_a_second() -> None:
    desk = Desk()
    for seconds, price in ((1.9, 105.0), (1.1, 101.0), (1.5, 103.0)):
        desk.trade(seconds, SML, price)
    desk.mark(60 + 1)
    (bar,) = bars_of(desk.said.minute_bars, SML)
    assert prices(bar) == (101.0, 105.0, 101.0, 105.0)


@pytest.mark.parametrize(
    ("update", "moved"),
    [
        (Update.ALL, (101.0, 999.0, 101.0, 999.0, 200.0)),
        (VOLUME_ONLY, (101.0, 101.0, 101.0, 101.0, 200.0)),
        (LAST_ONLY, (101.0, 101.0, 101.0, 999.0, 100.0)),
        (EXTREME_ONLY, (101.0, 999.0, 101.0, 101.0, 200.0)),
        (EXTENDED, (101.0, 101.0, 101.0, 101.0, 100.0)),
    ],
    ids=["all", "volume", "last", "extremes", "extended hours"],
)
def test_a_trade_updates_what_its_conditions_allow(update: int, moved: tuple[float, ...]) -> None:
    desk = Desk()
    desk.trade(1.0, SML, 101.0)
    desk.trade(2.0, SML, 999.0, update=update)
    desk.mark(FINAL_S)
    bar = day_bar(desk, SML)
    # High and low of a day bar are those of the tape; a price that may only be last lifts neither.
    assert (*prices(bar), volume(bar)) == moved


def test_a_day_of_last_prices_alone_still_has_a_range() -> None:
    """Guards against a high and a low of nought below a close."""
    desk = Desk()
    for seconds, price in ((1.0, 101.0), (2.0, 104.0), (3.0, 102.0)):
        desk.trade(seconds, SML, price, update=LAST_ONLY)
    desk.mark(FINAL_S)
    _, high, low, _ = prices(day_bar(desk, SML))
    assert high >= 102.0
    assert 0 < low <= 102.0


def test_a_day_of_nothing_but_its_official_close_is_a_bar_at_that_price() -> None:
    """Guards against an open, a high and a low of nought."""
    desk = Desk()
    desk.mark(CLOSE_S)
    desk.official(CLOSE_S + 1, SML, 103.0)
    desk.mark(FINAL_S)
    assert prices(day_bar(desk, SML)) == (103.0, 103.0, 103.0, 103.0)


def test_an_index_has_no_volume() -> None:
    desk = Desk()
    desk.trade(1.0, BIG, 201.0, 0.0)
    desk.trade(2.0, GOO, 51.0, 5.0)
    desk.mark(FINAL_S)
    (minute,) = bars_of(desk.said.minute_bars, BIG)
    for bar in (minute, day_bar(desk, BIG)):
        assert bar["volume"] == -1
        assert int(bar["flags"]) & BarFlag.NO_VOLUME
    assert volume(day_bar(desk, GOO)) == 5.0
    assert not int(day_bar(desk, GOO)["flags"]) & BarFlag.NO_VOLUME


class TestLateTicks:
    """Behind the watermark: the second is closed."""

    def test_a_late_tick_adds_volume_and_counts_and_rewrites_nothing(self) -> None:
        desk = Desk()
        desk.trade(1.0, SML, 101.0)
        desk.mark(70)
        price = desk.row(SML)["last_price"]
        desk.trade(2.0, SML, 500.0, 7.0)
        desk.trade(65.0, SML, 400.0, 8.0)
        desk.mark(75)
        assert desk.row(SML)["last_price"] == price
        desk.mark(FINAL_S)
        assert desk.counted("late") == 2
        (minute,) = bars_of(desk.said.minute_bars, SML)
        assert prices(minute) == (101.0,) * 4
        whole = day_bar(desk, SML)
        assert prices(whole) == (101.0,) * 4
        assert volume(whole) == 115.0
        assert int(whole["flags"]) & BarFlag.LATE_VOLUME

    def test_the_watermark_is_the_mark_less_the_lateness(self) -> None:
        desk = Desk()
        desk.mark(10)
        desk.trade(9.0, SML, 109.0)
        desk.trade(8.999, SML, 108.0)
        desk.mark(12)
        assert desk.counted("late") == 1
        assert desk.row(SML)["last_price"] == 109_000_000_000

    def test_late_volume_counts_only_where_it_would_have_counted_in_time(self) -> None:
        """Guards against extended-hours shares that get into the session by being late."""
        desk = Desk()
        desk.trade(1.0, SML, 101.0)
        desk.mark(70)
        desk.trade(2.0, SML, 101.0, 1000.0, update=EXTENDED)
        desk.mark(FINAL_S)
        assert volume(day_bar(desk, SML)) == 100.0


class TestCancels:
    """A trade that never happened takes back exactly what it had added."""

    @pytest.mark.parametrize("cancelled_after_s", [1.2, 3, 70, CLOSE_S + 1])
    def test_its_volume_goes(self, cancelled_after_s: float) -> None:
        desk = Desk()
        desk.trade(1.0, SML, 101.0, 30.0)
        desk.trade(1.1, SML, 102.0, 50.0)
        desk.mark(int(cancelled_after_s))
        desk.add(TickKind.CANCEL, 1.0, instrument=SML, price=101.0, size=30.0, update=Update.ALL)
        desk.mark(FINAL_S)
        assert volume(day_bar(desk, SML)) == 50.0
        assert int(day_bar(desk, SML)["flags"]) & BarFlag.REVISED
        assert desk.counted("cancels") == 1

    @pytest.mark.parametrize(
        ("seconds", "update"), [(-600.0, Update.ALL), (1.0, EXTENDED), (2.0, Update.REGULAR | Update.LAST)]
    )
    def test_what_never_counted_takes_nothing_away(self, seconds: float, update: int) -> None:
        """Guards against a volume below nought, which would read as unknown."""
        desk = Desk()
        desk.trade(1.0, SML, 101.0, 50.0)
        desk.trade(seconds, SML, 101.0, 500.0, update=update)
        desk.add(TickKind.CANCEL, seconds, instrument=SML, price=101.0, size=500.0, update=update)
        desk.mark(FINAL_S)
        assert volume(day_bar(desk, SML)) == 50.0

    def test_a_correction_is_a_cancel_and_a_new_trade(self) -> None:
        desk = Desk()
        desk.trade(1.0, SML, 101.0, 30.0)
        desk.add(TickKind.CANCEL, 1.0, instrument=SML, price=101.0, size=30.0, update=Update.ALL)
        desk.add(TickKind.CORRECTION, 1.0, instrument=SML, price=100.0, size=20.0, update=Update.ALL)
        desk.mark(FINAL_S)
        assert volume(day_bar(desk, SML)) == 20.0
        assert prices(day_bar(desk, SML))[3] == 100.0
        assert (desk.counted("corrections"), desk.counted("cancels")) == (1, 1)


def test_prints_outside_the_session_move_no_price() -> None:
    desk = Desk(marked={1: -51.0})
    desk.trade(-50.0, SML, 300.0)
    desk.mark(0)
    desk.trade(1.0, SML, 101.0)
    desk.mark(CLOSE_S)
    desk.trade(CLOSE_S + 0.5, SML, 400.0, 11.0)  # the closing auction's shares belong to the day
    desk.trade(CLOSE_S + 0.7, SML, 400.0, 13.0, update=EXTENDED)
    desk.mark(FINAL_S)
    assert prices(day_bar(desk, SML)) == (101.0,) * 4
    assert volume(day_bar(desk, SML)) == 111.0
    assert desk.counted("outside_session") == 3
