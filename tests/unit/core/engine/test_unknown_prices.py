"""What cannot be known says why, and nothing fires from it."""

from __future__ import annotations

import pytest

from core.model.records import TickKind
from tests.support.desk import Desk
from tests.support.worlds import BIG, GOO, SML, exchange_universe

CLOSE_S = 240
FINAL_S = CLOSE_S + 62
UP = "opposite_up"


def quoted(desk: Desk, seconds: float, **prices: float) -> None:
    """A trade of each named instrument."""
    for name, price in prices.items():
        desk.trade(seconds, {"sml": SML, "big": BIG, "goo": GOO}[name], price)


def falling_apart() -> Desk:
    """SML is 2 % up and BIG down: the condition holds from the first minute on."""
    desk = Desk()
    quoted(desk, 1, sml=102.0, big=199.0)
    return desk


def test_without_a_trade_a_price_is_not_ready() -> None:
    desk = Desk()
    quoted(desk, 1, big=199.0)
    desk.mark(61)
    assert desk.unknown("ratio") == "not_ready"
    assert desk.unknown("instrument_return_pct:1d") == "not_ready"
    assert desk.said.events == []


def test_a_stale_leg_is_unknown_until_it_has_traded_twice() -> None:
    """The maximum age is a minute; one print a minute must not make values flap."""
    desk = Desk()
    quoted(desk, 1, sml=102.0, big=199.0)
    desk.mark(62)
    assert desk.value("ratio") == (102.0 / 199.0, "ok")
    desk.mark(63)
    assert desk.unknown("ratio") == "stale"
    quoted(desk, 63.5, sml=102.5, big=199.0)
    quoted(desk, 63.6, big=199.0)
    desk.mark(65)
    assert desk.unknown("ratio") == "stale"
    quoted(desk, 65.5, sml=103.0)
    desk.mark(67)
    assert desk.value("ratio") == (103.0 / 199.0, "ok")


def test_one_print_per_maximum_age_does_not_bring_a_stale_leg_back() -> None:
    desk = Desk()
    quoted(desk, 1, sml=102.0)
    for second in (70, 140, 210):
        desk.mark(second)
        assert desk.row(SML)["stale"]
        quoted(desk, second, sml=102.0)
        desk.mark(second + 3)
        assert desk.row(SML)["stale"]


def test_the_maximum_age_is_the_instruments_own() -> None:
    desk = Desk(exchange_universe(max_age_ms=5_000))
    quoted(desk, 1, sml=102.0, big=199.0)
    desk.mark(7)
    assert desk.value("ratio")[1] == "ok"
    desk.mark(8)
    assert desk.unknown("ratio") == "stale"


def test_a_gap_mark_makes_every_price_unknown_until_its_next_trade() -> None:
    desk = falling_apart()
    desk.mark(5)
    desk.add(TickKind.GAP, 5.5)
    desk.mark(8)
    assert desk.unknown("ratio") == "gap"
    quoted(desk, 8.5, sml=102.0)
    desk.mark(11)
    assert desk.unknown("ratio") == "gap"
    quoted(desk, 11.5, big=199.0)
    desk.mark(14)
    assert desk.value("ratio") == (102.0 / 199.0, "ok")
    assert desk.counted("gaps") == 1


def test_a_halt_makes_a_price_unknown_until_trading_resumes() -> None:
    desk = falling_apart()
    desk.mark(5)
    desk.add(TickKind.STATUS, 5.5, instrument=SML, size=1.0)
    desk.mark(8)
    assert desk.unknown("ratio") == "halted"
    quoted(desk, 8.5, sml=102.0)
    desk.mark(11)
    assert desk.unknown("ratio") == "halted"
    desk.add(TickKind.STATUS, 11.5, instrument=SML, size=0.0)
    desk.mark(14)
    assert desk.value("ratio") == (102.0 / 199.0, "ok")
    assert desk.counted("statuses") == 2


def test_what_is_known_makes_a_candidate() -> None:
    """The control for the tests below."""
    desk = falling_apart()
    desk.mark(61)
    assert desk.said.states(UP, "SML/BIG") == ["candidate"]


@pytest.mark.parametrize("why", ["stale", "gap", "halted"])
def test_nothing_fires_from_unknown_values(why: str) -> None:
    desk = falling_apart()
    desk.mark(50)
    if why == "gap":
        desk.add(TickKind.GAP, 50.5)
    elif why == "halted":
        desk.add(TickKind.STATUS, 50.5, instrument=BIG, size=1.0)
    desk.mark(59)
    if why != "stale":
        desk.mark(61)
        assert desk.unknown("instrument_return_pct:1d") == why
    else:
        desk = Desk(exchange_universe(max_age_ms=5_000))
        quoted(desk, 1, sml=102.0, big=199.0)
        desk.mark(61)
        assert desk.unknown("instrument_return_pct:1d") == "stale"
    assert desk.said.events == []


@pytest.mark.parametrize("why", ["stale", "gap", "halted"])
def test_a_close_that_nobody_knows_decides_nothing(why: str) -> None:
    """No official print, and the last price was unknown when the session ended.

    Guards against a feed that dies at noon and leaves its last price behind as the day's close.
    """
    desk = Desk()
    for second in (1, 55):
        desk.mark(second)
        quoted(desk, second, goo=51.0, big=199.0)
    desk.mark(61)
    assert desk.said.states(UP, "GOO/BIG") == ["candidate"]
    for second in (180, 185, 199):
        desk.mark(second)
        if why != "stale":
            quoted(desk, second, goo=51.0)
    desk.mark(200)
    if why == "gap":
        desk.add(TickKind.GAP, 200)
    elif why == "halted":
        desk.add(TickKind.STATUS, 200, instrument=GOO, size=1.0)
    quoted(desk, 200, big=199.0)
    desk.mark(CLOSE_S)
    desk.official(CLOSE_S + 1, BIG, 199.0)
    desk.mark(FINAL_S)
    assert desk.said.dead_letters == []
    assert desk.said.states(UP, "GOO/BIG") == ["candidate", "withdrawn"]
    withdrawn = desk.said.events[-1]
    assert withdrawn.values["instrument_return_pct"] is None
    assert withdrawn.reasons["instrument_return_pct"] == why
    days = desk.engine.evaluator.days
    assert days.counts.tolist() == [3, 3]  # no made-up close enters the history


def test_an_official_close_is_known_whatever_the_tape_did() -> None:
    desk = falling_apart()
    desk.mark(61)
    desk.mark(CLOSE_S)  # stale for minutes
    desk.official(CLOSE_S + 1, SML, 102.0)
    desk.official(CLOSE_S + 1, BIG, 199.0)
    desk.mark(FINAL_S)
    assert desk.said.states(UP, "SML/BIG") == ["candidate", "opened"]


def test_a_day_without_any_trade_is_unknown_and_makes_no_bar() -> None:
    desk = Desk()
    desk.mark(FINAL_S)
    assert desk.said.day_bars == []
    assert desk.said.events == []
    assert desk.engine.evaluator.days.counts.tolist() == [3, 3]
    desk.mark(1200 + 61)
    assert desk.unknown("instrument_return_pct:1d") == "not_ready"
