"""Known days of 1990 to July 2024, as `rotascope study events` tells them with the shipped definitions."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from core.runtime.files import CATALOGUE, read_text
from tests.support.definitions import opposite_day
from tests.support.shared_data import shared_data
from tests.support.study_command import study

pytestmark = [pytest.mark.integration, pytest.mark.compiled, pytest.mark.slow, pytest.mark.timeout(900)]

THRESHOLDS = (2.46, 2.8, 3.2, 3.57)
FILES = {
    "RUT": "daily/RUT.csv",
    "GSPC": "daily/GSPC.csv",
    "IWM": "daily/IWM.csv",
    "SPY": "daily/SPY.csv",
    "QQQ": "daily/QQQ_yahoo.csv",
    "IJR": "adjclose/adjclose_wide.csv:IJR",
    "SPYA": "adjclose/adjclose_wide.csv:SPY",
}
INDEX, FUNDS, GROWTH, ADJUSTED = "RUT/GSPC", "IWM/SPY", "IWM/QQQ", "IJR/SPYA"
LOOKED_AT = """opposite_day_up opposite_day_down gain_streak record_outperformance_5d outperformance_streak
    month_ahead_year_behind record_high record_high_after_a_year drawdown drawdown_20 benchmark_record_alone
    ma200_cross_up ma200_cross_down golden_cross death_cross""".split()
SHOWN = ("opened", "confirmed", "resolved", "faded", "invalidated", "expired")


def file_of(name: str) -> str:
    path, colon, column = name.partition(":")
    return f"{shared_data(path)}{colon}{column}"


def signals() -> str:
    """The shipped definitions that are looked at here, and the opposite day at other thresholds."""
    entries = read_text(None, CATALOGUE).split("[[definition]]\n")[1:]
    chosen = [entry for entry in entries if entry.split('"', 2)[1] in LOOKED_AT]
    assert len(chosen) == len(LOOKED_AT)
    others = "\n" + "".join(
        opposite_day(f"up_{100 * least:.0f}", least_pct=least, more=f'pairs = ["{INDEX}"]')
        for least in (*THRESHOLDS, 2.45, 3.58)
    )
    return "".join(f"[[definition]]\n{entry}" for entry in chosen) + others


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    file = tmp_path_factory.mktemp("golden") / "catalogue.toml"
    file.write_text(signals(), encoding="utf-8")
    answer = study(
        *("events", "--catalogue", str(file), "--to", "2024-07-31", "--format", "jsonl"),
        *(flag for pair in (INDEX, FUNDS, GROWTH, ADJUSTED) for flag in ("--pair", pair)),
        bars={symbol: file_of(name) for symbol, name in FILES.items()},
    )
    assert answer.code == 0, answer.err
    return answer.lines


def told(lines: list[dict[str, Any]], definition: str, pair: str, *states: str) -> list[dict[str, Any]]:
    return [
        line
        for line in lines
        if (line["definition"], line["pair"]) == (definition, pair) and line["state"] in (states or SHOWN)
    ]


def openings(lines: list[dict[str, Any]], definition: str, pair: str) -> list[str]:
    return [line["event_time"] for line in told(lines, definition, pair, "opened")]


def closes(symbol: str) -> pl.DataFrame:
    """Sessions and closes of a file, up to the last one that is printed."""
    path, _, column = FILES[symbol].partition(":")
    frame = pl.read_csv(shared_data(path), infer_schema_length=None).rename(str.lower)
    frame = frame.select(
        pl.col("date").str.slice(0, 10).str.to_date(),
        close=pl.col((column or "close").lower()).cast(pl.Float64),
    ).drop_nulls()
    return frame.filter(pl.col("date") <= date(2024, 7, 31)).sort("date")


# --- the opposite day ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "definition", ["opposite_day_up", *(f"up_{100 * least:.0f}" for least in THRESHOLDS)]
)
def test_two_days_in_35_years(lines: list[dict[str, Any]], definition: str) -> None:
    first, second = told(lines, definition, INDEX)
    figures = [
        (line["event_time"], round(line["values"][f"{leg}_return_pct"], 3))
        for line in (first, second)
        for leg in ("instrument", "benchmark")
    ]
    assert figures == [
        ("2008-10-10", 4.663),
        ("2008-10-10", -1.176),
        ("2024-07-11", 3.572),
        ("2024-07-11", -0.876),
    ]


def test_beyond_those_thresholds_there_are_more_or_fewer(lines: list[dict[str, Any]]) -> None:
    assert len(openings(lines, "up_245", INDEX)) > 2
    assert openings(lines, "up_358", INDEX) == ["2008-10-10"]


def test_what_the_second_of_them_is_first_since(lines: list[dict[str, Any]]) -> None:
    first, second = told(lines, "opposite_day_up", INDEX)
    provenance = {"history_start": "1990-01-03", "series": "close", "operator": ">="}
    none = {"last_true": None, "previous_opening": None, "openings": 0, "sessions_true": 0}
    one = {"last_true": "2008-10-10", "previous_opening": "2008-10-10", "openings": 1, "sessions_true": 1}
    assert first["first_since"] == none | provenance
    assert second["first_since"] == one | provenance
    assert first["reasons"]["first_since.last_true"] == "none since 1990-01-03"


@pytest.mark.parametrize(
    ("definition", "pair", "expected"),
    [
        ("opposite_day_down", INDEX, ["2000-04-03"]),
        ("opposite_day_up", FUNDS, ["2008-10-10", "2024-07-11"]),
        ("opposite_day_up", GROWTH, ["2020-11-09", "2021-01-06", "2024-07-11"]),
    ],
)
def test_and_the_other_way_and_between_other_legs(
    lines: list[dict[str, Any]], definition: str, pair: str, expected: list[str]
) -> None:
    assert openings(lines, definition, pair) == expected


def test_the_one_day_down(lines: list[dict[str, Any]]) -> None:
    (down,) = told(lines, "opposite_day_down", INDEX)
    assert down["values"]["instrument_return_pct"] == pytest.approx(-4.276, abs=5e-4)
    assert down["values"]["benchmark_return_pct"] == pytest.approx(0.493, abs=5e-4)


# --- runs and records ---------------------------------------------------------------------------------------


def test_five_days_of_a_percent_and_more(lines: list[dict[str, Any]]) -> None:
    assert openings(lines, "gain_streak", INDEX) == [
        "1998-10-20",
        "2000-01-20",
        "2009-09-10",
        "2020-04-28",
        "2024-07-16",
    ]


def test_five_sessions_further_ahead_than_ever(lines: list[dict[str, Any]]) -> None:
    ahead = [
        (line["event_time"], round(line["values"]["relative_5d_pp"], 2))
        for line in told(lines, "record_outperformance_5d", INDEX)
    ]
    assert ahead[-3:] == [("2020-03-25", 8.80), ("2024-07-16", 9.92), ("2024-07-17", 9.97)]
    assert [figure for _, figure in ahead] == sorted(figure for _, figure in ahead)
    last = told(lines, "record_outperformance_5d", INDEX)[-1]
    assert last["values"]["relative_record_5d_pp"] == pytest.approx(9.92, abs=0.005)
    assert last["first_since"]["last_true"] == "2024-07-16"


def test_runs_of_ten_days_ahead(lines: list[dict[str, Any]]) -> None:
    """The longest of 2008 is the one that reports of January 2026 went back to."""
    assert openings(lines, "outperformance_streak", INDEX)[-1] == "2008-06-03"
    assert "1996-04-29" in openings(lines, "outperformance_streak", INDEX)


def test_a_month_ahead_and_a_year_behind_holds_to_the_end(lines: list[dict[str, Any]]) -> None:
    """On adjusted closes, from 2024-07-12: opened, confirmed by the quarter, never ended."""
    since = [
        (line["event_time"], line["state"])
        for line in told(lines, "month_ahead_year_behind", ADJUSTED)
        if line["event_time"] >= "2024-07-01"
    ]
    assert since == [("2024-07-12", "opened"), ("2024-07-16", "confirmed")]


def test_record_closes_of_the_index(lines: list[dict[str, Any]]) -> None:
    after_a_year = openings(lines, "record_high_after_a_year", INDEX)
    assert after_a_year[-3:] == ["2013-01-02", "2016-11-14", "2020-11-13"]
    assert openings(lines, "record_high", INDEX)[-1] == "2021-11-02"


def test_a_drawdown_goes_on_since_november_2021(lines: list[dict[str, Any]]) -> None:
    last = told(lines, "drawdown", FUNDS)[-1]
    assert (last["event_time"], last["state"]) == ("2021-11-30", "opened")
    assert last["values"]["peak_date"] == "2021-11-08"
    assert told(lines, "drawdown_20", INDEX)[-1]["event_time"] == "2024-07-16"


def test_the_benchmark_sets_records_alone(lines: list[dict[str, Any]]) -> None:
    assert openings(lines, "benchmark_record_alone", FUNDS)[-2:] == ["2024-01-19", "2024-05-14"]


# --- averages, against sums of their own --------------------------------------------------------------------


def crossings(signs: list[int]) -> tuple[list[int], list[int]]:
    """Places at which a sign becomes positive, and negative."""
    ups: list[int] = []
    downs: list[int] = []
    for place in range(1, len(signs)):
        if signs[place] != signs[place - 1]:
            (ups if signs[place] > 0 else downs if signs[place] < 0 else []).append(place)
    return ups, downs


@pytest.mark.parametrize(
    ("up", "down", "short"), [("ma200_cross_up", "ma200_cross_down", 1), ("golden_cross", "death_cross", 50)]
)
def test_crossings_of_the_200_day_average(
    lines: list[dict[str, Any]], up: str, down: str, short: int
) -> None:
    frame = closes("IWM").join(closes("SPY"), on="date", suffix="_other")
    units = [round(close * 10**9) for close in frame["close"]]
    signs = []
    for last in range(200, len(units) + 1):
        long, quick = sum(units[last - 200 : last]), sum(units[last - short : last]) * (200 // short)
        signs.append((quick > long) - (quick < long))
    days = [str(day) for day in frame["date"][199:]]
    for definition, places in zip((up, down), crossings(signs), strict=True):
        assert openings(lines, definition, FUNDS) == [days[place] for place in places]
        assert len(places) > 10
