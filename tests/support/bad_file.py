"""One unusable or partly usable daily file, and helpers to write one."""

from __future__ import annotations

import io
import json
from datetime import date, datetime
from typing import NamedTuple

import polars as pl

DAYS = [date(2024, 7, day) for day in (1, 2, 3, 5, 8, 9, 10, 11, 12, 15)]
CLOSES = [100.0, 101.0, 102.0, 101.5, 102.5, 103.0, 102.0, 104.0, 103.5, 104.5]


class BadFile(NamedTuple):
    """One file.

    Args:
        name: Its name.
        data: Its content.
        message: A part of the message.
        works: It is used nevertheless, and `message` is a finding.
        options: Options given with it; `SYM` means its symbol.
        column: Column to use as close, given as `:COLUMN`.
        form: "csv" or "parquet", the backfill command for it.
    """

    name: str
    data: bytes
    message: str
    works: bool = False
    options: tuple[str, ...] = ()
    column: str = ""
    form: str = "csv"


def lines(*rows: str, header: str = "date,close") -> bytes:
    """A header and rows as text."""
    return "\n".join((header, *rows, "")).encode()


def plain(
    *, replaced: dict[int, str] | None = None, header: str = "date,close", extra: tuple[str, ...] = ()
) -> bytes:
    """Ten good rows, some replaced, and extra rows after them."""
    rows = [f"{day},{close}" for day, close in zip(DAYS, CLOSES, strict=True)]
    for row, text in (replaced or {}).items():
        rows[row] = text
    return lines(*rows, *extra, header=header)


def parquet(**columns: object) -> bytes:
    """A Parquet file."""
    file = io.BytesIO()
    pl.DataFrame(columns).write_parquet(file)
    return file.getvalue()


def document(value: object) -> bytes:
    """A JSON file."""
    return json.dumps(value).encode()


def bars(*closes: object) -> list[dict[str, object]]:
    return [{"date": str(day), "close": close} for day, close in zip(DAYS, closes, strict=False)]


GOOD = plain()
GOOD_PARQUET = parquet(date=DAYS, close=CLOSES)
STAMPS = [datetime(day.year, day.month, day.day, 12) for day in DAYS]  # noqa: DTZ001
