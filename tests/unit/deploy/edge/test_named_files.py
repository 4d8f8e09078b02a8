"""Files named on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import ConfigurationError
from deploy.edge.named_files import NamedFile, named_file


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
