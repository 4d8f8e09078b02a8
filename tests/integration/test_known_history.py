"""What is known of the history of small and large companies, from daily files through `rotascope study`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from consumers.study.inputs import read_inputs
from consumers.study.running import run_history
from consumers.study.values import DAILY_OUTPUTS
from core.kernels.codes import DAY_SLOTS
from core.model.sessions import day_to_date
from core.research.study import HistoryRun
from tests.support.shared_data import shared_data
from tests.support.study_command import study

INDEX, FUND, ADJUSTED = "RUT/GSPC", "IWM/SPY", "IJR_TR/SPY_TR"
KEYS = {output.value_name: output.key for output in DAILY_OUTPUTS}
WATCHED = (
    "relative_1d_pp",
    "relative_5d_pp",
    "relative_5d_record",
    "relative_record_5d_pp",
    "gain_streak_sessions",
    "week_pct",
    "benchmark_week_pct",
    "weekly_closes_above",
    "resistance_price",
    "relative_21d_pp",
    "relative_ytd_pp",
)

Day = Mapping[str, float]
History = Mapping[str, Mapping[str, Day]]


def bars_of(*pairs: str) -> dict[str, str]:
    """Files of the legs; `_TR` stands for closes that dividends have been added back to."""
    adjusted = shared_data("adjclose/adjclose_wide.csv")
    return {
        symbol: f"{adjusted}:{symbol[:-3]}"
        if symbol.endswith("_TR")
        else str(shared_data(f"daily/{symbol}.csv"))
        for pair in pairs
        for symbol in pair.split("/")
    }


def values_on(day: str, pair: str) -> dict[str, Any]:
    """All values of a day, as a program reads them."""
    answer = study("values", "--pair", pair, "--date", day, "--format", "json", bars=bars_of(pair))
    assert answer.code == 0, answer.err
    document = json.loads(answer.out)
    values: dict[str, Any] = document["values"] | {"history_start": document["history_start"]}
    return values


@pytest.fixture(scope="module")
def history() -> History:
    """Pair → date → what was watched, at every close since 1990."""
    pairs = [INDEX, FUND, ADJUSTED]
    found: dict[str, dict[str, Day]] = {pair: {} for pair in pairs}

    def note(run: HistoryRun, session: int) -> None:
        evaluator = run.engine.evaluator
        for row, pair in enumerate(evaluator.world.pairs):
            if evaluator.days.sessions[row, (evaluator.days.counts[row] - 1) % DAY_SLOTS] == session:
                values = {name: float(evaluator.columns[KEYS[name]][0][row]) for name in WATCHED}
                found[pair.name][str(day_to_date(session))] = values

    bars = [f"{symbol}={file}" for symbol, file in bars_of(*pairs).items()]
    run_history(read_inputs(bars, [], pairs, None, "XNYS"), after_session=note)
    return found


def largest(history: History, name: str, count: int) -> list[tuple[str, float]]:
    known = [(day[name], when) for when, day in history[INDEX].items() if day[name] == day[name]]
    return [(when, round(value, 2)) for value, when in sorted(known, reverse=True)[:count]]


def test_widest_one_day_spreads(history: History) -> None:
    assert largest(history, "relative_1d_pp", 4) == [
        ("2020-03-19", 6.35),
        ("2008-10-10", 5.84),
        ("2024-07-11", 4.45),
        ("2011-10-04", 4.17),
    ]


def test_largest_five_session_outperformance(history: History) -> None:
    assert largest(history, "relative_5d_pp", 3) == [
        ("2024-07-17", 9.97),
        ("2024-07-16", 9.92),
        ("2020-03-25", 8.80),
    ]
    days = history[INDEX]
    records = [when for when, day in days.items() if day["relative_5d_record"] == 1]
    assert records[-3:] == ["2020-03-25", "2024-07-16", "2024-07-17"]
    assert [round(days[when]["relative_record_5d_pp"], 2) for when in records[-2:]] == [8.80, 9.92]


def test_five_days_in_a_row_of_one_percent_and_more(history: History) -> None:
    ended = [when for when, day in history[INDEX].items() if day["gain_streak_sessions"] == 5]
    assert ended == ["1998-10-20", "2000-01-20", "2009-09-10", "2020-04-28", "2024-07-16"]


@pytest.mark.parametrize(
    ("pair", "numerator", "benchmark"), [(INDEX, 5.997, 0.865), (FUND, 6.108, 0.965)], ids=["index", "fund"]
)
def test_the_week_to_2024_07_12(history: History, pair: str, numerator: float, benchmark: float) -> None:
    friday = history[pair]["2024-07-12"]
    assert (round(friday["week_pct"], 3), round(friday["benchmark_week_pct"], 3)) == (numerator, benchmark)


def test_that_week_s_close_was_the_first_above_the_resistance(history: History) -> None:
    """The highest weekly close of the year before was that of 2024-03-28, a Thursday before Good Friday."""
    thursday, friday = (history[INDEX][day] for day in ("2024-07-11", "2024-07-12"))
    assert (thursday["weekly_closes_above"], friday["weekly_closes_above"]) == (0, 1)
    assert friday["resistance_price"] == pytest.approx(2124.55, abs=0.005)


def test_a_month_ahead_and_a_year_behind_to_the_end_of_july_2024(history: History) -> None:
    held = [
        when
        for when, day in history[ADJUSTED].items()
        if when >= "2024-07-01" and day["relative_21d_pp"] > 0 > day["relative_ytd_pp"]
    ]
    assert (held[0], held[-1], len(held)) == ("2024-07-12", "2024-07-31", 14)


def test_the_adjusted_returns_behind_that() -> None:
    values = values_on("2024-07-31", ADJUSTED)
    names = ("return_21d_pct", "benchmark_return_21d_pct", "ytd_pct", "benchmark_ytd_pct")
    assert [round(values[name], 2) for name in names] == [11.82, 1.00, 10.05, 16.62]


def test_the_ratio_of_july_2024_was_the_lowest_since_2001() -> None:
    values = values_on("2024-07-09", INDEX)
    assert (values["ratio_lowest_since"], values["history_start"]) == ("2001-01-19", "1990-01-02")
    assert values["ratio_lowest_in_days"] == (date(2024, 7, 9) - date(2001, 1, 19)).days


def test_the_gap_that_small_companies_had_to_bridge_in_june_2024() -> None:
    values = values_on("2024-06-18", FUND)
    assert values["peak_date"] == "2021-11-08"
    names = ("drawdown_pct", "benchmark_since_peak_pct", "catch_up_gap_pct")
    assert [round(values[name], 2) for name in names] == [-17.24, 16.97, 41.33]
