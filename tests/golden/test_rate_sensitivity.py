"""Rate sensitivity of RUT, the S&P 500 and their spread on the dates known by hand."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from core.model.instruments import parse_universe
from core.model.sessions import build_calendars
from tests.support.shared_data import shared_data
from tests.support.stepped import SteppedEngine
from tests.support.study_command import study

pytestmark = pytest.mark.compiled

UNIVERSE = """
source = [{id = 1, name = "tape"}, {id = 900, name = "history"}]
pair = [{numerator = "RUT", benchmark = "SPX"}]
instrument = [
    {id = 1, symbol = "RUT", class = "index", calendar = "XNYS", source = "tape"},
    {id = 2, symbol = "SPX", class = "index", calendar = "XNYS", source = "tape"},
    {id = 5, symbol = "Y10", class = "rate", calendar = "XNYS", source = "history"},
]
"""
FILES = {"RUT": "daily/RUT.csv", "SPX": "daily/GSPC.csv", "Y10": "rates/FRED_DGS.csv"}
FIRST = date(1990, 1, 2)
LAST = date(2024, 7, 31)


def test_the_greatest_sensitivity_since_1990_was_in_august_2020() -> None:
    calendars = build_calendars(["XNYS"], date(1990, 1, 1), date(2024, 12, 31))
    engine = SteppedEngine(parse_universe(UNIVERSE), calendars)
    files = {symbol: shared_data(name) for symbol, name in FILES.items()}
    found = {
        day: float(engine.values("rate_beta_63d_bp")[0])
        for day in engine.step_days(files, first=FIRST, until=LAST, columns={"Y10": "DGS10"})
    }
    greatest, day = max((value, day) for day, value in found.items() if value == value)
    assert (day, greatest) == (date(2020, 8, 10), pytest.approx(42.24, abs=0.005))


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files from 2024 on: all that 63 changes before July need."""
    folder = tmp_path_factory.mktemp("year")
    for name in FILES.values():
        frame = pl.read_csv(shared_data(name), infer_schema_length=None)
        dates = frame.select(pl.col("date").cast(pl.String).str.slice(0, 10)).to_series()
        frame.filter(dates >= "2024-01-01").write_csv(folder / Path(name).name)
    return folder


def test_the_command_gives_the_sensitivities_of_the_tenth_of_july_2024(year: Path) -> None:
    answer = study(
        "values",
        *("--pair", "RUT/GSPC", "--date", "2024-07-10", "--format", "json"),
        *("--series", f"DGS10={year / 'FRED_DGS.csv'}:DGS10"),
        bars={symbol: year / f"{symbol}.csv" for symbol in ("RUT", "GSPC")},
    )
    assert answer.code == 0, answer.err
    values = json.loads(answer.out)["values"]
    names = ("rate_beta_63d_bp", "benchmark_rate_beta_63d_bp", "spread_rate_beta_63d_bp")
    assert [round(values[name], 2) for name in names] == [-6.46, -4.07, -2.39]
