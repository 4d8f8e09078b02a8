"""`rotascope study …` in this process, over small files made for the purpose."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from typer.testing import CliRunner

import rotascope
from core.model.sessions import build_calendar, day_to_date

COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class CommandAnswer(NamedTuple):
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Its JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


def study(*arguments: str, bars: Mapping[str, object] | None = None) -> CommandAnswer:
    """Run `rotascope study` with arguments, and `--bars SYMBOL=FILE` for each of `bars`."""
    flags = [flag for symbol, file in (bars or {}).items() for flag in ("--bars", f"{symbol}={file}")]
    return command("study", *arguments, *flags)


def command(*words: str) -> CommandAnswer:
    """Run `rotascope` with words."""
    result = CliRunner().invoke(rotascope.app, words, prog_name="rotascope", env={"COLUMNS": "200"})
    return CommandAnswer(result.exit_code, COLOURS.sub("", result.stdout), COLOURS.sub("", result.stderr))


def session_dates(first: date, count: int) -> list[date]:
    """So many sessions of the exchange."""
    calendar = build_calendar("XNYS", first, date(first.year + 2 + count // 252, 1, 31))
    return [day_to_date(session) for session in calendar.session[:count]]


def daily_frame(dates: Sequence[date], closes: Sequence[float] | np.ndarray) -> pl.DataFrame:
    """A daily frame with everything a file may have."""
    close = np.asarray(closes, float)
    return pl.DataFrame(
        {
            "Date": dates,
            "Open": close,
            "High": close * 1.01,
            "Low": close * 0.99,
            "CLOSE": close,
            "Volume": np.full(len(close), 1e6),
            "Dividends": np.zeros(len(close)),
        }
    )


def random_closes(count: int, seed: int) -> NDArray[np.float64]:
    """A price that moves by a percent a day."""
    moves = np.random.default_rng(seed).normal(0.0, 0.01, count)
    closes: NDArray[np.float64] = np.round(100.0 * np.exp(moves.cumsum()), 6)
    return closes


def write_csv(folder: Path, symbol: str, frame: pl.DataFrame) -> Path:
    """Write a frame as CSV; its path."""
    file = folder / f"{symbol}.csv"
    frame.write_csv(file)
    return file
