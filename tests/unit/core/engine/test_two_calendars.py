"""Pairs whose legs have different calendars: the benchmark's counts."""

from __future__ import annotations

import math

import pytest

from core.model.instruments import Pair, Universe
from tests.support.desk import Desk, at
from tests.support.worlds import (
    BIG,
    COIN,
    COINS,
    ETH,
    FEED,
    HISTORY,
    SML,
    make_instrument,
    make_source,
    short_calendars,
    small_universe,
)

CLOSE_S = 240
UTC_DAY_END_S = 15 * 60
"""Where the short world's 24/7 day ends, seconds after the open of session 0."""


def both() -> Desk:
    return Desk(small_universe(), marked={FEED: 0.0, COINS: 0.0})


def coin(desk: Desk, seconds: float, price: float, instrument: int = COIN) -> None:
    desk.trade(seconds, instrument, price, source=COINS)


class TestTwoCalendars:
    """A pair follows its benchmark's calendar."""

    def test_a_coin_against_the_exchange_has_the_exchanges_sessions(self) -> None:
        desk = both()
        for second in range(5, 241, 5):
            for source in (FEED, COINS):
                desk.mark(second, source)
            coin(desk, second, 1020.0 + second / 1000)
            desk.trade(second, BIG, 199.0)
        for source in (FEED, COINS):
            desk.mark(CLOSE_S + 3, source)
        coin(desk, CLOSE_S + 5, 2000.0)
        desk.official(CLOSE_S + 4, BIG, 198.0)
        for second in range(CLOSE_S + 3, CLOSE_S + 70, 3):
            desk.mark(second, COINS)
            desk.mark(second)
        (opened,) = [e for e in desk.said.events if e.pair == "COIN/BIG" and e.state == "opened"][:1]
        assert opened.ts_event_ns == at(CLOSE_S)
        # The coin's price when the exchange closed, not what it continued to.
        assert opened.legs["numerator"]["price"] == pytest.approx(1020.235, abs=1e-9)
        assert opened.legs["benchmark"]["price"] == 198.0

    def test_a_coin_goes_on_at_night_and_its_pair_with_the_exchange_does_not(self) -> None:
        desk = both()
        for second in range(CLOSE_S + 100, CLOSE_S + 300, 10):
            for source in (FEED, COINS):
                desk.mark(second, source)
            coin(desk, second, 1010.0)
            coin(desk, second, 71.0, ETH)
        desk.mark(CLOSE_S + 300, COINS)
        desk.mark(CLOSE_S + 300)
        assert desk.value("ratio", "ETH/COIN")[1] == "ok"
        assert math.isnan(desk.value("ratio", "COIN/BIG")[0])

    def test_a_utc_day_ends_where_the_next_begins(self) -> None:
        desk = both()
        desk.mark(UTC_DAY_END_S - 3, COINS)
        coin(desk, UTC_DAY_END_S - 0.5, 1010.0)
        coin(desk, UTC_DAY_END_S + 0.5, 1020.0)
        desk.mark(UTC_DAY_END_S + 10, COINS)
        (bar,) = [bar for bars in desk.said.day_bars for bar in bars]
        assert (bar["open"], bar["close"]) == (1010 * 10**9, 1010 * 10**9)
        assert desk.row(COIN)["day_open"] == 1020 * 10**9
        assert desk.counted("outside_session", COINS) == 0

    def test_a_stock_against_a_coin_is_unknown_while_the_exchange_is_closed(self) -> None:
        """Guards against the last minutes of a session, read again all night."""
        universe = Universe(
            sources=(make_source(FEED, "feed"), make_source(HISTORY, "history")),
            instruments=(
                make_instrument(SML, "SML", max_age_ms=3_600_000),
                make_instrument(COIN, "COIN", calendar="24/7", has_official_close=False),
            ),
            pairs=(Pair("SML", "COIN"),),
        )
        long_day_s = 14 * 60
        desk = Desk(universe, calendars=short_calendars(minutes=14))
        for second in range(1, long_day_s, 20):
            desk.mark(second)
            desk.trade(second, SML, 101.0)
            desk.trade(second, COIN, 1000.0)
        assert desk.value("ratio", "SML/COIN")[1] == "ok"
        for second in range(long_day_s + 2, 1_180, 20):  # longer than the ring of seconds
            desk.mark(second)
            desk.trade(second, COIN, 1000.0)
            if not UTC_DAY_END_S <= second < UTC_DAY_END_S + 22:
                assert desk.unknown("ratio", "SML/COIN") == "no_session", second
        assert desk.engine.evaluator.days.counts.tolist() == [3]
