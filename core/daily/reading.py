"""Parses one daily file: bytes in, an unvalidated daily frame out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, tzinfo
from typing import Final, Literal, NamedTuple

import polars as pl

from core.daily.columns import close_column, date_column, volume_column
from core.daily.dates import read_dates
from core.daily.figures import read_figures
from core.daily.findings import Finding, finding_on
from core.daily.json_table import json_table
from core.daily.parquet_table import parquet_table
from core.daily.table import Table
from core.daily.text_table import text_table
from core.model.errors import HistoryError

DailyFormat = Literal["csv", "parquet"]

_PARQUET: Final = b"PAR1"
_RANGE: Final = ("open", "high", "low")
_LEAST_MEMBERS: Final = 2


@dataclass(frozen=True, slots=True)
class DailyShape:
    """User-supplied description of a file, where it cannot be detected.

    Args:
        column: The column to use as close. With any other than "close", open, high and low are dropped,
            because they may be on another scale.
        date_column: The date column; None for one of the common names.
        date_format: Date format, as for `strptime`; None to detect it from the first row.
        zone: The calendar's zone, for timestamps with an offset; None uses the date as written.
        symbol: Selects the bars if a JSON document has several lists.
    """

    column: str = "close"
    date_column: str | None = None
    date_format: str | None = None
    zone: tzinfo | None = None
    symbol: str = ""


class DailyFile(NamedTuple):
    """A parsed file.

    Args:
        frame: A daily frame, reversed if the file had the newest row first.
        moments: Datetime UTC (n,): timestamp of rows with a time of day; otherwise null.
        findings: Tolerated defects.
    """

    frame: pl.DataFrame
    moments: pl.Series
    findings: list[Finding]


def read_daily(data: bytes, name: str, shape: DailyShape, *, format: DailyFormat | None = None) -> DailyFile:
    """Read one instrument's daily file.

    Args:
        data: CSV, JSON or Parquet, detected from the first bytes.
        name: Name of the file in messages.
        shape: User-supplied description.
        format: Required format: "csv" for text, including JSON, or "parquet"; None for either.

    Raises:
        HistoryError: The format is wrong, there are no rows, no date or close column, or a text is not the
            expected date or number.
    """
    table = _table(data, name, shape, format)
    dated = date_column(table, name, shape.date_column)
    close = close_column(table, name, shape.column)
    dates = read_dates(table, name, dated, format=shape.date_format, zone=shape.zone)
    wanted = {"close": close}
    if shape.column.lower() == "close":
        wanted |= {each: each for each in _RANGE if each in table.columns and each not in table.repeated}
    volume = volume_column(table.columns)
    if volume is not None and volume not in table.repeated:
        wanted["volume"] = volume
    frame = pl.DataFrame({"date": dates.days, **read_figures(table, name, wanted)})
    moments = dates.moments
    if _newest_first(frame["date"]):
        frame, moments = frame.reverse(), moments.reverse()
    return DailyFile(frame, moments, [*table.findings, *dates.findings])


def read_volumes(
    data: bytes, name: str, shape: DailyShape, *, format: DailyFormat | None = None
) -> DailyFile:
    """Read the daily volumes of many members: a column of dates, and a column for each member.

    Args:
        data: CSV, JSON or Parquet, detected from the first bytes.
        name: Name of the file in messages.
        shape: User-supplied description; its `column` is not used.
        format: See `read_daily`.

    Returns:
        A frame with the column `date` and a Float64 column for each member, blanks as null.

    Raises:
        HistoryError: The format is wrong, there are no rows, no date column, fewer than two members, a
            duplicated or unnamed member, the file holds bars of one symbol, or a text is not a number.
    """
    table = _table(data, name, shape, format)
    dated = date_column(table, name, shape.date_column)
    members = [column for column in table.columns if column not in (dated, "date")]
    if any(column in members for column in ("close", "adj close", "adjclose", *_RANGE)):
        raise HistoryError(
            f"{name} has the columns of one symbol's bars ({', '.join(members[:5])})",
            operator_action="supply a file with a date column and a column of volumes for each member",
        )
    repeated = [column for column in members if column in table.repeated]
    if repeated:
        raise HistoryError(
            f"{name}: column {repeated[0]!r} is duplicated", operator_action="keep only one of them"
        )
    if len(members) < _LEAST_MEMBERS or "" in members:
        found = "a column without a name" if "" in members else "no second column besides the date"
        raise HistoryError(
            f"{name} has {found}, where each member has a column of volumes under its symbol",
            operator_action="supply a file with a date column and at least two members",
        )
    dates = read_dates(table, name, dated, format=shape.date_format, zone=shape.zone)
    figures = read_figures(table, name, {member: member for member in members})
    frame = pl.DataFrame({"date": dates.days, **figures})
    moments = dates.moments
    if _newest_first(frame["date"]):
        frame, moments = frame.reverse(), moments.reverse()
    return DailyFile(frame, moments, [*table.findings, *dates.findings])


def up_to_today(daily: DailyFile, today: date, name: str) -> DailyFile:
    """Drop rows dated after today.

    Args:
        daily: The file.
        today: Current date at the exchange.
        name: Name of the file in messages.

    Raises:
        HistoryError: No row remains.
    """
    later = daily.frame["date"] > today
    if not later.any():
        return daily
    if later.all():
        first = daily.frame["date"].sort()[0]
        raise HistoryError(
            f"{name}: every row is dated after today, {today}; the first is of {first}",
            operator_action="correct the dates",
        )
    message = f"dated after today, {today}; the row was dropped"
    finding = finding_on("after_today", daily.frame["date"].filter(later).sort(), message)
    return DailyFile(daily.frame.filter(~later), daily.moments.filter(~later), [*daily.findings, finding])


def _table(data: bytes, name: str, shape: DailyShape, format: DailyFormat | None) -> Table:
    is_parquet = data.startswith(_PARQUET)
    if is_parquet and format == "csv":
        raise HistoryError(
            f"{name} is a Parquet file, not text", operator_action="use 'rotascope backfill parquet' for it"
        )
    if is_parquet or format == "parquet":
        return parquet_table(data, name)
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"[", b"{"):
        return json_table(data, name, symbol=shape.symbol)
    return text_table(data, name, wanted=shape.date_column)


def _newest_first(dates: pl.Series) -> bool:
    return len(dates) > 1 and bool(dates[0] > dates[-1]) and dates.is_sorted(descending=True)
