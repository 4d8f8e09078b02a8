"""The sessions of an exchange, from the library exchange_calendars."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.model.calendar import NANOSECONDS_PER_DAY, Calendar, day_to_date, digest_of, session_day
from core.model.errors import SessionError
from core.model.records import NANOSECONDS_PER_SECOND


def exchange_sessions(name: str, first: date, last: date, *, clamp: bool) -> tuple[Calendar, Any]:
    """Ask the library; with `clamp`, for as much of the range as it knows."""
    # Imported here, because it imports pandas, which takes most of a second.
    import exchange_calendars

    def library_of(first: date, last: date) -> Any:
        # One extra day, removed below, because the library refuses a range of a single day.
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
            operator_action="omit the earliest days",
        ) from error
    schedule = library.schedule
    # The unit is explicit, because pandas 3 uses microseconds where possible.
    sessions = schedule.index.to_numpy().astype("datetime64[D]").astype(np.int32)
    open_ns = _utc_nanoseconds(schedule["open"])
    close_ns = _utc_nanoseconds(schedule["close"])
    early = library.early_closes.to_numpy().astype("datetime64[D]").astype(np.int32)
    kept = sessions <= session_day(last)
    digest = digest_of([name, exchange_calendars.__version__])
    calendar = Calendar(
        name, sessions[kept], open_ns[kept], close_ns[kept], np.isin(sessions[kept], early), digest
    )
    if len(calendar) == 0:
        raise SessionError(f"{name} has no session from {first} to {last}")
    _require_close_on_own_day(calendar)
    return calendar, library.tz


def _known_range(library: Any, first: date, last: date) -> tuple[date, date]:
    """Return as much of a range as the library has holidays for."""
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
