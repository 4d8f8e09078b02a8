"""Reads bars and official closes from user-supplied files."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

from core.model.errors import HistoryError
from producers.replay.bar_paths import BAR_COLUMNS, CLOSE_COLUMNS

BAR_HEADER: Final = "symbol,date,open,high,low,close,volume"
CLOSE_HEADER: Final = "symbol,date,close"

NO_CLOSES: Final = pl.DataFrame(schema={"symbol": pl.String, "session": pl.Date, "close": pl.Float64})
"""Used if there are no official closes: each day then closes on timeout."""


def read_bars(path: Path) -> pl.DataFrame:
    """Read five-minute bars from CSV (plain or gzipped).

    Args:
        path: A file with the columns of `BAR_HEADER`; `date` is the bar's start, RFC 3339 in UTC.
            Other columns are ignored.

    Returns:
        Columns as expected by `bar_paths.load_bars`.

    Raises:
        HistoryError: The file cannot be read or parsed.
    """
    frame = _read_csv(path, BAR_HEADER)
    start = pl.col("date").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="ns", strict=False)
    _refuse(path, frame.select(start.is_null()).to_series(), "a date that is not like 2024-07-11T13:30:00Z")
    return frame.with_columns(start.dt.replace_time_zone("UTC").alias("start")).select(BAR_COLUMNS)


def read_closes(path: Path) -> pl.DataFrame:
    """Read official closes from CSV (plain or gzipped).

    Args:
        path: A file with the columns of `CLOSE_HEADER`; `date` is the session, YYYY-MM-DD.

    Returns:
        `symbol`, `session` (Date), `close`.

    Raises:
        HistoryError: The file cannot be read or parsed.
    """
    frame = _read_csv(path, CLOSE_HEADER)
    session = pl.col("date").str.to_date("%Y-%m-%d", strict=False)
    _refuse(path, frame.select(session.is_null()).to_series(), "a date that is not YYYY-MM-DD")
    bad_close = ~(pl.col("close").is_finite() & (pl.col("close") > 0)).fill_null(False)
    _refuse(path, frame.select(bad_close).to_series(), "a close that is not above 0")
    return frame.with_columns(session.alias("session")).select(CLOSE_COLUMNS)


def _read_csv(path: Path, header: str) -> pl.DataFrame:
    wanted = header.split(",")
    types = {name: pl.String if name in ("symbol", "date") else pl.Float64 for name in wanted}
    try:
        return pl.read_csv(path, columns=wanted, schema_overrides=types)
    except OSError as error:
        raise HistoryError(f"{path} cannot be read: {error.strerror or 'no such file'}") from error
    except pl.exceptions.PolarsError as error:
        raise HistoryError(
            f"{path} cannot be parsed: {str(error).splitlines()[0]}",
            operator_action=f"the header must contain {header}",
        ) from error


def _refuse(path: Path, bad: pl.Series, what: str) -> None:
    if bad.any():
        line = int(bad.arg_true()[0]) + 2
        raise HistoryError(f"{path}, line {line}: {what} ({bad.sum()} such rows)")
