"""`rotascope claims …` in this process, over small files and ledgers made for the purpose."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

import rotascope
from tests.support.study_command import COLOURS, CommandAnswer


def claims(*arguments: str, bars: Mapping[str, object] | None = None) -> CommandAnswer:
    """Run `rotascope claims` with arguments, and `--bars SYMBOL=FILE` for each of `bars`."""
    flags = [flag for symbol, file in (bars or {}).items() for flag in ("--bars", f"{symbol}={file}")]
    words = ("claims", *arguments, *flags)
    result = CliRunner().invoke(rotascope.app, words, prog_name="rotascope", env={"COLUMNS": "200"})
    return CommandAnswer(result.exit_code, COLOURS.sub("", result.stdout), COLOURS.sub("", result.stderr))


def found(answer: CommandAnswer) -> list[dict[str, Any]]:
    """What `--format json` said, claim by claim."""
    assert answer.code == 0, answer.err
    entries: list[dict[str, Any]] = json.loads(answer.out)["claims"]
    return entries


def write_ledger(folder: Path, text: str) -> Path:
    """Write a ledger; its path."""
    file = folder / "claims.toml"
    file.write_text(text)
    return file
