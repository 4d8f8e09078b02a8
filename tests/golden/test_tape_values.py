"""Every output at 1s and 1m over the tape of 2013-10-08, against the oracle that reads the tape itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from core.indicators import FAMILIES
from core.model.instruments import parse_universe
from core.model.records import NANOSECONDS_PER_SECOND, Frequency
from core.model.sessions import build_calendars, session_day
from producers.replay.tick_files import load_tick_files
from tests.oracles.comparison import Comparison
from tests.oracles.intraday import ACROSS_SESSIONS, MINUTES, SECONDS, IntradayPair, second_prices
from tests.oracles.raw import tape_trades
from tests.support.real_day import DAY, EXCHANGES, tape_file, universe_text
from tests.support.recorded_log import recorded_ticks
from tests.support.stepped import SteppedEngine, marks_for

pytestmark = pytest.mark.compiled

SESSION_SECONDS = 6 * 3600 + 30 * 60
MAX_AGE_S = 60
EVERY = 7
"""Seconds from one comparison to the next."""

PAIRS = ("IBM/AIG", "AIG/SPY", "BAC/SPY")
KEYS = [
    o.key
    for family in FAMILIES
    if family.frequency in (Frequency.SECOND, Frequency.MINUTE)
    for o in family.outputs
    if o.key not in ACROSS_SESSIONS
]


def oracle_pairs(files: Mapping[str, Path]) -> dict[str, IntradayPair]:
    """Prices of every second, from the files."""
    prices = {
        symbol: second_prices(tape_trades(path, SESSION_SECONDS), SESSION_SECONDS, MAX_AGE_S)
        for symbol, path in files.items()
    }
    legs = {name: name.split("/") for name in PAIRS}
    return {name: IntradayPair(prices[s], prices[l]) for name, (s, l) in legs.items()}


def over_the_tape() -> Comparison:
    """Step the engine through the tape; compare on every n-th second and at every minute."""
    files = {symbol: tape_file(symbol) for symbol in EXCHANGES}
    universe = parse_universe(universe_text(PAIRS, max_age_ms=MAX_AGE_S * 1000))
    calendars = build_calendars(["XNYS"], date(2013, 1, 1), date(2013, 12, 31))
    calendar = calendars["XNYS"]
    opens = int(calendar.open_ns[calendar.row_of(session_day(DAY))]) // NANOSECONDS_PER_SECOND
    ticks = recorded_ticks(load_tick_files(files.values()), universe, 1)
    seconds = ticks["ts_event"] // NANOSECONDS_PER_SECOND - opens
    ticks = ticks[(seconds >= -5) & (seconds < SESSION_SECONDS)]
    marks = marks_for(ticks, opens=opens, closes=opens + SESSION_SECONDS, every_s=60)
    engine = SteppedEngine(universe, calendars)
    pairs = oracle_pairs(files)
    columns = [pairs[name] for name in engine.pairs]
    comparison = Comparison()
    for closed in engine.step_seconds(ticks, np.array(marks)):
        second = closed - opens - 1  # the last that is closed
        for column, pair in enumerate(columns if 0 <= second < SESSION_SECONDS else ()):
            where = (engine.pairs[column], second)
            if second % EVERY == 0:
                for key, oracle in SECONDS.items():
                    comparison.add(key, where, float(engine.values(key)[column]), oracle(pair, second))
            if second % 60 == 59:
                for key, oracle in MINUTES.items():
                    comparison.add(key, where, float(engine.values(key)[column]), oracle(pair, second // 60))
    return comparison


def test_every_value_agrees_with_the_oracle(capsys: pytest.CaptureFixture[str]) -> None:
    comparison = over_the_tape()
    with capsys.disabled():
        print("\n" + comparison.report(f"outputs at 1s and 1m, {', '.join(PAIRS)}, tape of {DAY}"))
    assert comparison.failures == []
    assert comparison.ready_less_than(900, KEYS) == []
