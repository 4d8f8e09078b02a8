"""Seconds that `apply_ticks` closes by itself: the same state and output as with each one closed outside."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.model.instruments import Pair, Universe
from core.model.records import TickKind
from core.model.sessions import Calendar
from tests.support.logs import LogBuilder, cut, run
from tests.support.rich_log import rich_log, warm_start
from tests.support.settling_twins import SESSION_S, Twins, require_equal
from tests.support.worlds import (
    BIG,
    COIN,
    COINS,
    ETH,
    FEED,
    GOO,
    HISTORY,
    OPEN,
    SECOND,
    SML,
    exchange_universe,
    make_calendar,
    make_instrument,
    make_source,
    session_open,
    short_calendars,
    small_universe,
)

pytestmark = pytest.mark.compiled

LAGS_S = (0, 0, 2, 65, 118, 121, 126, 300)
"""How far a source is behind the first; the ring of seconds spoils for a leg that is 124 s behind."""
STEPS_S = (0, 0, 1, 1, 1, 2, 3, 9)
JUMPS_S = (0, 0, 0, 0, 58, 130, 700)


def two_feeds() -> Universe:
    """Pairs of each source, and pairs across them, on one calendar."""
    return Universe(
        sources=(make_source(FEED, "feed"), make_source(COINS, "coins"), make_source(HISTORY, "history")),
        instruments=(
            make_instrument(SML, "SML"),
            make_instrument(BIG, "BIG", has_volume=False),
            make_instrument(COIN, "COIN", source="coins"),
            make_instrument(ETH, "ETH", source="coins"),
        ),
        pairs=(Pair("SML", "BIG"), Pair("SML", "COIN"), Pair("ETH", "BIG"), Pair("ETH", "COIN")),
    )


def one_feed() -> Universe:
    """One source of two calendars, in session when the exchange revises a day; GOO is in no pair."""
    return Universe(
        sources=(make_source(FEED, "feed"), make_source(HISTORY, "history")),
        instruments=(
            make_instrument(SML, "SML"),
            make_instrument(BIG, "BIG", has_volume=False),
            make_instrument(GOO, "GOO"),
            make_instrument(COIN, "COIN", calendar="24/7", has_official_close=False),
        ),
        pairs=(Pair("SML", "BIG"), Pair("COIN", "BIG"), Pair("SML", "COIN")),
    )


def off_the_minute(by_s: int) -> dict[str, Calendar]:
    """Calendars whose exchange opens and closes some seconds after the minute."""
    calendars = short_calendars(minutes=SESSION_S // 60)
    usual = calendars["XNYS"]
    shift = by_s * SECOND
    spans = [
        (int(opened) + shift, int(closed) + shift)
        for opened, closed in zip(usual.open_ns, usual.close_ns, strict=True)
    ]
    return calendars | {"XNYS": make_calendar("XNYS", int(usual.session[0]), spans)}


UNIVERSES: dict[str, Callable[[], Universe]] = {
    "one source": exchange_universe,
    "two sources": two_feeds,
    "one source, two calendars": one_feed,
    "two sources, two calendars": small_universe,
}


class Tape:
    """Draws a log: sources at their own pace, late trades, gaps, halts, official prints, corrections."""

    def __init__(self, seed: int, universe: Universe) -> None:
        self._random = random.Random(seed)
        names = {source.name: source.source_id for source in universe.sources}
        self._source_of = {each.instrument_id: names[each.source] for each in universe.instruments}
        self._sources = sorted(set(self._source_of.values()))
        self._front_s = self._random.choice((-5, 700, 820, 835))
        self._now = dict.fromkeys(self._sources, OPEN + (self._front_s - 200) * SECOND)

    def burst(self, length: int) -> LogBuilder:
        """Draw some records."""
        log, draw, silent = LogBuilder(), self._random, set[int]()
        lags_s = {source: draw.choice(LAGS_S) for source in self._sources}
        self._front_s += draw.choice(JUMPS_S)
        for _ in range(length):
            self._front_s += draw.choice(STEPS_S)
            for source in draw.sample(self._sources, draw.randrange(1, len(self._sources) + 1)):
                now = OPEN + (self._front_s - lags_s[source]) * SECOND + draw.choice((0, 999_999_999))
                self._now[source] = now = max(now, self._now[source])
                if source in silent:
                    continue
                for _ in range(draw.randrange(4)):
                    self._record(log, source, now)
                if draw.random() < 0.02:
                    log.add(TickKind.SOURCE_CLOSED, now, source=source)
                    silent.add(source)
                else:
                    log.mark(now, source)
        return log

    def _record(self, log: LogBuilder, source: int, now: int) -> None:
        draw = self._random
        instrument = draw.choice([row for row, owner in self._source_of.items() if owner == source])
        price = {SML: 100.0, BIG: 200.0}.get(instrument, 50.0) * draw.uniform(0.97, 1.03)
        closes = (session_open(number) + SESSION_S * SECOND for number in range(4))
        last_close = max((close for close in closes if close <= now), default=now)
        match draw.randrange(40):
            case 0:
                log.gap(now, source)
            case 1:
                log.status(now, instrument, halted=draw.random() < 0.5, source=source)
            case 2 | 3 | 4 | 5 | 6:
                log.official(last_close, instrument, price)
            case 7 | 8 | 9 | 10:
                log.official(last_close, instrument, price, kind=TickKind.CORRECTION)
            case 11:
                log.trade(now, instrument, -1.0, source=source)
            case _:
                log.trade(now - draw.randrange(3 * SECOND), instrument, price, source=source)


@pytest.mark.parametrize("name", UNIVERSES)
@settings(max_examples=80)
@given(
    after_the_minute_s=st.sampled_from([0, 0, 30]),
    seed=st.integers(0, 2**32),
    reads=st.lists(st.integers(1, 12), min_size=4, max_size=30),
)
def test_state_and_output_are_those_of_every_second(
    name: str, after_the_minute_s: int, seed: int, reads: list[int]
) -> None:
    twins = Twins(UNIVERSES[name](), off_the_minute(after_the_minute_s))
    history = LogBuilder()
    for back in range(70, 0, -1):
        closes = dict.fromkeys((SML, BIG, GOO, COIN, ETH), 100.0 + back % 7)
        history.baseline(OPEN - back * 86_400 * SECOND + 600 * SECOND, closes)
    twins.step(history)
    tape = Tape(seed, twins.universe)
    for length in reads:
        twins.step(tape.burst(length))
        require_equal(twins)


@pytest.mark.parametrize("seed", range(3))
def test_a_log_with_every_incident_is_the_same(seed: int) -> None:
    twins = Twins(small_universe())
    for records in (warm_start(), rich_log(seed)):
        frames = cut(records, sequences=twins.sequences)
        run(twins.engine, frames, into=twins.told)
        run(twins.every_second, frames, into=twins.told_every_second)
    require_equal(twins)
    advances, advances_every_second = twins.advances
    assert advances < advances_every_second / 2


def test_a_minute_of_marks_enters_the_engine_once() -> None:
    twins = Twins(exchange_universe())
    log = LogBuilder()
    for second in range(1, 242):
        log.trade(session_open(0) + second * SECOND, SML, 100.0)
        log.mark(session_open(0) + second * SECOND)
    twins.step(log)
    require_equal(twins)
    assert twins.advances == (5, 241)


def test_values_of_a_second_are_there_once_somebody_settles() -> None:
    twins = Twins(exchange_universe())
    log = LogBuilder()
    for second, price in ((1, 100.0), (2, 100.0), (3, 101.0)):
        log.trade(session_open(0) + second * SECOND, SML, price)
        log.trade(session_open(0) + second * SECOND, BIG, 200.0)
        log.mark(session_open(0) + (second + 1) * SECOND)
    log.mark(session_open(0) + 5 * SECOND)
    twins.step(log)
    ratios, _ = twins.engine.evaluator.columns["ratio"]
    twins.engine.settle()
    assert ratios[0] == pytest.approx(101.0 / 200.0)
    require_equal(twins)


def test_a_second_is_read_before_the_faster_leg_is_too_far_ahead() -> None:
    """The slower leg stops 120 s behind; then the faster one goes on by ten seconds."""
    twins = Twins(two_feeds())
    log = LogBuilder()
    for source in (FEED, COINS):
        log.mark(session_open(0), source)
    for second in range(1, 181):
        log.trade(session_open(0) + second * SECOND, SML, 100.0)
        log.mark(session_open(0) + second * SECOND)
    for second in range(1, 62):
        log.trade(session_open(0) + second * SECOND, COIN, 50.0, source=COINS)
        log.mark(session_open(0) + second * SECOND, COINS)
    log.mark(session_open(0) + 190 * SECOND)
    twins.step(log)
    require_equal(twins)
    row = [pair.name for pair in twins.engine.world.pairs].index("SML/COIN")
    assert twins.engine.evaluator.columns["ratio"][0][row] == pytest.approx(2.0)


def test_a_close_off_the_minute_ends_the_values_of_its_pairs() -> None:
    """The slower leg trades around the clock: only the block of pairs has that close."""
    twins = Twins(small_universe(), off_the_minute(30))
    close_s = SESSION_S + 30
    log = LogBuilder()
    for second in (-60, 0):
        log.mark(session_open(0) + (30 + second) * SECOND)
        log.mark(session_open(0) + (30 + second) * SECOND, COINS)
    for second in range(close_s - 60, close_s + 10, 5):
        log.trade(session_open(0) + second * SECOND, BIG, 200.0)
        log.mark(session_open(0) + second * SECOND)
    for second in range(close_s - 20, close_s + 8):
        log.trade(session_open(0) + second * SECOND, COIN, 50.0, source=COINS)
        log.mark(session_open(0) + second * SECOND, COINS)
    twins.step(log)
    require_equal(twins)


def test_a_revision_does_not_see_the_seconds_that_end_after_it() -> None:
    """Coins of the same source are in session, so that marks behind it in its frame close seconds."""
    twins = Twins(one_feed())
    close = session_open(0) + SESSION_S * SECOND
    log = LogBuilder()
    log.baseline(session_open(0) - 86_400 * SECOND + SESSION_S * SECOND, {SML: 100.0, BIG: 200.0, COIN: 50.0})
    twins.step(log)
    log = LogBuilder()
    log.mark(close - 5 * SECOND)
    for instrument, price in ((SML, 100.5), (BIG, 200.5), (GOO, 50.0)):
        log.trade(close - SECOND, instrument, price)
    log.mark(close)
    for instrument, price in ((SML, 102.0), (BIG, 199.0), (GOO, 50.0)):
        log.official(close, instrument, price)
    log.mark(close + 61 * SECOND)
    twins.step(log)
    require_equal(twins)
    log = LogBuilder()
    log.official(close, SML, 100.5, kind=TickKind.CORRECTION)
    for second in range(62, 70):
        log.mark(close + second * SECOND)
    twins.step(log)
    require_equal(twins)
    assert "revised" in [event.state for event in twins.told.events]
