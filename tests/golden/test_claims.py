"""The claim ledger over recorded history: verdicts, and figures against the raw files."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.oracles.raw import daily_column
from tests.support.claims_command import claims, found
from tests.support.shared_data import shared_data

pytestmark = pytest.mark.compiled

FIRST = date(2008, 1, 2)
"""As far back as the claims reach."""
FILES = {
    "RUT": ("daily/RUT.csv", "close"),
    "GSPC": ("daily/GSPC.csv", "close"),
    "IWM": ("daily/IWM.csv", "close"),
    "SPY": ("daily/SPY.csv", "close"),
    "QQQ": ("daily/QQQ_yahoo.csv", "close"),
    "IJR_TR": ("adjclose/adjclose_wide.csv", "IJR"),
    "SPY_TR": ("adjclose/adjclose_wide.csv", "SPY"),
}
VERDICTS = {
    6: ["reproduced"],
    8: ["reproduced"],
    19: ["reproduced"],
    20: ["not reproduced"],
    23: ["reproduced"] * 2,
    26: ["reproduced"],
    40: ["reproduced"] * 2,
    42: ["reproduced"],
    43: ["reproduced"],
    44: ["reproduced", "not measurable"],
    45: ["reproduced"],
    48: ["reproduced"],
    55: ["data gap", "reproduced"],
    56: ["reproduced"],
    57: ["data gap", "reproduced"],
    62: ["data gap", "not reproduced"],
    68: ["data gap", "reproduced"],
    78: ["reproduced"] * 2,
    79: ["reproduced"],
    80: ["reproduced"],
    82: ["reproduced", "data gap"],
}


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[dict[str, Any]]]:
    """What the command says, by row."""
    folder = tmp_path_factory.mktemp("claims")
    bars: dict[str, Path] = {}
    for symbol, (file, column) in FILES.items():
        frame = pl.read_csv(shared_data(file), try_parse_dates=True).filter(pl.col("date") >= FIRST)
        bars[symbol] = folder / f"{symbol}.csv"
        frame.select("date", pl.col(column).alias("close")).drop_nulls().write_csv(bars[symbol])
    rows = [flag for row in VERDICTS for flag in ("--row", str(row))]
    by_row: dict[int, list[dict[str, Any]]] = {}
    for entry in found(claims("--format", "json", *rows, bars=bars)):
        by_row.setdefault(entry["row"], []).append(entry)
    return by_row


def test_verdicts(entries: dict[int, list[dict[str, Any]]]) -> None:
    assert {row: [entry["verdict"] for entry in own] for row, own in entries.items()} == VERDICTS


def test_what_is_not_reproduced_has_the_figure_found_beside_the_one_claimed(
    entries: dict[int, list[dict[str, Any]]],
) -> None:
    reason = "found 50.00 % of weeks, 13 of 26; claimed 65 to 100 % of weeks"
    assert entries[20][0]["reason"] == reason
    assert all(
        entry["reason"].startswith("found ") and "; claimed " in entry["reason"]
        for own in entries.values()
        for entry in own
        if entry["verdict"] == "not reproduced"
    )


def raw(symbol: str, day: str) -> float:
    file, column = FILES[symbol]
    return float(daily_column(shared_data(file), column)[date.fromisoformat(day)])


def rise_pct(symbol: str, since: str, until: str) -> float:
    return 100 * (raw(symbol, until) / raw(symbol, since) - 1)


def ratio_rise_pct(since: str, until: str) -> float:
    first, last = (raw("RUT", day) / raw("GSPC", day) for day in (since, until))
    return 100 * (last / first - 1)


CHECKS: dict[tuple[int, int, str], Callable[[], object]] = {
    (6, 0, "ytd_pct"): lambda: rise_pct("RUT", "2023-12-29", "2024-06-28"),
    (6, 0, "benchmark_ytd_pct"): lambda: rise_pct("GSPC", "2023-12-29", "2024-06-28"),
    (8, 0, "return_21d_pct"): lambda: rise_pct("IJR_TR", "2024-07-01", "2024-07-31"),
    (8, 0, "ytd_pct"): lambda: rise_pct("IJR_TR", "2023-12-29", "2024-07-31"),
    (8, 0, "benchmark_ytd_pct"): lambda: rise_pct("SPY_TR", "2023-12-29", "2024-07-31"),
    (20, 0, "weeks"): lambda: 26,
    (20, 0, "weeks_held"): lambda: 13,
    (40, 0, "week_pct"): lambda: rise_pct("RUT", "2024-07-05", "2024-07-12"),
    (40, 1, "week_pct"): lambda: rise_pct("IWM", "2024-07-05", "2024-07-12"),
    (42, 0, "dates"): lambda: ["2008-10-10", "2024-07-11"],
    (43, 0, "years_since_previous"): lambda: (date(2024, 7, 11) - date(2008, 10, 10)).days / 365.25,
    (56, 0, "peak_date"): lambda: "2021-11-08",
    (68, 1, "numerator_price_at_last"): lambda: raw("RUT", "2024-07-26"),
    (68, 1, "weeks_in_a_row"): lambda: 3,
    (68, 1, "weeks_in_a_row_dates"): lambda: ["2024-07-12", "2024-07-19", "2024-07-26"],
    (78, 1, "change_pct"): lambda: ratio_rise_pct("2021-06-30", "2024-06-28"),
    (79, 0, "change_pct"): lambda: ratio_rise_pct("2023-10-31", "2023-12-29"),
    (80, 0, "drawdown_pct"): lambda: rise_pct("IWM", "2021-11-08", "2024-06-18"),
    (82, 0, "benchmark_since_peak_pct"): lambda: rise_pct("SPY", "2021-11-08", "2024-06-18"),
}
"""Row, claim of the row, name of the figure → what the raw files give."""
KNOWN = {
    (8, 0, "return_21d_pct"): 11.82,
    (8, 0, "benchmark_return_21d_pct"): 1.00,
    (8, 0, "ytd_pct"): 10.05,
    (40, 0, "week_pct"): 6.00,
    (40, 1, "week_pct"): 6.11,
    (80, 0, "drawdown_pct"): -17.24,
    (82, 0, "catch_up_gap_pct"): 41.33,
}
"""The same for figures known from elsewhere, to two decimals."""


@pytest.mark.parametrize("place", CHECKS, ids=str)
def test_a_figure_is_that_of_the_raw_files(
    entries: dict[int, list[dict[str, Any]]], place: tuple[int, int, str]
) -> None:
    row, which, name = place
    expected = CHECKS[place]()
    if isinstance(expected, float):
        expected = pytest.approx(expected, rel=1e-8)
    assert entries[row][which]["figures"][name] == expected


def test_known_figures(entries: dict[int, list[dict[str, Any]]]) -> None:
    wanted = {place: figure for place, figure in KNOWN.items() if place[0] in VERDICTS}
    told = {(row, which, name): round(entries[row][which]["figures"][name], 2) for row, which, name in wanted}
    assert told == wanted
