"""`rotascope claims`: verdicts follow the files."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from consumers.worker.schemas import defect
from core.model.schemas import CLAIMS
from tests.support.claims_command import claims, found, write_ledger
from tests.support.study_command import daily_frame, random_closes, session_dates, write_csv

COUNT = 130
JUMP = 100
"""Row of the day on which the one leg rises by four percent and the other falls by one."""
DATES = session_dates(date(2023, 1, 3), COUNT)
LEDGER = f"""
[[claim]]
row = 3
says = "They parted once."
kind = "events"
pair = "SML/BIG"
definition = "opposite_day_up"
dates = [{DATES[JUMP]}]

[[claim]]
row = 2
says = "The one rose by more than three percent, the other fell."
kind = "days"
pair = "SML/BIG"
on = {DATES[JUMP]}
holds = ["return_1d_pct >= 3", "benchmark_return_1d_pct < 0"]
show = ["relative_1d_pp"]

[[claim]]
row = 4
says = "It gained on the other over those days."
kind = "change"
pair = "SML/BIG"
value = "ratio_line"
since = {DATES[JUMP - 1]}
until = {DATES[JUMP]}
change_pct = [4.9, 5.2]

[[claim]]
row = 5
says = "It is ahead afterwards."
kind = "followed"
pair = "SML/BIG"
definition = "opposite_day_up"
horizon_sessions = 5
side = "ahead"

[[claim]]
row = 6
says = "It rises on most days."
kind = "days"
pair = "SML/BIG"
holds = ["return_1d_pct > 0"]
share_pct = [0, 100]

[[claim]]
row = 7
says = "In two years it is further."
kind = "days"
pair = "SML/BIG"
on = 2030-01-02
holds = ["return_1d_pct > 0"]

[[claim]]
row = 8
says = "Another pair does the same."
kind = "days"
pair = "GOO/BIG"
on = {DATES[JUMP]}
holds = ["return_1d_pct > 0"]

[[claim]]
row = 9
says = "A year's return is up."
kind = "days"
pair = "SML/BIG"
on = {DATES[JUMP]}
holds = ["return_252d_pct > 0"]

[[claim]]
row = 10
says = "Nobody can know."
kind = "stated"
verdict = "not measurable"
reason = "it is an opinion"
"""


def closes_with_a_jump() -> tuple[np.ndarray, np.ndarray]:
    small, big = (100 + (random_closes(COUNT, seed) - 100) / 100 for seed in (1, 2))
    small[JUMP:] *= 1.04 * small[JUMP - 1] / small[JUMP]
    big[JUMP:] *= 0.99 * big[JUMP - 1] / big[JUMP]
    return small, big


def write_bars(folder: Path, small: np.ndarray, big: np.ndarray) -> dict[str, Path]:
    return {
        symbol: write_csv(folder, symbol, daily_frame(DATES, each))
        for symbol, each in (("SML", small), ("BIG", big))
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("claims")
    write_ledger(folder, LEDGER)
    write_bars(folder, *closes_with_a_jump())
    return folder


def judged(folder: Path, bars: dict[str, Path], *rows: int) -> dict[int, dict[str, object]]:
    flags = [flag for row in rows for flag in ("--row", str(row))]
    answer = claims("--claims", str(folder / "claims.toml"), "--format", "json", *flags, bars=bars)
    assert defect(CLAIMS, json.loads(answer.out)) is None
    return {entry["row"]: entry for entry in found(answer)}


def bars_of(folder: Path) -> dict[str, Path]:
    return {symbol: folder / f"{symbol}.csv" for symbol in ("SML", "BIG")}


def test_every_form_is_computed_with_its_figures(folder: Path) -> None:
    entries = judged(folder, bars_of(folder))
    assert list(entries) == list(range(2, 11)), "by row, whatever their order in the file"
    verdicts = {row: entry["verdict"] for row, entry in entries.items()}
    assert verdicts == {
        2: "reproduced",
        3: "reproduced",
        4: "reproduced",
        5: "not measurable",
        6: "reproduced",
        7: "data gap",
        8: "data gap",
        9: "data gap",
        10: "not measurable",
    }
    assert entries[2]["figures"] == {
        "return_1d_pct": pytest.approx(4.0),
        "benchmark_return_1d_pct": pytest.approx(-1.0),
        "relative_1d_pp": pytest.approx(5.0),
    }
    assert entries[3]["figures"]["dates"] == [str(DATES[JUMP])]  # type: ignore[index]
    assert entries[4]["figures"]["change_pct"] == pytest.approx(100 * (1.04 / 0.99 - 1))  # type: ignore[index]
    assert entries[5]["reason"] == "too few cases (1)"
    small = closes_with_a_jump()[0]
    share = 100 * np.mean(small[1:] > small[:-1])
    assert entries[6]["figures"]["share_pct"] == pytest.approx(share)  # type: ignore[index]
    assert entries[7]["reason"] == f"the files end on {DATES[-1]}"
    assert entries[8]["reason"] == "no bars for GOO"
    assert entries[9]["reason"] == "return_252d_pct: not ready"
    assert entries[10]["reason"] == "it is an opinion"


def test_another_price_changes_verdict_and_figures(folder: Path, tmp_path: Path) -> None:
    small, big = closes_with_a_jump()
    small[JUMP] *= 0.985
    before, after = (
        judged(folder, bars, 2, 3, 4) for bars in (bars_of(folder), write_bars(tmp_path, small, big))
    )
    for row in (2, 3, 4):
        assert (before[row]["verdict"], after[row]["verdict"]) == ("reproduced", "not reproduced")
        assert before[row]["figures"] != after[row]["figures"]
    assert after[2]["figures"]["return_1d_pct"] == pytest.approx(100 * (1.04 * 0.985 - 1))  # type: ignore[index]


def test_without_any_bars_everything_computed_is_a_gap(folder: Path) -> None:
    entries = judged(folder, {})
    assert {row: entry["verdict"] for row, entry in entries.items() if row != 10} == dict.fromkeys(
        range(2, 10), "data gap"
    )
    assert entries[2]["reason"] == "no bars for SML and BIG"


def test_the_table_counts_the_verdicts(folder: Path) -> None:
    answer = claims(
        "--claims", str(folder / "claims.toml"), "--row", "2", "--row", "10", bars=bars_of(folder)
    )
    assert answer.code == 0
    assert "2 claims: 1 reproduced, 1 not measurable" in answer.out
    assert "reproduced" not in answer.err


def test_unusable_input_ends_with_2_and_says_what_to_do(folder: Path, tmp_path: Path) -> None:
    ledger = ("--claims", str(folder / "claims.toml"))
    for arguments, bars, told in (
        ((*ledger, "--row", "77"), {}, "no row 77"),
        (("--claims", str(tmp_path / "none.toml")), {}, "none.toml"),
        (ledger, {"SML": tmp_path / "none.csv", "BIG": folder / "BIG.csv"}, "none.csv"),
        ((*ledger, "--bars", "SML"), {}, "NAME=FILE"),
        ((*ledger, "--catalogue", str(folder / "SML.csv")), {}, "TOML"),
    ):
        answer = claims(*arguments, bars=bars)
        assert (answer.code, answer.out) == (2, ""), told
        assert told in answer.err


ABOVE = {"2025-10-03": 2476.18, "2025-10-17": 2452.17, "2025-10-24": 2513.47, "2025-10-31": 2479.38}
"""Weekly closes above 2442.74."""


def test_three_weekly_closes_in_a_row_are_seen_although_the_files_end_with_the_third(tmp_path: Path) -> None:
    dates = [day for day in session_dates(date(2025, 8, 1), 80) if day <= date(2025, 10, 31)]
    fridays = {day for day in dates if day.weekday() == 4}
    # Closes within a week are above the level; those at its end only where the table says so.
    small = np.array([ABOVE.get(str(day), 2394.6) if day in fridays else 2460.0 for day in dates])
    bars = {
        symbol: write_csv(tmp_path, symbol, daily_frame(dates, closes))
        for symbol, closes in (("RUT", small), ("GSPC", 6600.0 + np.arange(len(dates)) % 5))
    }
    october, july = found(claims("--row", "68", "--format", "json", bars=bars))
    assert (october["verdict"], july["verdict"]) == ("reproduced", "data gap")
    assert october["figures"]["weeks_in_a_row_dates"] == ["2025-10-17", "2025-10-24", "2025-10-31"]
    assert october["figures"]["weeks_held"] == 4
    assert october["figures"]["numerator_price_in_a_row"] == [2452.17, 2513.47, 2479.38]
    table = claims("--row", "68", bars=bars).out
    assert "2,479.38" in table
