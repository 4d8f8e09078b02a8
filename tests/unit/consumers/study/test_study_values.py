"""`rotascope study values`: every indicator of a day, by name."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from consumers.study.inputs import read_inputs
from consumers.study.running import engine_at, run_history
from consumers.study.values import day_values
from consumers.worker.schemas import defect
from core.indicators import FAMILIES
from core.model.records import Frequency
from core.model.schemas import STUDY_VALUES
from core.model.sessions import session_day
from tests.support.study_command import (
    CommandAnswer,
    daily_frame,
    random_closes,
    session_dates,
    study,
    write_csv,
)

COUNT = 90


@pytest.fixture(scope="module")
def dates() -> list[date]:
    return session_dates(date(2023, 1, 3), COUNT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, dates: list[date]) -> Path:
    folder = tmp_path_factory.mktemp("values")
    write_csv(folder, "SML", daily_frame(dates, random_closes(COUNT, 1)))
    holed = daily_frame(dates, random_closes(COUNT, 2))
    write_csv(folder, "BIG", holed.filter(holed["Date"] != dates[70]))
    return folder


def values(folder: Path, day: object, *arguments: str) -> CommandAnswer:
    bars = {symbol: folder / f"{symbol}.csv" for symbol in ("SML", "BIG")}
    return study("values", "--pair", "SML/BIG", "--date", str(day), *arguments, bars=bars)


def test_every_daily_output_stands_there_once_with_a_reason_where_it_is_null(
    folder: Path, dates: list[date]
) -> None:
    answer = values(folder, dates[50], "--format", "json")
    assert answer.code == 0, answer.err
    document = json.loads(answer.out)
    assert defect(STUDY_VALUES, document) is None
    names = [o.value_name for family in FAMILIES if family.frequency == Frequency.DAY for o in family.outputs]
    assert len(set(names)) == len(names)
    assert set(document["values"]) == set(document["observations"]) == set(names)
    unknown = {name for name, value in document["values"].items() if value is None}
    assert set(document["reasons"]) == unknown
    assert document["reasons"]["beta_63d"] == "not_ready"
    small, big = random_closes(COUNT, 1), random_closes(COUNT, 2)
    assert document["values"]["ratio"] == pytest.approx(small[50] / big[50], rel=1e-9)
    assert document["values"]["return_5d_pct"] == pytest.approx(100 * (small[50] / small[45] - 1), rel=1e-9)
    assert (document["date"], document["history_start"]) == (str(dates[50]), str(dates[0]))
    assert document["knowable_time"] == f"{dates[50]}T20:00:00Z"


def test_a_day_is_as_it_was_whatever_came_after(folder: Path, dates: list[date], tmp_path: Path) -> None:
    for symbol in ("SML", "BIG"):
        lines = (folder / f"{symbol}.csv").read_text().splitlines()
        (tmp_path / f"{symbol}.csv").write_text("\n".join(lines[:52]))
    whole, cut = (values(place, dates[50], "--format", "json") for place in (folder, tmp_path))
    assert json.loads(whole.out) == json.loads(cut.out)


def test_the_table_names_what_is_unknown(folder: Path, dates: list[date]) -> None:
    answer = values(folder, dates[50])
    assert answer.code == 0
    assert f"SML/BIG on {dates[50]}" in answer.out
    assert "not ready" in answer.out


def test_a_day_without_a_session_ends_with_2_and_names_its_neighbours(
    folder: Path, dates: list[date]
) -> None:
    for day, before, after, why in (
        ("2023-02-04", "2023-02-03", "2023-02-06", "XNYS has no session"),
        ("2023-02-20", "2023-02-17", "2023-02-21", "XNYS has no session"),
        (dates[70], dates[69], dates[71], "SML/BIG has no close for a leg"),
        ("2022-12-30", "none", dates[0], "the files have no close"),
        ("2031-01-02", dates[-1], "none", "the files have no close"),
    ):
        answer = values(folder, day)
        assert (answer.code, answer.out) == (2, "")
        assert f"{why} on {day} (before it: {before}, after it: {after})" in answer.err


def test_a_date_is_needed(folder: Path) -> None:
    answer = study("values", "--pair", "SML/BIG", bars={"SML": folder / "SML.csv"})
    assert (answer.code, answer.out) == (2, "")
    assert "--date" in answer.err


def test_a_series_before_the_bars_is_refused(folder: Path, tmp_path: Path, dates: list[date]) -> None:
    rates = tmp_path / "rates.csv"
    rates.write_text("date,TEN\n1999-01-04,4.5\n")
    answer = values(folder, dates[50], "--series", f"TEN={rates}:TEN")
    assert (answer.code, answer.out) == (2, "")
    assert "TEN (rates.csv) has no value from" in answer.err


NAMES = (
    "ratio",
    "drawdown_pct",
    "peak_date",
    "catch_up_gap_pct",
    *(f"return_{sessions}d_pct" for sessions in (1, 5, 21, 63, 252)),
    *(f"relative_{sessions}d_pp" for sessions in (1, 5, 21, 63, 252)),
    "ytd_pct",
    "week_pct",
    "ma200_distance_pct",
    "rate_beta_63d_bp",
    "beta_63d",
    "correlation_63d",
    "rsi_14",
    "relative_volume_63d",
    "flow_65d",
)
"""What programs rely on."""


def test_every_promised_name_has_a_figure_once_there_is_enough_history(tmp_path: Path) -> None:
    count = 270
    dates = session_dates(date(2022, 6, 1), count)
    for seed, symbol in enumerate(("SML", "BIG")):
        write_csv(tmp_path, symbol, daily_frame(dates, random_closes(count, seed)))
    moves = random_closes(count, 5)
    for name, figures in (
        ("TEN", 4.0 + 0.01 * np.round(moves - 100)),
        ("SML_flow", np.round(1e6 * (moves - 100))),
    ):
        pl.DataFrame({"date": dates, "value": figures}).write_csv(tmp_path / f"{name}.csv")
    series = [
        flag for name in ("TEN", "SML_flow") for flag in ("--series", f"{name}={tmp_path / name}.csv:value")
    ]
    document = json.loads(values(tmp_path, dates[-1], "--format", "json", *series).out)
    assert {
        name: document["reasons"].get(name, "no such name")
        for name in NAMES
        if document["values"].get(name) is None
    } == {}


def test_values_do_not_depend_on_the_definitions_nor_on_how_the_history_is_cut(
    folder: Path, dates: list[date]
) -> None:
    """`study values` runs without definitions and in few frames: its values equal a whole study's."""
    bars = [f"{symbol}={folder / symbol}.csv" for symbol in ("SML", "BIG")]
    inputs = read_inputs(bars, [], ["SML/BIG"], None, "XNYS")
    pair = inputs.universe.pairs[0]
    session = session_day(dates[60])
    study_engine = run_history(inputs, until=session).run.engine
    alone = day_values(engine_at(inputs, session), pair, session)
    assert alone == day_values(study_engine, pair, session)
    assert sum(value is not None for value in alone.values.values()) > 20
