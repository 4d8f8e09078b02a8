"""Daily files as they lie on disk: the one reader of study, claims, backfill and check.

`core.research.history` understands and judges them. Here they are opened, calendars are built around
them, and what was passed over is told on standard error, the same for every command.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Final, NamedTuple

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

__all__ = ["Covered", "DailyFormat", "NamedDaily", "build_covering", "check_named", "read_named", "tell"]

_LONGEST_NAME: Final = 60


class NamedDaily(NamedTuple):
    """A daily file, read but not judged.

    Args:
        given: What was asked for.
        name: What messages call it: the symbol and the file's own name.
        daily: The file, understood.
    """

    given: HistoryFile
    name: str
    daily: DailyFile


class Covered(NamedTuple):
    """A calendar, and the dates it was built for: there may be no session on the first and the last."""

    calendar: Calendar
    first: date
    last: date


def read_named(
    file: HistoryFile, calendar: str, *, now_ns: int | None, format: DailyFormat | None = None
) -> NamedDaily:
    """Read one daily file, unjudged; rows dated after today are left out.

    Args:
        file: The file, and what is known of its columns.
        calendar: Whose time zone its stamps belong to, and whose today it is.
        now_ns: The present; None: no date is too late.
        format: "csv" or "parquet" where the file must be that.

    Raises:
        HistoryError: It cannot be read as such; the message names file and row.
        SessionError: No such calendar.
    """
    name = f"{file.symbol} ({_short(file.file.name)})"
    zone = calendar_zone(calendar)
    shape = DailyShape(file.column, file.date_column, file.date_format, zone, file.symbol)
    daily = read_daily(_bytes(file), name, shape, format=format)
    if now_ns is not None:
        today = datetime.fromtimestamp(now_ns // NANOSECONDS_PER_SECOND, UTC).astimezone(zone).date()
        daily = up_to_today(daily, today, name)
    return NamedDaily(file, name, daily)


def build_covering(files: Sequence[NamedDaily], calendar: str, *, overrides: str) -> Covered:
    """Build a calendar from the first date of any file to the last.

    Args:
        files: At least one.
        calendar: Its name.
        overrides: As for `core.model.sessions.build_calendar`.

    Raises:
        HistoryError: No session lies on these dates, or the calendar does not reach back so far.
    """
    first_file = min(files, key=lambda each: each.daily.frame["date"].sort()[0])
    first: date = first_file.daily.frame["date"].sort()[0]
    last: date = max(each.daily.frame["date"].sort()[-1] for each in files)
    try:
        return Covered(build_calendar(calendar, first, last, overrides=overrides), first, last)
    except SessionError as error:
        raise HistoryError(
            f"{first_file.name}: {error.message}",
            operator_action=error.operator_action or "check the dates, and the calendar",
        ) from error


def check_named(
    file: NamedDaily, covered: Covered, *, signed: bool = False, limits: Limits | None = None
) -> tuple[pl.DataFrame, list[Finding]]:
    """Judge one daily file.

    Args:
        file: As read.
        covered: Its calendar.
        signed: It holds a series, a rate or a flow.
        limits: What the instrument's record holds; None: as much as the usual scale allows.

    Returns:
        The checked frame, and what was passed over.

    Raises:
        HistoryError: It cannot be used; the message names the file and the row or date.
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


def tell(file: NamedDaily, findings: Iterable[Finding]) -> None:
    """Write what was passed over to the log on standard error, one line each."""
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
    """Read daily files, one a symbol.

    Args:
        files: The files.
        calendar_of: Symbol → name of its calendar.
        now_ns: As for `read_named`.
        format: As for `read_named`.
        on_progress: Told how many files are read, and of how many.

    Returns:
        Symbol → file, in the order given.

    Raises:
        HistoryError: A file that cannot be read.
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
    """Judge daily files and tell what was passed over.

    Args:
        files: Symbol → file.
        calendar_of: Symbol → its calendar.
        signed: Symbols of series.
        limits: Symbol → what its record holds.

    Returns:
        Symbol → checked frame.

    Raises:
        HistoryError: A file that cannot be used.
    """
    frames: dict[str, pl.DataFrame] = {}
    for symbol, file in files.items():
        frames[symbol], findings = check_named(
            file, calendar_of(symbol), signed=symbol in signed, limits=limits(symbol)
        )
        tell(file, findings)
    return frames


def _bytes(file: HistoryFile) -> bytes:
    try:
        return file.file.read_bytes()
    except (OSError, ValueError) as error:
        # ValueError: a zero byte in the path.
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is no path"
        raise HistoryError(
            f"{file.symbol}: {_tail(str(file.file))} cannot be read: {reason}",
            operator_action="correct the path given for this symbol",
        ) from error


def _short(text: str) -> str:
    return (
        text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME // 2]}…{text[-_LONGEST_NAME // 3 :]}"
    )


def _tail(path: str) -> str:
    """The end of a long path, which tells files apart."""
    return path if len(path) <= 2 * _LONGEST_NAME else f"…{path[-2 * _LONGEST_NAME :]}"
