"""Runs `rotascope check`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from deploy.local.check import app


def check(*arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, arguments)


def found(*arguments: str) -> list[dict[str, Any]]:
    """Run the command and give its results."""
    results: list[dict[str, Any]] = json.loads(check(*arguments, "--format", "json").stdout)
    return results


def written(directory: Path, name: str, text: str) -> str:
    """Write a file and give its path."""
    file = directory / name
    file.write_text(text)
    return str(file)
