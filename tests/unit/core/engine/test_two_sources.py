"""Pairs whose legs have different sources: the lesser clock counts."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest

from core.model.instruments import Pair, Universe
from core.model.records import TickKind
from core.model.sessions import build_calendar
from tests.support.desk import Desk, at
from tests.support.worlds import (
    BIG,
    COIN,
    COINS,
    ETH,
    FEED,
    FIRST_DAY,
    HISTORY,
    SML,
    make_instrument,
    make_source,
    small_universe,
)

CLOSE_S = 240
UTC_DAY_END_S = 15 * 60
"""Where the short world's 24/7 day ends, seconds after the open of session 0."""


def both() -> Desk:
    return Desk(small_universe(), marked={FEED: 0.0, COINS: 0.0})


def coin(desk: Desk, seconds: float, price: float, instrument: int = COIN) -> None:
    desk.trade(seconds, instrument, price, source=COINS)


def two_coin_feeds() -> Universe:
    """ETH and COIN, each from a source of its own."""
    return Universe(
        sources=(make_source(FEED, "feed"), make_source(COINS, "coins"), make_source(HISTORY, "history")),
        instruments=(
            make_instrument(COIN, "COIN", source="coins", calendar="24/7", has_official_close=False),
            make_instrument(ETH, "ETH", source="feed", calendar="24/7", has_official_close=False),
        ),
        pairs=(Pair("ETH", "COIN"),),
    )


class TestTwoSources:
    """COIN/BIG: the numerator comes from one source, the benchmark from another."""

    def test_a_pair_stands_on_the_lesser_clock(self) -> None:
        desk = both()
        coin(desk, 0.5, 1010.0)
        desk.trade(0.5, BIG, 199.0)
        desk.mark(30)
        assert math.isnan(desk.value("ratio", "COIN/BIG")[0])  # the coins' clock has not moved
        assert desk.engine.clock_ns == at(-2)
        desk.mark(10, COINS)
        assert desk.value("ratio", "COIN/BIG") == (1010.0 / 199.0, "ok")
        assert desk.engine.clock_ns == at(8)
        coin(desk, 12.0, 1020.0)
        desk.mark(20, COINS)
        assert desk.value("ratio", "COIN/BIG")[0] == 1020.0 / 199.0

    def test_the_faster_leg_is_read_at_the_slower_clocks_time(self) -> None:
        desk = both()
        coin(desk, 0.5, 1010.0)
        desk.trade(0.5, BIG, 199.0)
        desk.mark(20)
        desk.trade(20.5, BIG, 198.0)
        desk.mark(30)
        desk.mark(15, COINS)
        assert desk.value("ratio", "COIN/BIG")[0] == 1010.0 / 199.0
        desk.mark(29, COINS)
        assert desk.value("ratio", "COIN/BIG")[0] == 1010.0 / 198.0

    @pytest.mark.parametrize("ahead_s", [30, 60, 120])
    def test_a_leg_that_runs_ahead_a_little_changes_nothing(self, ahead_s: int) -> None:
        together, ahead = both(), both()
        for desk in (together, ahead):
            for second in range(1, 4):
                desk.trade(second, BIG, 198.0 + second)
                coin(desk, second, 1000.0 + second)
        for second in range(1, ahead_s + 1):
            together.mark(second)
            together.mark(second, COINS)
        ahead.mark(ahead_s)
        ahead.mark(ahead_s, COINS)
        for key in ("ratio", "relative_strength_log:1m", "instrument_return_pct:1d"):
            assert str(ahead.value(key, "COIN/BIG")) == str(together.value(key, "COIN/BIG"))
        assert [e.event_id for e in ahead.said.events] == [e.event_id for e in together.said.events]

    def test_a_leg_far_ahead_is_unknown_and_never_read_from_the_future(self) -> None:
        """Guards against a ring whose slot holds the price of seventeen minutes later."""
        universe = two_coin_feeds()
        desk = Desk(universe, marked={FEED: 0.0, COINS: 0.0})
        coin(desk, 0.5, 1000.0)
        desk.trade(0.5, ETH, 70.0)
        desk.mark(5, COINS)
        for second in range(20, 880, 20):  # COIN runs ahead by fourteen minutes, rising
            desk.mark(second, COINS)
            coin(desk, second, 1000.0 + second)
        for second in range(5, 700, 20):
            desk.mark(second)
            desk.trade(second, ETH, 70.0)
            value, reason = desk.value("ratio", "ETH/COIN")
            if reason == "ok":
                seconds_ago = desk.engine.pair_time.arrays()["block_closed"][0] - at(0) // 10**9
                assert value == pytest.approx(70.0 / (1000.0 + (seconds_ago - 1) // 20 * 20), rel=1e-12)

    def test_a_leg_a_ring_ahead_is_unknown(self) -> None:
        universe = two_coin_feeds()
        desk = Desk(universe, marked={FEED: 0.0, COINS: 0.0})
        for second in range(0, 1_400, 20):
            desk.mark(second, COINS)
            coin(desk, second, 1000.0 + second)
        for second in range(0, 300, 20):
            desk.mark(second)
            desk.trade(second, ETH, 70.0)
        desk.mark(300)
        assert desk.unknown("ratio", "ETH/COIN") == "stale"
        assert desk.unknown("relative_strength_log:1m", "ETH/COIN") == "stale"
        assert [event for event in desk.said.events if event.pair == "ETH/COIN"] == []

    def test_a_leg_hours_ahead_leaves_no_trace_once_the_other_has_caught_up(self) -> None:
        """Guards against an hour's sums that keep the minutes nobody could see leave."""
        pair, step, parted, lead, end = "ETH/COIN", 30, 9_000, 28_000, 12_000
        day = {"24/7": build_calendar("24/7", FIRST_DAY - timedelta(days=5), FIRST_DAY + timedelta(days=1))}

        def play(desk: Desk, row: int, first: int, last: int) -> None:
            source, start, period = (COINS, 1000.0, 97.0) if row == COIN else (FEED, 70.0, 61.0)
            for second in range(first, last, step):
                desk.mark(second, source)
                price = start * (1 + 0.001 * math.sin(second / period))
                desk.trade(second + 0.5, row, price, source=source)

        together, ahead = (
            Desk(two_coin_feeds(), calendars=day, baseline_days=0, marked={FEED: 0, COINS: 0})
            for _ in range(2)
        )
        compared = 0
        for first in range(0, end, step):
            play(together, COIN, first, first + step)
            play(together, ETH, first, first + step)
            if first < parted:
                play(ahead, COIN, first, first + step)
            elif first == parted:
                play(ahead, COIN, first, first + lead)
            play(ahead, ETH, first, first + step)
            (value, reason), (expected, _) = (desk.value("beta:1h", pair) for desk in (ahead, together))
            if first == parted + 600:
                assert (reason, ahead.unknown("instrument_return_pct:1d", pair)) == ("stale", "stale")
            if reason == "ok":
                assert value == pytest.approx(expected, rel=1e-9), first
                compared += 1
        assert compared > 100

    def test_bars_close_on_their_own_sources_clock(self) -> None:
        desk = both()
        coin(desk, 0.5, 1010.0)
        desk.trade(0.5, SML, 101.0)
        said = desk.mark(62)
        assert {int(b["instrument_id"]) for bars in said.minute_bars for b in bars if b["close"]} == {SML}
        said = desk.mark(62, COINS)
        assert {int(b["instrument_id"]) for bars in said.minute_bars for b in bars if b["close"]} == {COIN}


class TestALateSource:
    """A source that speaks first when the other is a session ahead or behind."""

    @pytest.mark.parametrize("first", [FEED, COINS])
    def test_a_session_one_leg_never_saw_is_unknown_and_the_next_one_is_not(self, first: int) -> None:
        """Guards against a pair that waits forever for a close that nobody will send."""
        late = COINS if first == FEED else FEED
        desk = Desk(small_universe(), marked={first: 0.0})
        for second in range(0, 230, 10):
            desk.mark(second, first)
            desk.trade(second, BIG if first == FEED else COIN, 210.0, source=first)
        desk.mark(1_200, late)  # its first word, in session 1
        for second in range(230, 1_200, 10):
            desk.mark(second, first)
        for second in range(1_200, 1_440, 10):
            for source in (FEED, COINS):
                desk.mark(second, source)
            desk.trade(second, BIG, 199.0)
            coin(desk, second, 1020.0)
        assert desk.value("instrument_return_pct:1d", "COIN/BIG")[1] == "not_ready"  # session 0 is a hole
        assert desk.value("ratio", "COIN/BIG") == (1020.0 / 199.0, "ok")
        for second in (1_440, 1_445, 1_510):
            for source in (FEED, COINS):
                desk.mark(second, source)
        names = [pair.name for pair in desk.engine.world.pairs]
        assert int(desk.engine.evaluator.days.counts[names.index("COIN/BIG")]) == 4


class TestSourceClosed:
    """The lease holder declares a source dead: its clock no longer holds others up."""

    def test_a_dead_source_follows_and_its_pairs_go_stale(self) -> None:
        desk = both()
        coin(desk, 0.5, 1010.0)
        desk.trade(0.5, BIG, 199.0)
        desk.trade(0.5, SML, 101.0)
        desk.mark(3)
        desk.mark(3, COINS)
        assert desk.value("ratio", "COIN/BIG")[1] == "ok"
        desk.add(TickKind.SOURCE_CLOSED, 3, source=COINS)
        for second in range(10, 100, 10):
            desk.mark(second)
            desk.trade(second, BIG, 199.0)
            desk.trade(second, SML, 101.0)
        desk.mark(100)
        assert desk.engine.clock_ns == at(99)
        assert desk.unknown("ratio", "COIN/BIG") == "stale"
        assert desk.value("ratio", "SML/BIG")[1] == "ok"

    def test_without_the_declaration_the_pair_waits(self) -> None:
        desk = both()
        desk.mark(100)
        assert desk.engine.clock_ns == at(-2)

    def test_a_dead_sources_day_still_ends(self) -> None:
        desk = both()
        coin(desk, 0.5, 1010.0)
        desk.mark(3, COINS)
        desk.add(TickKind.SOURCE_CLOSED, 3, source=COINS)
        desk.mark(UTC_DAY_END_S + 10)
        (bar,) = [bar for bars in desk.said.day_bars for bar in bars]
        assert (bar["instrument_id"], bar["close"]) == (COIN, 1010 * 10**9)
        days = desk.engine.evaluator.days.counts
        assert days[[pair.name for pair in desk.engine.world.pairs].index("ETH/COIN")] == 3

    def test_a_mark_brings_a_source_back_to_life(self) -> None:
        desk = both()
        desk.mark(3, COINS)
        desk.add(TickKind.SOURCE_CLOSED, 3, source=COINS)
        desk.mark(50)
        assert desk.engine.clock_ns == at(49)
        desk.mark(20, COINS)  # alive again, and behind where it was taken along
        coin(desk, 20.0, 1010.0)
        assert desk.flush().dead_letters == []
        assert desk.counted("late", COINS) == 1
        desk.mark(60, COINS)
        coin(desk, 60.0, 1020.0)
        desk.mark(70, COINS)
        desk.mark(70)
        assert desk.row(COIN)["last_price"] == 1020 * 10**9

    def test_with_all_sources_dead_time_stands_still(self) -> None:
        desk = both()
        desk.add(TickKind.SOURCE_CLOSED, 3, source=COINS)
        desk.add(TickKind.SOURCE_CLOSED, 3, source=FEED)
        desk.flush()
        assert int(desk.engine.state.sources["dead"].sum()) == 2
        desk.mark(10)
        assert desk.engine.clock_ns == at(9)

    def test_a_source_that_never_spoke_may_be_declared_dead(self) -> None:
        desk = Desk(small_universe())
        desk.add(TickKind.SOURCE_CLOSED, 0, source=COINS)
        desk.trade(0.5, SML, 101.0)
        desk.trade(0.5, BIG, 199.0)
        desk.mark(10)
        assert desk.value("ratio", "SML/BIG")[1] == "ok"
        assert math.isnan(desk.value("ratio", "COIN/BIG")[0])
