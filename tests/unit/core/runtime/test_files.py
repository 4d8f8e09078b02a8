"""Files that come with Rotascope, and those an operator names."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.definitions.catalogue import parse_catalogue
from core.model.errors import ConfigurationError
from core.model.instruments import parse_universe
from core.runtime.files import (
    CALENDAR_OVERRIDES,
    CATALOGUE,
    UNIVERSE,
    read_bytes,
    read_text,
    require_writable,
    write_bytes,
)


def test_what_comes_with_rotascope_can_be_used() -> None:
    assert parse_universe(read_text(None, UNIVERSE)).pairs
    assert parse_catalogue(read_text(None, CATALOGUE)).definitions
    assert "[[closed]]" in read_text(None, CALENDAR_OVERRIDES)


def test_a_named_file_stands_in(tmp_path: Path) -> None:
    file = tmp_path / "universe.toml"
    file.write_text("# Größe\n", encoding="utf-8")
    assert read_text(file, UNIVERSE) == "# Größe\n"


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.toml cannot be read: No such file"):
        read_text(tmp_path / "none.toml", UNIVERSE)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_text(tmp_path, UNIVERSE)
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        read_text(binary, UNIVERSE)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    file = tmp_path / "new" / "cards.json"
    with pytest.raises(ConfigurationError, match=r"cards\.json cannot be written: No such file") as refused:
        write_bytes(file, b"")
    assert refused.value.operator_action == "choose another file"
    write_bytes(file, b"\xff\x00", make_folder=True)
    assert read_bytes(file) == b"\xff\x00"
    with pytest.raises(ConfigurationError, match="cannot be written") as refused:
        write_bytes(file / "below", b"", make_folder=True, operator_action="name another folder")
    assert refused.value.operator_action == "name another folder"
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_bytes(tmp_path)


def test_what_could_not_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    require_writable(None, "--out")
    require_writable(tmp_path / "new.html", "--out")
    assert not (tmp_path / "new.html").exists()
    for file, why in ((tmp_path, "it is a directory"), (tmp_path / "no" / "x.html", "there is no directory")):
        with pytest.raises(ConfigurationError, match=why) as refused:
            require_writable(file, "--out")
        assert refused.value.message.startswith(f"--out {file} cannot be written: ")
        assert refused.value.operator_action == "choose another file for --out"
