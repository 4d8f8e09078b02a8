"""Daily files as they lie on disk; `core.history` understands and checks them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import polars as pl

from core.errors import HistoryError
from core.history import parse_daily

DailyFormat = Literal["csv", "parquet"]


def read_daily_file(
    file: Path, name: str, column: str = "close", *, format: DailyFormat | None = None
) -> pl.DataFrame:
    """Read one daily file, unchecked.

    Args:
        file: The file.
        name: What error messages call it.
        column: The column to use as close.
        format: None: CSV unless its name ends in ".parquet".

    Returns:
        As `core.history.parse_daily`.

    Raises:
        HistoryError: It cannot be read as such.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise HistoryError(
            f"{name}: {file} cannot be read: {error.strerror}",
            operator_action="correct the path given for this symbol",
        ) from error
    format = format or ("parquet" if file.suffix == ".parquet" else "csv")
    return parse_daily(data, name, format=format, column=column)
