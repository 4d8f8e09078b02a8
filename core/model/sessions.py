"""Exchange sessions: when a market is open, as arrays of nanoseconds.

Nothing here reads the clock: the range of dates is always an argument, and a calendar that grows is
extended by event time. Instants are nanoseconds UTC, sessions are days since 1970-01-01, and a
session holds `open <= ts < close`.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.model.errors import ConfigurationError, SessionError
from core.model.records import NANOSECONDS_PER_SECOND
from core.model.suggestions import nearest

CALENDAR_NAMES: Final = ("24/7", "XNYS")
"""The calendars that most universes name; every other name of exchange_calendars may stand there as well."""

NANOSECONDS_PER_DAY: Final = 86_400 * NANOSECONDS_PER_SECOND

CALENDAR_THROUGH: Final = date(2030, 12, 31)
"""How far growing calendars are built at the start. It saves work and decides nothing."""

_AHEAD_NS: Final = 400 * NANOSECONDS_PER_DAY
"""Sessions kept ahead of event time: whatever looks ahead, such as the end of a week, looks less far."""
_LAST_DAY: Final = date(2261, 12, 31)
"""Nanoseconds in 64 bits end in April 2262."""
_ALWAYS: Final = 2**63
_EPOCH: Final = date(1970, 1, 1)
_ANY_WEEK: Final = (date(2024, 7, 8), date(2024, 7, 12))


def session_day(day: date) -> int:
    """Give the number of days since 1970-01-01.

    Example:
        >>> session_day(date(2024, 7, 11))
        19915
    """
    return (day - _EPOCH).days


def day_to_date(session: int) -> date:
    """Give the date of a session day.

    Example:
        >>> day_to_date(19915)
        datetime.date(2024, 7, 11)
    """
    return _EPOCH + timedelta(days=int(session))


@dataclass(eq=False, slots=True)
class Calendar:
    """The sessions of one market over a range of dates, ascending, one row each.

    Args:
        name: "XNYS", "24/7", …
        session: Array (n,) int32, days since 1970-01-01.
        open_ns: Array (n,) int64, first nanosecond of the session, UTC.
        close_ns: Array (n,) int64, first nanosecond after the session, UTC.
        early_close: Array (n,) bool, the session ends before the usual hour.
        digest: SHA-256, in hex, of the rules and the exceptions, whatever the range of dates.
        through: Gives the calendar to a later date, or as far as it is known; None where the range
            is fixed.
    """

    name: str
    session: NDArray[np.int32]
    open_ns: NDArray[np.int64]
    close_ns: NDArray[np.int64]
    early_close: NDArray[np.bool_]
    digest: str = ""
    through: Callable[[date], Calendar] | None = None
    _reached_ns: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for column in (self.session, self.open_ns, self.close_ns, self.early_close):
            column.setflags(write=False)
        self._reached_ns = _ALWAYS if self.through is None else int(self.open_ns[-1]) - _AHEAD_NS

    def copy(self) -> Calendar:
        """A calendar that grows by itself; the arrays are shared."""
        return replace(self)

    def reach(self, ts_ns: int) -> None:
        """Hold the sessions up to a year behind an instant of event time, where the calendar grows.

        Rows keep their numbers. A calendar belongs to one thread: who shares it, copies it.

        Raises:
            SessionError: No session is known behind that instant.
        """
        if ts_ns > self._reached_ns and self.through is not None:
            self._grow(ts_ns, self.through)

    def _grow(self, ts_ns: int, through: Callable[[date], Calendar]) -> None:
        year = day_to_date(ts_ns // NANOSECONDS_PER_DAY).year
        longer = through(min(date(min(year + 2, _LAST_DAY.year), 12, 31), _LAST_DAY))
        if len(longer) > len(self):
            same = slice(len(self))
            if not np.array_equal(longer.close_ns[same], self.close_ns):
                raise SessionError(f"{self.name}: sessions changed when the calendar was extended")
            self.session, self.open_ns = longer.session, longer.open_ns
            self.close_ns, self.early_close = longer.close_ns, longer.early_close
        self._reached_ns = int(self.open_ns[-1]) - _AHEAD_NS
        if ts_ns > self._reached_ns:  # The library knows no more; what it knows is still good.
            self._reached_ns = int(self.close_ns[-1]) - 1
        if ts_ns > self._reached_ns:
            raise SessionError(
                f"calendar {self.name} ends on {day_to_date(self.session[-1])}, and event time has reached "
                f"{day_to_date(ts_ns // NANOSECONDS_PER_DAY)}",
                operator_action="install a release of exchange-calendars that knows later sessions of "
                f"{self.name}, and start again",
            )

    def __len__(self) -> int:
        return len(self.session)

    def index_at(self, ts_ns: int) -> int:
        """Give the row of the session that contains an instant, or -1 between sessions."""
        row = int(np.searchsorted(self.open_ns, ts_ns, side="right")) - 1
        return row if row >= 0 and ts_ns < self.close_ns[row] else -1

    def next_row_at(self, ts_ns: int) -> int:
        """Give the first row that closes after an instant: the running session, else the next.

        Returns:
            A row, or `len(calendar)` when the last session is over.
        """
        return int(np.searchsorted(self.close_ns, ts_ns, side="right"))

    def row_of(self, session: int) -> int:
        """Give the row of a session day.

        Raises:
            SessionError: There is no session on that day; the message names its neighbours.
        """
        row = int(np.searchsorted(self.session, session))
        if row < len(self.session) and self.session[row] == session:
            return row
        before = str(day_to_date(self.session[row - 1])) if row > 0 else "none"
        after = str(day_to_date(self.session[row])) if row < len(self.session) else "none"
        raise SessionError(
            f"{self.name} has no session on {day_to_date(session)} (before it: {before}, after it: {after})"
        )


def build_calendar(
    name: str, first: date, last: date, *, overrides: str = "", growing: bool = False
) -> Calendar:
    """Build the sessions of one market from `first` to `last`, both included.

    Args:
        name: "24/7" for UTC days, else a name known to exchange_calendars, such as "XNYS".
        first: First date that may have a session.
        last: Last date that may have a session.
        overrides: TOML text with `[[closed]]` and `[[early_close]]` entries, for what the exchange
            announced after the library was released (see `data/calendar_overrides.toml`).
        growing: `last` is only a beginning, which event time extends (`Calendar.reach`).

    Returns:
        The calendar. Markets that pause for lunch are taken as open from open to close.

    Raises:
        SessionError: An unknown name, an empty range, a range the library does not cover, or a session
            that does not close on its own UTC day.
        ConfigurationError: `overrides` cannot be used.

    Example:
        >>> half_day = build_calendar("XNYS", date(2024, 7, 3), date(2024, 7, 5))
        >>> [str(day_to_date(day)) for day in half_day.session], half_day.early_close.tolist()
        (['2024-07-03', '2024-07-05'], [True, False])
    """
    if first > last:
        raise SessionError(f"a calendar from {first} to {last} has no days")
    if name == "24/7":
        calendar = _utc_days(first, last)
    else:
        calendar, zone = _exchange_sessions(name, first, last, clamp=growing)
        if overrides:
            calendar = _override(calendar, zone, overrides)
    if growing:
        calendar = replace(calendar, through=partial(_through, name=name, first=first, overrides=overrides))
    return calendar


def calendar_zone(name: str) -> tzinfo:
    """Give the time zone a calendar's days belong to.

    Args:
        name: As for `build_calendar`.

    Raises:
        SessionError: An unknown name.

    Example:
        >>> str(calendar_zone("XNYS"))
        'America/New_York'
    """
    if name == "24/7":
        return UTC
    if name == "XNYS":
        return ZoneInfo("America/New_York")
    _, zone = _exchange_sessions(name, *_ANY_WEEK, clamp=False)
    return ZoneInfo(str(zone))


def unknown_calendar(name: str) -> str | None:
    """Say what is wrong with the name of a calendar; None where it is one.

    Only names other than `CALENDAR_NAMES` ask the library, which takes most of a second to import.

    Example:
        >>> unknown_calendar("XTKS") is None, unknown_calendar("NYSE")
        (True, " (another name of 'XNYS')")
    """
    if name in CALENDAR_NAMES:
        return None
    from exchange_calendars import get_calendar_names, resolve_alias

    names = get_calendar_names(include_aliases=False)
    if name in names:
        return None
    if name in get_calendar_names(include_aliases=True):
        # Two names of one exchange would count as two calendars, whose days are held against each other.
        return f" (another name of {resolve_alias(name)!r})"
    near = nearest(name, CALENDAR_NAMES) or nearest(name, names)
    return near or nearest(name, CALENDAR_NAMES, list_all=True)


def build_calendars(
    names: Iterable[str], first: date, last: date, *, overrides: str = "", growing: bool = False
) -> dict[str, Calendar]:
    """Build each named calendar once; arguments and errors as for `build_calendar`."""
    return {
        name: build_calendar(name, first, last, overrides=overrides, growing=growing)
        for name in sorted(set(names))
    }


def calendars_digest(calendars: Iterable[Calendar]) -> str:
    """Give one SHA-256, in hex, for the rules and exceptions of several calendars."""
    return _digest(sorted((calendar.name, calendar.digest) for calendar in calendars))


def _through(last: date, *, name: str, first: date, overrides: str) -> Calendar:
    return build_calendar(name, first, last, overrides=overrides, growing=True)


def _digest(content: Any) -> str:
    return hashlib.sha256(msgspec.json.encode(content)).hexdigest()


def _utc_days(first: date, last: date) -> Calendar:
    days = np.arange(session_day(first), session_day(last) + 1, dtype=np.int32)
    open_ns = days.astype(np.int64) * NANOSECONDS_PER_DAY
    close_ns = open_ns + NANOSECONDS_PER_DAY
    return Calendar("24/7", days, open_ns, close_ns, np.zeros(len(days), np.bool_), _digest(["24/7"]))


def _exchange_sessions(name: str, first: date, last: date, *, clamp: bool) -> tuple[Calendar, Any]:
    """Ask the library; with `clamp`, for as much of the range as it knows."""
    # Imported here: it brings in pandas, most of a second that commands without a calendar need not pay.
    import exchange_calendars

    def library_of(first: date, last: date) -> Any:
        # One day more, because the library refuses a range of a single day; cut off below.
        end = last + timedelta(days=1)
        return exchange_calendars.get_calendar(name, start=first.isoformat(), end=end.isoformat())

    try:
        try:
            library = library_of(first, last)
        except ValueError:
            known = (
                _known_range(exchange_calendars.get_calendar(name), first, last) if clamp else (first, last)
            )
            if known == (first, last):
                raise
            first, last = known
            library = library_of(first, last)
    except exchange_calendars.errors.InvalidCalendarName as error:
        raise SessionError(f"no calendar is named {name!r}", operator_action="use XNYS or 24/7") from error
    except exchange_calendars.errors.NoSessionsError as error:
        raise SessionError(f"{name} has no session from {first} to {last}") from error
    except NotImplementedError as error:
        raise SessionError(
            f"calendar {name} cannot be built: its holiday rules do not work with the installed pandas",
            operator_action="name the calendar of an exchange with the same sessions",
        ) from error
    except (ValueError, OverflowError) as error:
        raise SessionError(
            f"{name} cannot be built from {first} to {last}: its holidays are not known for all of it",
            operator_action="leave out the earliest days",
        ) from error
    schedule = library.schedule
    # The unit is stated, because pandas 3 keeps instants in microseconds where it can.
    sessions = schedule.index.to_numpy().astype("datetime64[D]").astype(np.int32)
    open_ns = _utc_nanoseconds(schedule["open"])
    close_ns = _utc_nanoseconds(schedule["close"])
    early = library.early_closes.to_numpy().astype("datetime64[D]").astype(np.int32)
    kept = sessions <= session_day(last)
    digest = _digest([name, exchange_calendars.__version__])
    calendar = Calendar(
        name, sessions[kept], open_ns[kept], close_ns[kept], np.isin(sessions[kept], early), digest
    )
    if len(calendar) == 0:
        raise SessionError(f"{name} has no session from {first} to {last}")
    _require_close_on_own_day(calendar)
    return calendar, library.tz


def _known_range(library: Any, first: date, last: date) -> tuple[date, date]:
    """Give as much of a range as the library has holidays for."""
    earliest, latest = library.bound_min(), library.bound_max()
    if earliest is not None:
        first = max(first, earliest.date())
    if latest is not None:
        last = min(last, latest.date() - timedelta(days=1))
    return first, last


def _require_close_on_own_day(calendar: Calendar) -> None:
    """The engine names a finished day by the UTC date of its close; midnight belongs to the day it ends."""
    elsewhere = np.flatnonzero((calendar.close_ns - 1) // NANOSECONDS_PER_DAY != calendar.session)
    if len(elsewhere):
        row = int(elsewhere[0])
        closes = datetime.fromtimestamp(int(calendar.close_ns[row]) // NANOSECONDS_PER_SECOND, UTC)
        raise SessionError(
            f"calendar {calendar.name} cannot be used: its session of {day_to_date(calendar.session[row])} "
            f"closes at {closes:%Y-%m-%d %H:%M} UTC, and a session must close on its own UTC day",
            operator_action="choose a range without that session where only history is read; a worker "
            "cannot follow this calendar",
        )


def _utc_nanoseconds(column: Any) -> NDArray[np.int64]:
    utc = column.dt.tz_convert("UTC").dt.tz_localize(None)
    instants: NDArray[np.int64] = utc.to_numpy().astype("datetime64[ns]").astype(np.int64)
    return instants


def _override(calendar: Calendar, zone: Any, overrides: str) -> Calendar:
    """Take sessions out and bring closes forward; entries of other calendars are passed over."""
    try:
        entries = tomllib.loads(overrides)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"calendar overrides are not TOML: {error}") from error
    unknown = sorted(set(entries) - {"closed", "early_close"})
    if unknown:
        raise ConfigurationError(f"calendar overrides: unknown table {unknown[0]!r} (closed, early_close)")
    close_ns = calendar.close_ns.copy()
    early = calendar.early_close.copy()
    exceptions: set[tuple[int, str]] = set()
    for entry in entries.get("early_close", []):
        if _entry_calendar(entry) == calendar.name:
            at = _entry_value(entry, "close", time)
            exceptions.add((session_day(_entry_value(entry, "session", date)), at.isoformat()))
            row = np.flatnonzero(calendar.session == session_day(_entry_value(entry, "session", date)))
            close = datetime.combine(entry["session"], at, tzinfo=zone).astimezone(UTC)
            close_ns[row] = int(close.timestamp()) * NANOSECONDS_PER_SECOND
            early[row] = True
    closed = [
        session_day(_entry_value(entry, "session", date))
        for entry in entries.get("closed", [])
        if _entry_calendar(entry) == calendar.name
    ]
    kept = ~np.isin(calendar.session, closed)
    if np.any(close_ns[kept] <= calendar.open_ns[kept]):
        raise ConfigurationError(f"calendar overrides: a close of {calendar.name} lies before its open")
    exceptions |= {(session, "closed") for session in closed}
    digest = _digest([calendar.digest, sorted(exceptions)]) if exceptions else calendar.digest
    return Calendar(
        calendar.name, calendar.session[kept], calendar.open_ns[kept], close_ns[kept], early[kept], digest
    )


def _entry_calendar(entry: dict[str, Any]) -> str:
    return str(_entry_value(entry, "calendar", str))


def _entry_value(entry: dict[str, Any], key: str, kind: type) -> Any:
    value = entry.get(key)
    if type(value) is not kind:  # a TOML date-time is a `date` too, and no session
        raise ConfigurationError(f"calendar overrides: entry {entry} needs {key!r} as a {kind.__name__}")
    return value
