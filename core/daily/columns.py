"""Identifies the columns of a file."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from core.daily.findings import some_names
from core.daily.table import Table
from core.model.errors import HistoryError
from core.model.suggestions import nearest

DATE_NAMES: Final = (
    "date",
    "datetime",
    "timestamp",
    "time",
    "observation_date",
    "trade date",
    "trade_date",
    "tradedate",
    "trading date",
    "trading day",
    "__index_level_0__",
)
"""Common names of the date column, most specific first; the last is the unnamed index of a frame."""

_SHORT: Final = {"t": "date", "o": "open", "h": "high", "l": "low", "c": "close", "v": "volume"}
"""The keys of bars in vendors' JSON."""
_CLOSES: Final = ("close/last", "last close", "closing price")
_RANGE: Final = frozenset({"open", "high", "low"})
_VOLUMES: Final = ("volume", "vol.", "vol")


def date_column(table: Table, name: str, wanted: str | None) -> str:
    """Find the column of dates.

    Args:
        table: The file.
        name: Name of the file in messages.
        wanted: Requested column; None for one of `DATE_NAMES`, or an unnamed first column.

    Raises:
        HistoryError: There is none, or it is duplicated.
    """
    if wanted is not None:
        return _only(table, name, wanted.strip().lower(), "date column")
    found = [known for known in DATE_NAMES if known in table.columns]
    if found:
        return _only(table, name, found[0], "date")
    if "" in table.columns and next(iter(table.columns)) == "" and "" not in table.repeated:
        return ""
    hint = nearest("date", some_names(table.columns), list_all=True)
    raise HistoryError(
        f"{name} has no column 'date'{hint}",
        operator_action="set the date column with --date-column",
    )


def close_column(table: Table, name: str, wanted: str) -> str:
    """Find the column to use as close.

    Args:
        table: The file.
        name: Name of the file in messages.
        wanted: Requested column; "close" also matches common variants of the name.

    Raises:
        HistoryError: There is none, or it is duplicated.
    """
    wanted = wanted.strip().lower()
    if wanted == "close" and wanted not in table.columns:
        for other in _CLOSES:
            if other in table.columns:
                return _only(table, name, other, "close")
        # With open, high and low, "price" is the last price of the day; alone it may be anything.
        if "price" in table.columns and set(table.columns) >= _RANGE:
            return _only(table, name, "price", "close")
    return _only(table, name, wanted, "close")


def volume_column(names: Collection[str]) -> str | None:
    """Find the volume column; None if there is none."""
    return next((known for known in _VOLUMES if known in names), None)


def long_names(names: Collection[str]) -> dict[str, str]:
    """Return the full names of one-letter bar keys, if the names are bar keys.

    Example:
        >>> long_names(["t", "o", "c"])["t"]
        'date'
    """
    if "t" in names and "c" in names and not {"date", "close"} & set(names):
        return {short: full for short, full in _SHORT.items() if short in names}
    return {}


def _only(table: Table, name: str, column: str, what: str) -> str:
    if column in table.repeated:
        raise HistoryError(
            f"{name} is not a readable {table.kind} file: column {column!r} is duplicated",
            operator_action="keep only one of them",
        )
    if column not in table.columns:
        hint = nearest(column, some_names(table.columns), list_all=True)
        action = (
            "set the right column with --date-column"
            if what == "date column"
            else "set the column to use: SYMBOL=FILE:COLUMN"
        )
        raise HistoryError(f"{name} has no column {column!r}{hint}", operator_action=action)
    return column
