"""The closes of 2013-10-08, from the tape: the auction's price, not the last print that looks like one.

SPY's auction, 2.76 million shares at 165.48, is stamped 16:00:01.196; a print of a million shares
at 167.51 follows at 16:01:15 and is not the close. The daily file, of another vendor, agrees.
"""

from __future__ import annotations

import csv
from datetime import date

import numpy as np
import pytest

from core.model.instruments import parse_universe
from core.model.records import NANOSECONDS_PER_SECOND, BarFlag, Frequency
from core.model.sessions import build_calendars, session_day
from producers.replay.tick_files import load_tick_files
from tests.support.real_day import DAY, EXCHANGES, tape_file, universe_text
from tests.support.recorded_log import recorded_ticks
from tests.support.shared_data import shared_data
from tests.support.stepped import SteppedEngine, marks_for

pytestmark = pytest.mark.compiled

OPENS = {"AIG": 48.80, "BAC": 13.82, "IBM": 181.85, "SPY": 167.45}
CLOSES = {"AIG": 47.70, "BAC": 13.69, "IBM": 178.72, "SPY": 165.48}
"""The listing exchange's opening and closing auctions, as the tape has them."""


@pytest.fixture(scope="module")
def bars() -> dict[str, np.void]:
    """Day bars by symbol."""
    universe = parse_universe(universe_text(["AIG/SPY"]))
    calendars = build_calendars(["XNYS"], date(2013, 1, 1), date(2013, 12, 31))
    calendar = calendars["XNYS"]
    row = calendar.row_of(session_day(DAY))
    opens, closes = (int(ns[row]) // NANOSECONDS_PER_SECOND for ns in (calendar.open_ns, calendar.close_ns))
    ticks = recorded_ticks(load_tick_files(map(tape_file, EXCHANGES)), universe, 1)
    seconds = ticks["ts_event"] // NANOSECONDS_PER_SECOND
    played = (seconds >= opens - 5) & (seconds < closes + 920)
    ticks = ticks[played]
    engine = SteppedEngine(universe, calendars)
    for _ in engine.step_seconds(ticks, marks_for(ticks, opens=opens, closes=closes, every_s=3600)):
        pass
    every = np.concatenate(engine.day_bars)
    assert len(every) == len(EXCHANGES)
    return {universe.instrument(int(bar["instrument_id"])).symbol: bar for bar in every}


@pytest.mark.parametrize("symbol", EXCHANGES)
def test_open_and_close_are_the_auctions(bars: dict[str, np.void], symbol: str) -> None:
    bar = bars[symbol]
    assert bar["close"] == round(CLOSES[symbol] * 1e9)
    assert bar["open"] == round(OPENS[symbol] * 1e9)
    assert bar["flags"] & BarFlag.OFFICIAL_CLOSE
    assert (bar["session"], bar["frequency"]) == (session_day(DAY), Frequency.DAY)


@pytest.mark.parametrize("symbol", EXCHANGES)
def test_the_range_holds_the_auctions(bars: dict[str, np.void], symbol: str) -> None:
    bar = bars[symbol]
    assert bar["low"] <= min(bar["open"], bar["close"])
    assert max(bar["open"], bar["close"]) <= bar["high"]


def test_the_daily_file_of_another_vendor_agrees(bars: dict[str, np.void]) -> None:
    with shared_data("daily/SPY.csv").open(newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["date"] == str(DAY))
    bar = bars["SPY"]
    assert bar["close"] / 1e9 == pytest.approx(float(row["close"]), abs=0.005)
    assert bar["high"] / 1e9 == pytest.approx(float(row["high"]), abs=0.005)
    assert bar["low"] / 1e9 == pytest.approx(float(row["low"]), abs=0.005)
    # The file's volume holds extended hours, ours the session and its auctions.
    assert 0.85 < bar["volume"] / 1e9 / float(row["volume"]) < 1
