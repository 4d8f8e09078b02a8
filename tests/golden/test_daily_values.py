"""Every daily output over real history, against the oracle that reads the files itself."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from core.indicators import FAMILIES
from core.model.instruments import Universe, parse_universe
from core.model.records import Frequency
from core.model.sessions import Calendar, build_calendars
from tests.oracles.comparison import Comparison
from tests.oracles.daily import DAILY, DailyPair, Moment
from tests.oracles.every_day import EVERY_DAY, WHOLE_PAST
from tests.oracles.levels import FLOORS
from tests.oracles.raw import daily_closes, daily_column
from tests.support.shared_data import shared_data
from tests.support.stepped import SteppedEngine

pytestmark = pytest.mark.compiled

FIRST = date(1990, 1, 1)
LAST = date(2024, 7, 31)
EVERY = 7
"""Sessions from one comparison to the next; no divisor of a week's five."""

Z_EVERY = 35
"""An oracle with explicit weights looks at the whole past at every point."""

FILES = {
    "RUT": "daily/RUT",
    "SPX": "daily/GSPC",
    "IWM": "daily/IWM",
    "SPY": "daily/SPY",
    "Y10": "rates/FRED_DGS",
}
COLUMNS = {"Y10": "DGS10"}
KEYS = [o.key for family in FAMILIES if family.frequency == Frequency.DAY for o in family.outputs]
NO_FILE = ("flow:65d", "flow_percentile:65d", "flow_sign_sessions")
"""Outputs of a series there is no recorded file of."""
SELDOM = ("half_life_sessions:252d",)
"""Outputs behind a test that is not often passed."""
UNIVERSE = """
source = [{id = 1, name = "tape"}, {id = 900, name = "history"}]
pair = [{numerator = "RUT", benchmark = "SPX"}, {numerator = "IWM", benchmark = "SPY"}]
instrument = [
    {id = 1, symbol = "RUT", class = "index", calendar = "XNYS", source = "tape"},
    {id = 2, symbol = "SPX", class = "index", calendar = "XNYS", source = "tape"},
    {id = 3, symbol = "IWM", class = "etf", calendar = "XNYS", source = "tape"},
    {id = 4, symbol = "SPY", class = "etf", calendar = "XNYS", source = "tape"},
    {id = 5, symbol = "Y10", class = "rate", calendar = "XNYS", source = "history"},
]
"""


@pytest.fixture(scope="module")
def universe() -> Universe:
    return parse_universe(UNIVERSE)


@pytest.fixture(scope="module")
def calendars() -> dict[str, Calendar]:
    return build_calendars(["XNYS"], date(1990, 1, 1), date(2024, 12, 31))


@pytest.fixture(scope="module")
def files() -> dict[str, Path]:
    return {symbol: shared_data(f"{name}.csv") for symbol, name in FILES.items()}


def pair_of(files: Mapping[str, Path], name: str, first: date) -> DailyPair:
    """The oracle's view of a pair; every session of the exchange stands in the S&P 500's file."""
    numerator, benchmark = (
        {day: close for day, close in daily_closes(files[symbol]).items() if day >= first}
        for symbol in name.split("/")
    )
    sessions = tuple(day for day in daily_closes(shared_data("daily/GSPC.csv")) if first <= day <= LAST)
    s_volume, l_volume = (
        daily_column(files[symbol], "volume") if symbol in ("IWM", "SPY") else {}
        for symbol in name.split("/")
    )
    open_days = set(sessions)
    rate = {day: value for day, value in daily_column(files["Y10"], "DGS10").items() if day in open_days}
    return DailyPair(sessions, numerator, benchmark, s_volume, l_volume, rate)


def compare(
    engine: SteppedEngine, files: Mapping[str, Path], *, first: date, every: int, z_every: int
) -> Comparison:
    """Step the engine through the files; compare every output of every pair on every n-th session."""
    comparison = Comparison(FLOORS)
    pairs = [pair_of(files, name, first) for name in engine.pairs]
    for number, day in enumerate(engine.step_days(files, first=first, until=LAST, columns=COLUMNS)):
        if number % every:
            continue
        for column, pair in enumerate(pairs):
            if day not in pair.numerator or day not in pair.benchmark:
                continue
            moment = Moment.at_close(pair, pair.both.index(day))
            for key, oracle in EVERY_DAY.items():
                if not (key.startswith(WHOLE_PAST) and number % z_every):
                    actual = float(engine.values(key)[column])
                    comparison.add(key, (engine.pairs[column], day), actual, oracle(moment))
    return comparison


@pytest.mark.timeout(600)  # a minute or two by itself, several on a busy machine
def test_every_value_agrees_with_the_oracle(
    universe: Universe,
    calendars: dict[str, Calendar],
    files: dict[str, Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    engine = SteppedEngine(universe, calendars)
    comparison = compare(engine, files, first=FIRST, every=EVERY, z_every=Z_EVERY)
    with capsys.disabled():
        print("\n" + comparison.report(f"daily outputs, RUT/SPX and IWM/SPY, {FIRST} to {LAST}"))
    assert comparison.failures == []
    assert comparison.ready_less_than(400, set(KEYS).difference(NO_FILE, SELDOM)) == []
    assert comparison.ready_less_than(40, SELDOM) == []


def test_sessions_a_leg_lacks_make_windows_unknown_never_longer(
    universe: Universe, calendars: dict[str, Calendar], files: dict[str, Path], tmp_path: Path
) -> None:
    """Holes at a window's start, inside windows, and next to each other."""
    first = date(2023, 1, 3)
    holes = {date(2023, 6, 15), date(2023, 6, 16), date(2023, 6, 30), date(2023, 12, 29), date(2024, 3, 28)}
    holed = tmp_path / "RUT.csv"
    with files["RUT"].open(newline="") as source, holed.open("w", newline="") as target:
        writer = csv.writer(target)
        for row in csv.reader(source):
            if row[0] == "date" or date.fromisoformat(row[0]) not in holes:
                writer.writerow(row)
    engine = SteppedEngine(universe, calendars)
    comparison = compare(engine, {**files, "RUT": holed}, first=first, every=1, z_every=5)
    assert comparison.failures == []
    unknown = {key: tally.unknown for key, tally in comparison.tallies.items()}
    # Each hole is once the start of 1d for the session after it, but two holes in a row are one start.
    assert unknown["relative_strength_log:1d"] == 2 + 4
    assert unknown["relative_strength_log:5d"] == 2 * 5 + len(holes)
    # The year 2024 starts from 2023-12-29, which RUT lacks; 2023 from before the history, for both pairs.
    sessions = [day for day in daily_closes(files["SPX"]) if first <= day <= LAST]
    in_2023 = sum(day.year == 2023 for day in sessions)
    assert unknown["relative_strength_log:year"] == 2 * in_2023 - 4 + len(sessions) - in_2023 - 1


def test_the_day_that_started_it(files: dict[str, Path]) -> None:
    """By hand, from the two files: what the oracle itself must give on 2024-07-11."""
    pair = pair_of(files, "RUT/SPX", date(2024, 1, 2))
    moment = Moment.at_close(pair, pair.both.index(date(2024, 7, 11)))
    rut, spx = (
        daily_closes(files[symbol])[date(2024, 7, 11)] / daily_closes(files[symbol])[date(2024, 7, 10)]
        for symbol in ("RUT", "SPX")
    )
    assert DAILY["instrument_return_pct:1d"](moment) == pytest.approx(float(100 * (rut - 1)), rel=1e-15)
    assert DAILY["benchmark_return_pct:1d"](moment) == pytest.approx(float(100 * (spx - 1)), rel=1e-15)
    assert DAILY["relative_strength_pp:1d"](moment) == pytest.approx(4.448, abs=0.001)
    assert DAILY["relative_strength_percent:1d"](moment) == pytest.approx(
        float(100 * (Fraction(rut) / spx - 1)), rel=1e-15
    )
    assert np.isclose(float(100 * (rut - 1)), 3.572, atol=0.001)
