"""Daily files become day bars, and day bars the same baseline that the files would have given."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from core.engine.baseline import baseline_of_bars, baseline_records
from core.model.errors import HistoryError
from core.model.instruments import Universe
from core.model.records import NO_INSTRUMENT, BarFlag, Frequency, Update
from core.model.sessions import session_day
from core.research.history_bars import day_bars
from tests.support.feed_samples import HISTORY, UNIVERSE, new_york_2024

CALENDARS = {"XNYS": new_york_2024()}
UNTIL = date(2024, 7, 11)
DAYS = [date(2024, 7, 9), date(2024, 7, 10), date(2024, 7, 11)]
IWM = pl.DataFrame(
    {
        "date": DAYS,
        "close": [200.5, 201.25, 202.040039],
        "open": [200.0, None, 201.0],
        "volume": [10.0, None, 2_760_000.0],
    }
)
SPY = pl.DataFrame({"date": DAYS[1:], "close": [550.1, 551.2]})


def bars_of(symbol: str, frame: pl.DataFrame) -> np.ndarray:
    return day_bars(frame, UNIVERSE.instrument(symbol), CALENDARS["XNYS"], HISTORY.source_id)


def test_a_day_is_a_bar_and_what_a_file_does_not_say_is_not_made_up() -> None:
    bars = bars_of("IWM", IWM)
    assert bars["session"].tolist() == [session_day(day) for day in DAYS]
    assert bars["close"].tolist() == [200_500_000_000, 201_250_000_000, 202_040_039_000]
    assert bars["open"].tolist() == [200_000_000_000, 0, 201_000_000_000]
    assert bars["high"].tolist() == [0, 0, 0]
    assert bars["volume"].tolist() == [10 * 10**9, -1, 2_760_000 * 10**9]
    unknown = int(BarFlag.OFFICIAL_CLOSE | BarFlag.NO_VOLUME)
    assert bars["flags"].tolist() == [int(BarFlag.OFFICIAL_CLOSE), unknown, int(BarFlag.OFFICIAL_CLOSE)]
    assert set(bars["frequency"].tolist()) == {int(Frequency.DAY)}
    rows = np.searchsorted(CALENDARS["XNYS"].session, bars["session"])
    assert bars["ts_start"].tolist() == CALENDARS["XNYS"].open_ns[rows].tolist()


def test_bars_warm_an_engine_as_their_files_would() -> None:
    bars = np.concatenate([bars_of("SPY", SPY), bars_of("IWM", IWM)])
    offsets = np.arange(100, 100 + len(bars))
    found = baseline_of_bars(bars, offsets, UNIVERSE, CALENDARS, UNTIL, HISTORY.source_id)
    wanted = baseline_records({1: IWM, 2: SPY}, UNIVERSE, CALENDARS, UNTIL, HISTORY.source_id)
    names = [name for name in wanted.dtype.names or () if name != "trade_id"]
    assert found[names].tolist() == wanted[names].tolist()
    # The session's mark names its last row's place.
    assert found["trade_id"].tolist() == [102, 102, 103, 100, 100, 104, 101, 101]


def test_a_series_keeps_its_sign_and_a_bar_of_a_gap_has_no_volume() -> None:
    rate = replace(UNIVERSE.instrument("RUT"), asset_class="rate", has_volume=False)
    instruments = tuple(rate if each.symbol == "RUT" else each for each in UNIVERSE.instruments)
    universe = Universe(UNIVERSE.sources, instruments, UNIVERSE.pairs)
    values = pl.DataFrame({"date": DAYS, "close": [-0.5, 0.0, 4.25]})
    series = day_bars(values, rate, CALENDARS["XNYS"], HISTORY.source_id)
    seen = bars_of("IWM", IWM)
    seen["flags"][2] = int(BarFlag.OFFICIAL_CLOSE | BarFlag.GAP)
    bars = np.concatenate([series, seen])
    records = baseline_of_bars(bars, np.arange(6), universe, CALENDARS, UNTIL, HISTORY.source_id)
    of_rate = records[records["instrument_id"] == 12]
    assert of_rate["price"].tolist() == [-500_000_000, 0, 4_250_000_000]
    assert set(of_rate["update"].tolist()) == {int(Update.SERIES)}
    of_iwm = records[records["instrument_id"] == 1]
    assert (of_iwm["update"] & int(Update.VOLUME) != 0).tolist() == [True, False, False]


def test_strangers_are_passed_over_and_later_days_wait() -> None:
    bars = bars_of("IWM", IWM)
    bars["instrument_id"][0] = 4_711
    found = baseline_of_bars(bars, np.arange(3), UNIVERSE, CALENDARS, DAYS[1], HISTORY.source_id)
    assert found["instrument_id"].tolist() == [1, NO_INSTRUMENT]
    none = baseline_of_bars(bars, np.arange(3), UNIVERSE, CALENDARS, date(2024, 7, 1), HISTORY.source_id)
    assert len(none) == 0


def test_a_day_off_is_refused_by_name() -> None:
    holiday = IWM.with_columns(pl.lit(date(2024, 7, 4)).alias("date")).head(1)
    with pytest.raises(HistoryError, match="IWM has a close on 2024-07-04"):
        bars_of("IWM", holiday)
    bars = bars_of("IWM", IWM)
    bars["session"] = session_day(date(2024, 7, 4))
    with pytest.raises(HistoryError, match="IWM has a bar on 2024-07-04"):
        baseline_of_bars(bars, np.arange(3), UNIVERSE, CALENDARS, UNTIL, HISTORY.source_id)
