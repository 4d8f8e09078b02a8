"""`rotascope study nulls`: openings by chance beside the real ones, and what is known about chance."""

from __future__ import annotations

import json
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from consumers.worker.schemas import defect
from core.model.schemas import STUDY_NULLS, event_schema_id
from core.research.null_figures import KnownFigure, known_figures
from tests.support.study_command import (
    CommandAnswer,
    daily_frame,
    random_closes,
    session_dates,
    study,
    write_csv,
)

COUNT = 130
CATALOGUE = """
[[definition]]
id = "opposite_up"
family = "divergence"
point = true
enter = ["instrument_return_pct:1d >= 1", "benchmark_return_pct:1d < 0"]
show.instrument_return_pct = "instrument_return_pct:1d"
show.benchmark_return_pct = "benchmark_return_pct:1d"
show.spread_pp = "relative_strength_pp:1d"
threshold = { instrument_return_pct = 1.0 }

[[definition]]
id = "never"
family = "divergence"
point = true
enter = ["instrument_return_pct:1d >= 50", "benchmark_return_pct:1d < 0"]
show.instrument_return_pct = "instrument_return_pct:1d"
show.benchmark_return_pct = "benchmark_return_pct:1d"
show.spread_pp = "relative_strength_pp:1d"
threshold = { instrument_return_pct = 50.0 }
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nulls")
    dates = session_dates(date(2023, 1, 3), COUNT)
    for seed, symbol in enumerate(("SML", "BIG")):
        write_csv(folder, symbol, daily_frame(dates, random_closes(COUNT, seed)))
    (folder / "catalogue.toml").write_text(CATALOGUE)
    return folder


@cache
def figures() -> list[KnownFigure]:
    return known_figures(1)


@pytest.fixture(autouse=True)
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The known figures are looked for once, not by every run of the command."""
    monkeypatch.setattr("consumers.study.nulls.known_figures", lambda _: figures())


def ask(folder: Path, *arguments: str) -> CommandAnswer:
    return study(
        *("nulls", "--pair", "SML/BIG", "--catalogue", str(folder / "catalogue.toml"), "--simulations", "3"),
        *("--cache", str(folder / "kept"), *arguments),
        bars={symbol: folder / f"{symbol}.csv" for symbol in ("SML", "BIG")},
    )


def test_chance_stands_beside_the_real_history(folder: Path) -> None:
    answer = ask(folder, "--format", "json")
    assert answer.code == 0, answer.err
    document = json.loads(answer.out)
    assert defect(STUDY_NULLS, document) is None
    (row,) = document["definitions"]
    assert (row["definition"], row["pair"], row["sessions"]) == ("opposite_up", "SML/BIG", COUNT)
    assert row["count"] > 0
    assert row["per_year"] == pytest.approx(row["count"] * 252 / COUNT, abs=1e-4)
    assert set(row["nulls"]) == {"coin_flip", "student_t", "shuffled", "stationary_bootstrap"}
    # The same days in another order: an opposite day is one wherever it stands, but for the first.
    assert row["nulls"]["shuffled"]["expected"] == row["count"]
    assert row["nulls"]["shuffled"]["standard_error"] == 0
    assert document["silent"] == ["never SML/BIG"]


def test_a_kept_result_is_printed_again_and_another_seed_is_another_question(folder: Path) -> None:
    first = ask(folder, "--format", "json")
    (kept,) = (folder / "kept").iterdir()
    kept.write_bytes(kept.read_bytes().replace(b'"seed":1', b'"seed":77'))
    again = ask(folder, "--format", "json")
    assert json.loads(again.out) == json.loads(first.out) | {"seed": 77}
    other = ask(folder, "--format", "json", "--seed", "2")
    assert json.loads(other.out)["seed"] == 2
    kept.unlink()
    assert ask(folder, "--format", "json").out == first.out


def test_the_tables_say_the_same_for_people(folder: Path) -> None:
    answer = ask(folder)
    assert answer.code == 0, answer.err
    for told in ("opposite_up", "stationary", "known figures", "by coin flip", "never SML/BIG"):
        assert told in answer.out


def test_a_folder_that_cannot_be_written_ends_with_2(folder: Path) -> None:
    answer = ask(folder, "--cache", str(folder / "SML.csv" / "kept"))
    assert (answer.code, answer.out) == (2, "")
    assert "cannot be written" in answer.err


@pytest.mark.compiled
def test_known_figures_are_found_again() -> None:
    """Ten-day streaks by coin flip, and run lengths of the chart on Student-t4 at h = 4, 5, 6."""
    assert [one.known for one in figures()] == [5.8, 116.0, 265.0, 461.0]
    assert all(one.agrees for one in figures()), figures()
    assert all(one.standard_error < 0.04 * one.known for one in figures())
    assert known_figures(1) == figures()


def test_what_is_stored_goes_with_later_events_only(folder: Path) -> None:
    dates = session_dates(date(2023, 1, 3), COUNT)
    last, store = dates[99], folder / "rarity.json"
    made = ask(folder, "--format", "json", "--to", str(last), "--store", str(store))
    assert made.code == 0, made.err
    (row,) = json.loads(made.out)["definitions"]
    assert row["sessions"] == 100
    answer = study(
        *("events", "--pair", "SML/BIG", "--catalogue", str(folder / "catalogue.toml"), "--state", "opened"),
        *("--rarity", str(store), "--format", "jsonl"),
        bars={symbol: folder / f"{symbol}.csv" for symbol in ("SML", "BIG")},
    )
    assert answer.code == 0, answer.err
    earlier = [line for line in answer.lines if line["event_time"] <= str(last)]
    later = [line for line in answer.lines if line["event_time"] > str(last)]
    assert len(earlier) == row["count"]
    assert later
    assert [line["rarity"] for line in earlier] == [None] * len(earlier)
    for line in later:
        assert defect(event_schema_id(line["family"]), line) is None
        rarity = line["rarity"]
        assert (rarity["history_end"], rarity["count"], rarity["sessions"]) == (str(last), row["count"], 100)
        assert rarity["by_chance"] == row["nulls"]
        assert line["first_since"]["openings"] >= row["count"]


def test_a_history_that_is_too_short_is_refused(folder: Path) -> None:
    answer = ask(folder, "--to", "2023-02-01")
    assert (answer.code, answer.out) == (2, "")
    assert "leaves fewer than 64 sessions of SML, BIG" in answer.err
