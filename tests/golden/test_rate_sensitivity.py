"""Rate sensitivity of RUT, the S&P 500 and their spread on the dates known by hand."""

from __future__ import annotations

from datetime import date

import pytest

from core.instruments import parse_universe
from core.sessions import build_calendars
from tests.support.shared_data import shared_data
from tests.support.stepped import SteppedEngine

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


@pytest.mark.parametrize(
    ("first", "day", "numerator", "benchmark", "spread"),
    [
        (date(2024, 1, 2), date(2024, 7, 10), -6.46, -4.07, -2.39),
        (date(2020, 1, 2), date(2020, 8, 10), 42.24, None, None),
    ],
)
def test_sensitivity_over_63_changes(
    first: date, day: date, numerator: float, benchmark: float | None, spread: float | None
) -> None:
    calendars = build_calendars(["XNYS"], date(1990, 1, 1), date(2024, 12, 31))
    engine = SteppedEngine(parse_universe(UNIVERSE), calendars)
    files = {symbol: shared_data(name) for symbol, name in FILES.items()}
    reached = list(engine.step_days(files, first=first, until=day, columns={"Y10": "DGS10"}))
    assert reached[-1] == day
    assert engine.values("rate_beta_63d_bp")[0] == pytest.approx(numerator, abs=0.005)
    if benchmark is not None and spread is not None:
        assert engine.values("benchmark_rate_beta_63d_bp")[0] == pytest.approx(benchmark, abs=0.005)
        assert engine.values("spread_rate_beta_63d_bp")[0] == pytest.approx(spread, abs=0.005)
