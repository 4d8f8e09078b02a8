"""Reads daily files from disk, for study, claims, backfill and check.

`core.research.history` parses and validates them. This module opens them, builds calendars that cover
them, and logs findings on standard error, identically for every command.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Final, NamedTuple, Protocol

import polars as pl
import structlog

from core.daily.findings import Finding
from core.daily.limits import Limits
from core.daily.reading import DailyFile, DailyFormat, DailyShape, read_daily, up_to_today
from core.model.errors import HistoryError, SessionError
from core.model.records import NANOSECONDS_PER_SECOND
from core.model.sessions import Calendar, build_calendar, calendar_zone
from core.model.settings import HistoryFile
from core.research.history import judge_daily

__all__ = [
    "Covered",
    "DailyFormat",
    "NamedDaily",
    "build_covering",
    "check_named",
    "log_findings",
    "read_named",
]

_LONGEST_NAME: Final = 60


class DailyReader(Protocol):
    """Parses one daily file: `read_daily` or `read_volumes`."""

    def __call__(
        self, data: bytes, name: str, shape: DailyShape, *, format: DailyFormat | None = None
    ) -> DailyFile:
        """Return the parsed file."""


class NamedDaily(NamedTuple):
    """A daily file, parsed but not validated.

    Args:
        given: The requested file.
        name: Name in messages: symbol and file name.
        daily: The parsed file.
    """

    given: HistoryFile
    name: str
    daily: DailyFile


class Covered(NamedTuple):
    """A calendar with the dates it was built for; the first and last may have no session."""

    calendar: Calendar
    first: date
    last: date


def read_named(
    file: HistoryFile,
    calendar: str,
    *,
    now_ns: int | None,
    format: DailyFormat | None = None,
    read: DailyReader = read_daily,
) -> NamedDaily:
    """Read one daily file without validation; rows dated after today are dropped.

    Args:
        file: The file and the description of its columns.
        calendar: Determines the time zone of timestamps and the current date.
        now_ns: Current time; None for no limit.
        format: Required format, "csv" or "parquet"; None for either.
        read: Parses the file; `read_volumes` for one of many members.

    Raises:
        HistoryError: It cannot be read or parsed; the message names file and row.
        SessionError: The calendar is unknown.
    """
    name = f"{file.symbol} ({_short(file.file.name)})"
    zone = calendar_zone(calendar)
    shape = DailyShape(file.column, file.date_column, file.date_format, zone, file.symbol)
    daily = read(_bytes(file), name, shape, format=format)
    if now_ns is not None:
        today = datetime.fromtimestamp(now_ns // NANOSECONDS_PER_SECOND, UTC).astimezone(zone).date()
        daily = up_to_today(daily, today, name)
    return NamedDaily(file, name, daily)


def build_covering(files: Sequence[NamedDaily], calendar: str, *, overrides: str) -> Covered:
    """Build a calendar from the first date of any file to the last.

    Args:
        files: At least one.
        calendar: Calendar name.
        overrides: See `core.model.sessions.build_calendar`.

    Raises:
        HistoryError: There is no session on these dates, or the calendar starts later.
    """
    first_file = min(files, key=lambda each: each.daily.frame["date"].sort()[0])
    first: date = first_file.daily.frame["date"].sort()[0]
    last: date = max(each.daily.frame["date"].sort()[-1] for each in files)
    try:
        return Covered(build_calendar(calendar, first, last, overrides=overrides), first, last)
    except SessionError as error:
        raise HistoryError(
            f"{first_file.name}: {error.message}",
            operator_action=error.operator_action or "check the dates and the calendar",
        ) from error


def check_named(
    file: NamedDaily, covered: Covered, *, signed: bool = False, limits: Limits | None = None
) -> tuple[pl.DataFrame, list[Finding]]:
    """Validate one daily file.

    Args:
        file: The parsed file.
        covered: Its calendar.
        signed: The file is a rate or a flow.
        limits: Range of the instrument's records; None for that of the default scale.

    Returns:
        The validated frame, and the findings.

    Raises:
        HistoryError: It is invalid; the message names the file and the row or date.
    """
    checked = judge_daily(
        file.daily,
        covered.calendar,
        covered=(covered.first, covered.last),
        symbol=file.given.symbol,
        name=file.name,
        signed=signed,
        confirmed=file.given.accept_jumps,
        limits=limits,
    )
    return checked.frame, checked.findings


def log_findings(file: NamedDaily, findings: Iterable[Finding]) -> None:
    """Log findings on standard error, one line each."""
    log = structlog.get_logger()
    for finding in findings:
        log.warning(
            "history", symbol=file.given.symbol, file=_short(file.given.file.name), finding=str(finding)
        )


def read_all(
    files: Sequence[HistoryFile],
    calendar_of: Callable[[str], str],
    *,
    now_ns: int | None,
    format: DailyFormat | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, NamedDaily]:
    """Read daily files, one per symbol.

    Args:
        files: The files.
        calendar_of: Symbol → name of its calendar.
        now_ns: See `read_named`.
        format: See `read_named`.
        on_progress: Called with the number of files read and the total.

    Returns:
        Symbol → file, in the order given.

    Raises:
        HistoryError: A file cannot be read.
    """
    found: dict[str, NamedDaily] = {}
    for number, file in enumerate(files, start=1):
        found[file.symbol] = read_named(file, calendar_of(file.symbol), now_ns=now_ns, format=format)
        on_progress(number, len(files))
    return found


def check_all(
    files: Mapping[str, NamedDaily],
    calendar_of: Callable[[str], Covered],
    *,
    signed: Collection[str] = (),
    limits: Callable[[str], Limits] = lambda _: Limits(),
) -> dict[str, pl.DataFrame]:
    """Validate daily files and log the findings.

    Args:
        files: Symbol → file.
        calendar_of: Symbol → its calendar.
        signed: Symbols of series.
        limits: Symbol → range of its records.

    Returns:
        Symbol → validated frame.

    Raises:
        HistoryError: A file is invalid.
    """
    frames: dict[str, pl.DataFrame] = {}
    for symbol, file in files.items():
        frames[symbol], findings = check_named(
            file, calendar_of(symbol), signed=symbol in signed, limits=limits(symbol)
        )
        log_findings(file, findings)
    return frames


def _bytes(file: HistoryFile) -> bytes:
    try:
        return file.file.read_bytes()
    except (OSError, ValueError) as error:
        # ValueError: a null byte in the path.
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not a valid path"
        raise HistoryError(
            f"{file.symbol}: {_tail(str(file.file))} cannot be read: {reason}",
            operator_action="correct the path given for this symbol",
        ) from error


def _short(text: str) -> str:
    return (
        text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME // 2]}…{text[-_LONGEST_NAME // 3 :]}"
    )


def _tail(path: str) -> str:
    """Return the end of a long path, which distinguishes files."""
    return path if len(path) <= 2 * _LONGEST_NAME else f"…{path[-2 * _LONGEST_NAME :]}"
