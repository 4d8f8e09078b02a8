"""`rotascope claims --members`: files of members' volumes, good and bad."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.support.claims_command import claims, found, write_ledger
from tests.support.study_command import CommandAnswer, session_dates

DATES = session_dates(date(2023, 5, 15), 42)
DAY = DATES.index(date(2023, 6, 23))
MEMBERS = ("AAA", "BBB", "CCC", "T", "OPEN1")
LEDGER = """
[[claim]]
row = 87
says = "The yearly reconstitution brings unusual volume."
kind = "members"
members = "RUT"
on = 2023-06-23
times_average = [1.5, inf]
"""


def volumes() -> pl.DataFrame:
    """Volumes of which the day of the reconstitution is 2.09 times the twenty sessions before."""
    columns = {name: np.full(len(DATES), 1e5 * (number + 1)) for number, name in enumerate(MEMBERS)}
    for each in columns.values():
        each[: DAY - 20] *= 7  # before the twenty sessions
        each[DAY] *= 2.09
        each[DAY + 1 :] *= 5
    return pl.DataFrame({"date": DATES, **columns})


def answer_on(folder: Path, frame: pl.DataFrame, *options: str, name: str = "volumes.csv") -> CommandAnswer:
    file = folder / name
    frame.write_parquet(file) if name.endswith("parquet") else frame.write_csv(file)
    return run(folder, file, *options)


def run(folder: Path, file: Path, *options: str) -> CommandAnswer:
    ledger = write_ledger(folder, LEDGER)
    return claims("--claims", str(ledger), "--members", f"RUT={file}", "--format", "json", *options)


@pytest.mark.parametrize("name", ["volumes.csv", "volumes.parquet"])
def test_the_reconstitution_of_2023_trades_twice_the_average(tmp_path: Path, name: str) -> None:
    (entry,) = found(answer_on(tmp_path, volumes(), name=name))
    assert (entry["verdict"], entry["reason"], entry["pair"]) == ("reproduced", None, None)
    assert entry["figures"] == {
        "members": 5,
        "members_used": 5,
        "volume": pytest.approx(2.09 * 1.5e6),
        "average_volume_20d": pytest.approx(1.5e6),
        "relative_volume_20d": pytest.approx(2.09),
    }


def test_a_file_that_does_not_reach_the_day_is_a_gap(tmp_path: Path) -> None:
    for frame, reason in (
        (volumes().head(19), "the members' file ends on 2023-06-09"),
        (volumes().slice(15), "the members' file has 12 sessions before 2023-06-23; the average needs 20"),
        (
            volumes().filter(pl.col("date") != date(2023, 6, 20)),
            "the members' file has no volume on 2023-06-20",
        ),
    ):
        (entry,) = found(answer_on(tmp_path, frame))
        assert (entry["verdict"], entry["reason"]) == ("data gap", reason)


def test_without_a_file_it_is_a_gap(tmp_path: Path) -> None:
    ledger = write_ledger(tmp_path, LEDGER)
    (entry,) = found(claims("--claims", str(ledger), "--format", "json"))
    assert (entry["verdict"], entry["reason"]) == (
        "data gap",
        "no volumes of the members of RUT (--members RUT=FILE)",
    )


def test_a_volume_of_zero_is_unknown_and_told(tmp_path: Path) -> None:
    frame = volumes().with_columns(
        pl.when(pl.col("date") == date(2023, 6, 1)).then(0.0).otherwise(pl.col("BBB")).alias("BBB")
    )
    answer = answer_on(tmp_path, frame)
    (entry,) = found(answer)
    assert (entry["figures"]["members"], entry["figures"]["members_used"]) == (5, 4)
    assert "volume_unknown: a volume of zero or less; treated as unknown (2023-06-01)" in answer.err


GOOD = "date,AAA,BBB\n2023-06-22,100,200\n2023-06-23,300,400\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "it is empty"),
        ("date,AAA,BBB\n", "has a header but no rows"),
        (GOOD.replace("date", "dat"), "has no column 'date'; did you mean 'dat'?"),
        (GOOD.replace("300", "many"), "data row 2, column 'aaa': 'many' is not a number"),
        (GOOD.replace("06-23", "06-32"), "'2023-06-32' is not a date"),
        (GOOD.replace("BBB", "AAA"), "column 'aaa' is duplicated"),
        (GOOD + "2023-06-23,1,2\n", "2023-06-23"),
        (GOOD + "2023-06-21,1,2\n", "dates must be ascending"),
        ("date,AAA\n2023-06-23,3\n", "no second column besides the date"),
        ("date,open,high,low,close,volume\n2023-06-23,1,1,1,1,9\n", "the columns of one symbol's bars"),
        ("date,AAA,\n2023-06-23,3,4\n", "a column without a name"),
    ],
)
def test_a_bad_file_is_refused_with_its_place_and_what_to_do(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "volumes.csv"
    file.write_text(text)
    answer = run(tmp_path, file)
    assert (answer.code, answer.out) == (2, ""), answer.err
    assert "volumes.csv" in answer.err
    assert told in answer.err


def test_a_wrong_option_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "volumes.csv"
    file.write_text(GOOD)
    for given, told in (
        (f"{file}", "is not NAME=FILE"),
        (f"RUT={file}:AAA", "takes no column behind a colon"),
        (f"RUT={tmp_path / 'none.csv'}", "none.csv cannot be read"),
    ):
        answer = claims("--claims", str(write_ledger(tmp_path, LEDGER)), "--members", given)
        assert (answer.code, answer.out) == (2, ""), told
        assert told in answer.err
    twice = run(tmp_path, file, "--members", f"RUT={file}")
    assert twice.code == 2
    assert "--members names 'RUT' twice" in twice.err


def test_the_date_column_and_format_can_be_named(tmp_path: Path) -> None:
    frame = volumes().with_columns(pl.col("date").dt.strftime("%d/%m/%Y")).rename({"date": "day"})
    (entry,) = found(answer_on(tmp_path, frame, "--date-column", "RUT:day", "--date-format", "RUT:%d/%m/%Y"))
    assert entry["verdict"] == "reproduced"
