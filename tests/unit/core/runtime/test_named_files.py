"""Files named on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.model.errors import ConfigurationError
from core.runtime.named_files import NamedFile, named_file, named_files


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("RUT=RUT.csv", NamedFile("RUT", Path("RUT.csv"), "close")),
        ("IJR=adjusted.csv:IJR", NamedFile("IJR", Path("adjusted.csv"), "IJR")),
    ],
)
def test_a_column_may_follow_the_file(text: str, wanted: NamedFile) -> None:
    assert named_file(text, "--bars", "") == wanted


def test_a_colon_in_the_name_of_a_file_that_is_there_is_no_column(tmp_path: Path) -> None:
    file = tmp_path / "a:b.csv"
    file.touch()
    assert named_file(f"RUT={file}", "--bars", "") == NamedFile("RUT", file, "close")


@pytest.mark.parametrize("text", ["RUT", "=RUT.csv", "RUT=", "RUT=:close"])
def test_anything_else_is_refused_with_a_right_one(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is not NAME=FILE") as refused:
        named_file(text, "--history", "write RUT=RUT.csv")
    assert refused.value.operator_action == "write RUT=RUT.csv"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("GC=F=gold.csv", NamedFile("GC=F", Path("gold.csv"), "close")),
        ("GC=F=data/gold.csv:Adj", NamedFile("GC=F", Path("data/gold.csv"), "Adj")),
        ("RUT=data/year=2024/a.csv", NamedFile("RUT", Path("data/year=2024/a.csv"), "close")),
        ("EURUSD=X=wide.csv:EURUSD=X", NamedFile("EURUSD=X", Path("wide.csv"), "EURUSD=X")),
        ("BTC/USD=btc.csv", NamedFile("BTC/USD", Path("btc.csv"), "close")),
    ],
)
def test_a_sign_of_equality_may_stand_in_names_and_paths(text: str, wanted: NamedFile) -> None:
    assert named_file(text, "--bars", "") == wanted


def test_the_file_that_is_there_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("F=gold.csv").touch()
    assert named_file("GC=F=gold.csv", "--bars", "").name == "GC"
    Path("gold.csv").touch()
    with pytest.raises(
        ConfigurationError, match=r"may be 'GC' from 'F=gold\.csv' or 'GC=F' from 'gold\.csv'"
    ):
        named_file("GC=F=gold.csv", "--bars", "")


def test_a_name_stands_once() -> None:
    assert list(named_files(["A=a.csv", "B=a.csv"], "--bars", "")) == ["A", "B"]
    with pytest.raises(ConfigurationError, match=r"--bars names 'A' twice: a\.csv and b\.csv"):
        named_files(["A=a.csv", "A=b.csv"], "--bars", "")
