"""Reads Parquet as a table."""

from __future__ import annotations

import io
from typing import Final

import polars as pl

from core.daily.columns import long_names
from core.daily.table import Column, Table
from core.model.errors import HistoryError

_PANIC: Final = "PanicException"
"""Panic of the reader on a corrupt file; it is not a subclass of Exception and has no public name."""


def parquet_table(data: bytes, name: str) -> Table:
    """Read a Parquet file.

    Args:
        data: The file.
        name: Name of the file in messages.

    Returns:
        The table; text stays text, everything else keeps its type.

    Raises:
        HistoryError: It is not a Parquet file, is corrupt, or has no rows.
    """
    try:
        frame = pl.read_parquet(io.BytesIO(data))
    except BaseException as error:
        if isinstance(error, Exception) or type(error).__name__ == _PANIC:
            raise HistoryError(
                f"{name} is not a readable parquet file: it is corrupt or has another format",
                operator_action="write it again, or supply a CSV file",
            ) from error
        raise
    if frame.height == 0:
        raise HistoryError(f"{name} has a header but no rows", operator_action="export it again")
    names = [column.strip().lower() for column in frame.columns]
    full = long_names(names)
    columns: dict[str, Column] = {}
    repeated: set[str] = set()
    for short, series in zip(names, frame.get_columns(), strict=True):
        column = full.get(short, short)
        if column in columns:
            repeated.add(column)
        columns.setdefault(column, _column(series))
    return Table("parquet", columns, frame.height, frozenset(repeated))


def _column(series: pl.Series) -> Column:
    if series.dtype.is_numeric() or series.dtype in (pl.Date, pl.Datetime):
        return series
    return ["" if value is None else str(value) for value in series.to_list()]
