"""Converts a column of dates or timestamps to days in the calendar's time zone.

A plain date is a day. A timestamp with an offset or zone belongs to its day in the calendar's zone. One
exception: if every timestamp is midnight UTC, they are dates that a program wrote as timestamps; in New
York they would fall on the evening before.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, NamedTuple

import polars as pl

from core.daily.date_forms import Reader, reader_for
from core.daily.findings import Finding
from core.daily.table import Table
from core.model.errors import HistoryError

FIRST_YEAR: Final = 1800
_LAST_YEAR: Final = 2200
"""Later timestamps are not converted: they are in the future in any zone."""
_NO_DATE: Final = "is not a date like 2024-07-11"
_DATES_ONLY: Final = "to use only the dates, pass --date-format '%Y-%m-%d'"


class Stamp(NamedTuple):
    """Time of one row.

    Args:
        day: The day, as written or in the calendar's zone.
        clock: Time of day; None if there is none.
        moment: The point in time; None if unknown or irrelevant.
    """

    day: date
    clock: time | None = None
    moment: datetime | None = None


class Dates(NamedTuple):
    """A column of days with their points in time.

    Args:
        days: Date (n,).
        moments: Datetime UTC (n,), null for plain dates.
        findings: Tolerated defects.
    """

    days: pl.Series
    moments: pl.Series
    findings: tuple[Finding, ...]


def read_dates(table: Table, name: str, column: str, *, format: str | None, zone: tzinfo | None) -> Dates:
    """Read a column of dates.

    Args:
        table: The file.
        name: Name of the file in messages.
        column: The column.
        format: As for `strptime`; None to detect it from the texts.
        zone: The calendar's zone; None uses each timestamp's date as written.

    Raises:
        HistoryError: A text is not a date or is ambiguous, timestamps are mixed with and without a zone, or
            there is more than one row per day, so the file is not daily.
    """
    values = table.columns[column]
    if isinstance(values, pl.Series):
        if values.dtype == pl.Date:
            return _plain(table, name, column, values)
        if isinstance(values.dtype, pl.Datetime):
            written = _typed(table, name, column, values)
        else:
            texts = ["" if value is None else _whole(value) for value in values.to_list()]
            written = _written(table, name, column, texts, format)
    else:
        written = _written(table, name, column, values, format)
    stamps, findings = _in_zone(table, name, column, written, zone)
    _require_daily(name, stamps)
    return Dates(
        pl.Series("date", [stamp.day for stamp in stamps], dtype=pl.Date),
        pl.Series("moment", [stamp.moment for stamp in stamps], dtype=pl.Datetime("us", "UTC")),
        findings,
    )


def _plain(table: Table, name: str, column: str, values: pl.Series) -> Dates:
    missing = values.is_null().arg_true().to_list()
    if missing:
        raise table.refuse(name, column, missing, _NO_DATE)
    early = (values < date(FIRST_YEAR, 1, 1)).arg_true().to_list()
    if early:
        raise table.refuse(name, column, early, f"is before the year {FIRST_YEAR}")
    moments = pl.Series("moment", [None] * len(values), dtype=pl.Datetime("us", "UTC"))
    return Dates(values.alias("date"), moments, ())


def _typed(table: Table, name: str, column: str, values: pl.Series) -> list[datetime | date]:
    missing = values.is_null().arg_true().to_list()
    if missing:
        raise table.refuse(name, column, missing, _NO_DATE)
    early = (values.dt.year() < FIRST_YEAR).arg_true().to_list()
    if early:
        raise table.refuse(name, column, early, f"is before the year {FIRST_YEAR}")
    aware = isinstance(values.dtype, pl.Datetime) and values.dtype.time_zone is not None
    micro = values.dt.convert_time_zone("UTC") if aware else values
    found: list[datetime | date] = micro.dt.cast_time_unit("us").to_list()
    return found


def _whole(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _written(
    table: Table, name: str, column: str, texts: Sequence[str], format: str | None
) -> list[datetime | date]:
    """Parse every text in the form of the first."""
    texts = [text.strip() for text in texts]
    reader: Reader = reader_for(texts, format, f"{name}, column {column!r}")
    found: list[datetime | date] = []
    bad: list[int] = []
    for row, text in enumerate(texts):
        try:
            found.append(reader.read(text))
        except (ValueError, OverflowError):
            bad.append(row)
    if bad:
        raise table.refuse(
            name,
            column,
            bad,
            f"is not a date like {reader.example}",
            "correct the row, or specify the format: --date-format '%d/%m/%Y'",
        )
    early = [row for row, each in enumerate(found) if each.year < FIRST_YEAR]
    if early:
        raise table.refuse(name, column, early, f"is before the year {FIRST_YEAR}")
    return found


def _in_zone(
    table: Table, name: str, column: str, written: Sequence[datetime | date], zone: tzinfo | None
) -> tuple[list[Stamp], tuple[Finding, ...]]:
    aware = [isinstance(each, datetime) and each.tzinfo is not None for each in written]
    if not any(aware):
        return [_naive(each, zone) for each in written], ()
    if not all(aware):
        odd = [row for row, each in enumerate(aware) if each != aware[0]]
        has = (
            "has no time zone, but earlier rows have one"
            if aware[0]
            else "has a time zone, but earlier rows have none"
        )
        raise table.refuse(name, column, odd, has, f"write all rows in the same form; {_DATES_ONLY}")
    stamps = [each for each in written if isinstance(each, datetime)]
    if zone is None:
        return [Stamp(each.date()) for each in stamps], ()
    if all(each.utcoffset() == timedelta(0) and each.time() == time(0) for each in stamps):
        return _midnights(stamps, zone)
    odd = [
        row for row, each in enumerate(stamps) if each.utcoffset() != timedelta(0) or each.time() != time(0)
    ]
    if len(odd) == 1 < len(stamps) - 1 and any(each.astimezone(zone).time() != time(0) for each in stamps):
        has = "has a time of day, but other rows are at midnight UTC"
        raise table.refuse(name, column, odd, has, f"remove the incomplete day; {_DATES_ONLY}")
    return [_moment(each, zone) for each in stamps], ()


def _naive(each: datetime | date, zone: tzinfo | None) -> Stamp:
    if not isinstance(each, datetime):
        return Stamp(each)
    if each.time() == time(0) or zone is None or each.year > _LAST_YEAR:
        return Stamp(each.date(), each.time())
    return Stamp(each.date(), each.time(), each.replace(tzinfo=zone).astimezone(UTC))


def _moment(each: datetime, zone: tzinfo) -> Stamp:
    if each.year > _LAST_YEAR:
        return Stamp(each.date())
    local = each.astimezone(zone)
    at_midnight = local.time() == time(0)
    return Stamp(local.date(), local.time(), None if at_midnight else local.astimezone(UTC))


def _midnights(stamps: Sequence[datetime], zone: tzinfo) -> tuple[list[Stamp], tuple[Finding, ...]]:
    elsewhere = tuple(
        each.date()
        for each in stamps
        if each.year <= _LAST_YEAR and each.astimezone(zone).date() != each.date()
    )
    days = [Stamp(each.date()) for each in stamps]
    if not elsewhere:
        return days, ()
    message = "every timestamp is midnight UTC, so it was read as its date"
    return days, (Finding("utc_midnight", tuple(sorted(elsewhere)), message),)


def _require_daily(name: str, stamps: Sequence[Stamp]) -> None:
    """Refuse two times of day on one date; on a single date it is an update, which the closes distinguish."""
    first: dict[date, tuple[int, time]] = {}
    doubled: dict[date, tuple[int, int]] = {}
    for row, stamp in enumerate(stamps):
        if stamp.clock is None:
            continue
        before = first.setdefault(stamp.day, (row, stamp.clock))
        if before[1] != stamp.clock:
            doubled.setdefault(stamp.day, (before[0], row))
    if len(doubled) > 1 or (doubled and len(stamps) == 2):
        day, (one, other) = next(iter(doubled.items()))
        raise HistoryError(
            f"{name}, data row {other + 1}: {day} has rows at {stamps[one].clock} and {stamps[other].clock}, "
            "so the file is not daily",
            operator_action="supply one row per session",
        )
