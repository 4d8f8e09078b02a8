"""Sessions of July 2024 on five-minute bars: every output at every frequency, daily ones while the day runs.

Prices come seconds to minutes apart and may get stale, sigma goes on from session to session, and
what a daily output shows during a session must be what it would be if the session ended then.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.model.instruments import Universe, parse_universe
from core.model.records import NANOSECONDS_PER_SECOND
from core.model.sessions import Calendar, build_calendars, session_day
from producers.replay.demo import demo_recording
from tests.oracles.comparison import Comparison
from tests.oracles.daily import BEYOND_PRICES, DAILY, DailyPair, Moment
from tests.oracles.intraday import (
    ACROSS_SESSIONS,
    MINUTES,
    SECONDS,
    IntradayPair,
    second_prices,
    sigma_returns,
)
from tests.oracles.levels import FLOORS
from tests.oracles.raw import bar_path_trades, daily_closes
from tests.support.recorded_log import recorded_ticks
from tests.support.shared_data import shared_data
from tests.support.stepped import SteppedEngine, marks_for

pytestmark = pytest.mark.compiled

DAYS = [date(2024, 7, 9), date(2024, 7, 10), date(2024, 7, 11)]
BEFORE = date(2024, 7, 8)
FIRST = date(2019, 1, 2)
PAIRS = ("RUT/SPX", "QQQ/SPY", "NVDA/SPY")
FILES = {"RUT": "RUT", "SPX": "GSPC", "SPY": "SPY", "QQQ": "QQQ_yahoo", "NVDA": "NVDA_yahoo"}
BARS = "intraday/fixture_5m_2024-07-08_2024-07-17.csv"
SESSION_SECONDS = 6 * 3600 + 30 * 60
LAST_MINUTE = SESSION_SECONDS // 60 - 1
MAX_AGE_S = 180
PEEK_EVERY, Z_EVERY = 7, 28
"""Minutes from one look at daily outputs to the next."""

SYMBOLS = list(dict.fromkeys(leg for name in PAIRS for leg in name.split("/")))


def universe_of_bars() -> Universe:
    lines = ['source = [{id = 1, name = "bars"}, {id = 900, name = "history"}]', "pair = ["]
    lines += ['  {{numerator = "{}", benchmark = "{}"}},'.format(*name.split("/")) for name in PAIRS]
    lines += ["]", "instrument = ["]
    lines += [
        f'  {{id = {number}, symbol = "{symbol}", class = "index", calendar = "XNYS", source = "bars", '
        f"max_age_ms = {MAX_AGE_S * 1000}, has_official_close = true}},"
        for number, symbol in enumerate(SYMBOLS, start=1)
    ]
    return parse_universe("\n".join([*lines, "]"]))


class Sessions:
    """The engine on its way through the days, and the oracle's prices beside it."""

    def __init__(self) -> None:
        universe = universe_of_bars()
        calendars = build_calendars(["XNYS"], date(2018, 1, 1), date(2024, 12, 31))
        self.calendar: Calendar = calendars["XNYS"]
        self.engine = SteppedEngine(universe, calendars)
        self.files: dict[str, Path] = {s: shared_data(f"daily/{FILES[s]}.csv") for s in SYMBOLS}
        self.closes = {s: daily_closes(path) for s, path in self.files.items()}
        self.ticks = recorded_ticks(demo_recording().only(SYMBOLS), universe, 1)
        self.carried: dict[str, tuple[float, ...]] = dict.fromkeys(self.engine.pairs, ())
        self.intraday, self.peeks, self.finals = (Comparison(FLOORS) for _ in range(3))
        for _ in self.engine.step_days(self.files, first=FIRST, until=BEFORE):
            pass
        for day in DAYS:
            self._run(day)

    def _run(self, day: date) -> None:
        row = self.calendar.row_of(session_day(day))
        opens = int(self.calendar.open_ns[row]) // NANOSECONDS_PER_SECOND
        seconds = self.ticks["ts_event"] // NANOSECONDS_PER_SECOND - opens
        ticks = self.ticks[(seconds >= 0) & (seconds <= SESSION_SECONDS)]
        prices = {
            symbol: second_prices(bar_path_trades(shared_data(BARS), symbol, day), SESSION_SECONDS, MAX_AGE_S)
            for symbol in SYMBOLS
        }
        pairs = [
            IntradayPair(prices[s], prices[l], self.carried[name])
            for name, (s, l) in ((name, name.split("/")) for name in self.engine.pairs)
        ]
        daily = [self._daily(name, day) for name in self.engine.pairs]
        marks = marks_for(ticks, opens=opens, closes=opens + SESSION_SECONDS, every_s=60)
        # A second past each minute's end, so that the minute is read as soon as it is closed.
        marks = np.unique(np.concatenate([marks, marks[marks % 60 == 0] + 1]))
        for closed in self.engine.step_seconds(ticks, marks):
            second = closed - opens - 1
            if 0 <= second < SESSION_SECONDS:
                self._compare(day, second, pairs, daily)
        for column, history in enumerate(daily):
            self._compare_final(day, column, history)
        for name, pair in zip(self.engine.pairs, pairs, strict=True):
            self.carried[name] = sigma_returns(pair, LAST_MINUTE - 15)

    def _daily(self, name: str, day: date) -> DailyPair:
        numerator, benchmark = (
            {d: close for d, close in self.closes[leg].items() if FIRST <= d <= day}
            for leg in name.split("/")
        )
        every = self.closes["SPX" if "SPX" in self.closes else "SPY"]
        return DailyPair(tuple(d for d in every if FIRST <= d <= day), numerator, benchmark)

    def _compare(self, day: date, second: int, pairs: list[IntradayPair], daily: list[DailyPair]) -> None:
        minute = second // 60
        for column, pair in enumerate(pairs):
            where = (self.engine.pairs[column], day, second)
            for key, oracle in SECONDS.items():
                self.intraday.add(key, where, self._value(key, column), oracle(pair, second))
            if second % 60 != 59:
                continue
            for key, oracle in MINUTES.items():
                self.intraday.add(key, where, self._value(key, column), oracle(pair, minute))
            known = pair.minute(minute)
            if minute % PEEK_EVERY == 0:
                history = daily[column]
                for key, daily_oracle in DAILY.items():
                    if key.startswith("relative_return_zscore") and minute % Z_EVERY and known:
                        continue
                    self._peek(key, where, column, history, day, known, daily_oracle)

    def _peek(self, key, where, column, history, day, known, oracle) -> None:  # type: ignore[no-untyped-def]
        finished = len(history.both) - 1
        if known is not None:
            expected = oracle(Moment(history, finished, day, *known))
        elif "_high:" in key or "_low:" in key or key.endswith("_price"):
            return  # not in need of both prices
        else:
            expected = None
        self.peeks.add(key, where, self._value(key, column), expected)

    def _compare_final(self, day: date, column: int, pair: DailyPair) -> None:
        moment = Moment.at_close(pair, len(pair.both) - 1)
        for key, oracle in DAILY.items():
            if "_high:" not in key and "_low:" not in key:  # these are already of the next session
                self.finals.add(
                    key, (self.engine.pairs[column], day), self._value(key, column), oracle(moment)
                )

    def _value(self, key: str, column: int) -> float:
        values: NDArray[np.float64] = self.engine.values(key)
        return float(values[column])


def test_every_value_agrees_with_the_oracle(capsys: pytest.CaptureFixture[str]) -> None:
    sessions = Sessions()
    span = f"{', '.join(PAIRS)}, {DAYS[0]} to {DAYS[-1]}"
    with capsys.disabled():
        print("\n" + sessions.intraday.report(f"outputs at 1s and 1m, {span}"))
        print(sessions.peeks.report(f"daily outputs while the session runs, {span}"))
    assert sessions.intraday.failures == []
    assert sessions.peeks.failures == []
    assert sessions.finals.failures == []
    within = [key for key in (*SECONDS, *MINUTES) if key not in ACROSS_SESSIONS]
    assert sessions.intraday.ready_less_than(100, within) == []
    priced = [key for key in DAILY if key not in BEYOND_PRICES]
    assert sessions.peeks.ready_less_than(10, priced) == []
    settled = [key for key in priced if "_high:" not in key and "_low:" not in key]
    assert sessions.finals.ready_less_than(len(PAIRS) * len(DAYS), settled) == []
    # The recording has stretches longer than the greatest age: unknown there, to both.
    assert sessions.intraday.tallies["ratio"].unknown > 5
    assert sessions.peeks.tallies["relative_strength_log:1d"].unknown > 1
