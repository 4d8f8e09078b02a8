"""The official close: the first one sets the day, until the day is final."""

from __future__ import annotations

import pytest

from core.model.records import BarFlag, TickKind, Update
from tests.support.desk import Desk, at
from tests.support.worlds import BIG, GOO, OFFICIAL_WAIT_S, SECOND, SML, exchange_universe

CLOSE_S = 240
DEADLINE_S = CLOSE_S + OFFICIAL_WAIT_S
LATENESS_S = 1
UP = "opposite_up"


def after_the_close() -> Desk:
    """SML last traded at 100.5 and GOO at 50.4, both fresh; the session has just closed."""
    desk = Desk()
    desk.mark(235)
    for instrument, price in ((SML, 100.5), (BIG, 199.5), (GOO, 50.4)):
        desk.trade(235.5, instrument, price)
    desk.mark(CLOSE_S + LATENESS_S)
    return desk


def closes(desk: Desk) -> dict[int, float]:
    return {int(bar["instrument_id"]): bar["close"] / 1e9 for bars in desk.said.day_bars for bar in bars}


def test_the_first_official_close_stands() -> None:
    desk = after_the_close()
    desk.official(CLOSE_S + 1.2, SML, 102.0)
    desk.official(CLOSE_S + 1.3, SML, 90.0)
    desk.mark(CLOSE_S + 4)
    assert closes(desk)[SML] == 102.0
    desk.official(CLOSE_S + 5, SML, 80.0)  # the day is final
    desk.mark(DEADLINE_S + 5)
    assert closes(desk)[SML] == 102.0
    (bar,) = [bar for bars in desk.said.day_bars for bar in bars if bar["instrument_id"] == SML]
    assert int(bar["flags"]) & BarFlag.OFFICIAL_CLOSE
    assert bar["high"] == 102_000_000_000  # the auction's price is in the day's range


def test_a_large_print_after_the_close_is_no_close() -> None:
    desk = after_the_close()
    desk.mark(CLOSE_S + 15)
    desk.trade(CLOSE_S + 15.5, SML, 167.51, 1_000_000)
    desk.official(CLOSE_S + 20, SML, 102.0)
    desk.mark(DEADLINE_S + 5)
    assert closes(desk)[SML] == 102.0


def test_an_official_print_before_the_middle_is_an_open() -> None:
    desk = Desk()
    desk.official(0.5, SML, 103.0)
    desk.official(0.6, SML, 104.0)
    desk.trade(0.7, SML, 101.0)
    desk.mark(CLOSE_S)
    desk.official(CLOSE_S + 1, SML, 102.0)
    desk.mark(DEADLINE_S + 5)
    (bar,) = [bar for bars in desk.said.day_bars for bar in bars]
    assert (bar["open"] / 1e9, bar["close"] / 1e9) == (103.0, 102.0)


def test_a_pair_is_decided_when_both_official_closes_are_in() -> None:
    desk = after_the_close()
    desk.official(CLOSE_S + 2, SML, 101.6)
    said = desk.mark(CLOSE_S + 6)
    assert closes(desk) == {GOO: 50.4, SML: 101.6}
    assert said.states(UP, "SML/BIG") == []
    desk.official(CLOSE_S + 9.5, BIG, 199.0)
    desk.mark(CLOSE_S + 10)
    assert desk.said.states(UP, "SML/BIG") == []
    said = desk.mark(CLOSE_S + 30)
    assert said.states(UP, "SML/BIG") == ["opened"]
    (event,) = [event for event in said.events if event.definition == UP and event.pair == "SML/BIG"]
    assert event.ts_event_ns == at(CLOSE_S)
    assert event.ts_knowable_ns == at(CLOSE_S + 10)  # the end of the second that holds the later print
    assert event.event_time == "2024-06-03"
    assert event.values["instrument_return_pct"] == pytest.approx(1.6, abs=1e-12)


def test_without_an_official_close_the_wait_ends_at_the_deadline() -> None:
    desk = after_the_close()
    desk.official(CLOSE_S + 2, BIG, 199.0)
    desk.mark(DEADLINE_S + LATENESS_S - 1)
    assert SML not in closes(desk)
    assert desk.said.states(UP, "SML/BIG") == []
    said = desk.mark(DEADLINE_S + LATENESS_S)
    assert closes(desk)[SML] == 100.5
    assert [event.ts_knowable_ns for event in said.events] == [at(DEADLINE_S)] * len(said.events)
    assert desk.engine.evaluator.days.counts.tolist() == [4, 4]
    (bar,) = [bar for bars in desk.said.day_bars for bar in bars if bar["instrument_id"] == SML]
    assert not int(bar["flags"]) & BarFlag.OFFICIAL_CLOSE


def test_an_instrument_without_official_close_does_not_wait() -> None:
    desk = after_the_close()
    assert closes(desk) == {GOO: 50.4}


def test_an_official_close_in_the_last_second_of_the_wait_still_counts() -> None:
    desk = after_the_close()
    desk.mark(DEADLINE_S - 1)
    desk.official(DEADLINE_S - 0.5, SML, 102.0)
    desk.mark(DEADLINE_S + LATENESS_S)
    assert closes(desk)[SML] == 102.0


def test_a_correction_before_the_day_is_final_replaces_the_close() -> None:
    desk = after_the_close()
    desk.official(CLOSE_S + 2, SML, 102.0)
    desk.official(CLOSE_S + 2, SML, 102.0, kind=TickKind.CANCEL)
    desk.official(CLOSE_S + 2, SML, 101.2, kind=TickKind.CORRECTION)
    desk.official(CLOSE_S + 2, BIG, 199.0)
    desk.mark(DEADLINE_S + 5)
    assert closes(desk)[SML] == 101.2
    assert desk.said.states(UP, "SML/BIG") == ["opened"]
    (bar,) = [bar for bars in desk.said.day_bars for bar in bars if bar["instrument_id"] == SML]
    assert (bar["high"], bar["low"]) == (101_200_000_000, 100_500_000_000)  # nothing of the cancelled close


def test_a_cancelled_official_close_leaves_the_next_one_to_stand() -> None:
    desk = after_the_close()
    desk.official(CLOSE_S + 2, SML, 102.0)
    desk.official(CLOSE_S + 2, SML, 102.0, kind=TickKind.CANCEL)
    desk.official(CLOSE_S + 2.5, SML, 101.3)
    desk.mark(DEADLINE_S + 5)
    assert closes(desk)[SML] == 101.3


def test_a_cancel_of_another_price_leaves_the_official_close() -> None:
    desk = after_the_close()
    desk.official(CLOSE_S + 2, SML, 102.0)
    desk.official(CLOSE_S + 2, SML, 103.0, kind=TickKind.CANCEL)
    desk.mark(DEADLINE_S + 5)
    assert closes(desk)[SML] == 102.0


def test_the_next_session_measures_from_the_official_close() -> None:
    desk = after_the_close()
    desk.official(CLOSE_S + 2, SML, 102.0)
    desk.official(CLOSE_S + 2, BIG, 198.0)
    desk.mark(1_200)
    desk.trade(1_201, SML, 103.02)
    desk.trade(1_201, BIG, 199.98)
    desk.mark(1_261)
    assert desk.value("instrument_return_pct:1d")[0] == pytest.approx(1.0, abs=1e-12)
    assert desk.value("benchmark_return_pct:1d")[0] == pytest.approx(1.0, abs=1e-12)


def test_a_closing_print_that_counts_for_the_tape_is_in_volume_and_range() -> None:
    """An auction's print carries its shares and its conditions."""
    desk = after_the_close()
    desk.trade(CLOSE_S + 1.196, SML, 102.0, 2_760_000, update=Update.ALL | Update.OFFICIAL)
    desk.mark(DEADLINE_S + 5)
    (bar,) = [bar for bars in desk.said.day_bars for bar in bars if bar["instrument_id"] == SML]
    assert bar["close"] == 102_000_000_000
    assert bar["volume"] == (2_760_000 + 100) * SECOND
    assert (bar["high"], bar["low"]) == (102_000_000_000, 100_500_000_000)
    minutes = [bar for bars in desk.said.minute_bars for bar in bars if bar["instrument_id"] == SML]
    assert max(int(bar["high"]) for bar in minutes) == 100_500_000_000


def test_a_wait_longer_than_the_night_ends_at_the_next_open() -> None:
    """Guards against ticks of a new session that no session takes in."""
    universe = exchange_universe(wait_s=86_400)
    desk = Desk(universe)
    desk.mark(235)
    desk.trade(235.5, SML, 101.5)
    desk.mark(1_200)
    desk.trade(1_200.5, SML, 102.5)
    desk.mark(1_261)
    assert closes(desk)[SML] == 101.5
    minutes = [bar for bars in desk.said.minute_bars for bar in bars if bar["instrument_id"] == SML]
    assert [int(bar["ts_start"]) for bar in minutes] == [at(180), at(1_200)]
    assert desk.row(SML)["last_price"] == 102_500_000_000
