"""Builds the calendars of markets.

Nothing here reads the clock: the range of dates is always an argument, and an extensible calendar is
extended by event time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, tzinfo
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from core.model.calendar import NANOSECONDS_PER_DAY, Calendar, day_to_date, digest_of, session_day
from core.model.calendar_names import CALENDAR_NAMES, unknown_calendar
from core.model.calendar_overrides import override, parse_overrides
from core.model.errors import SessionError
from core.model.exchange_sessions import exchange_sessions

__all__ = [
    "CALENDAR_FROM",
    "CALENDAR_NAMES",
    "CALENDAR_THROUGH",
    "NANOSECONDS_PER_DAY",
    "Calendar",
    "build_calendar",
    "build_calendars",
    "calendar_zone",
    "calendars_digest",
    "day_to_date",
    "session_day",
    "unknown_calendar",
]

CALENDAR_FROM: Final = date(1900, 1, 1)
"""Where the growing calendars of programs begin: before any history, or at their first known holidays."""
CALENDAR_THROUGH: Final = date(2030, 12, 31)
"""Initial range of extensible calendars; it saves work and does not affect results."""

_ANY_WEEK: Final = (date(2024, 7, 8), date(2024, 7, 12))


def build_calendar(
    name: str, first: date, last: date, *, overrides: str = "", growing: bool = False
) -> Calendar:
    """Build the sessions of one market from `first` to `last`, inclusive.

    Args:
        name: "24/7" for UTC days, otherwise a name of exchange_calendars, such as "XNYS".
        first: First date that may have a session.
        last: Last date that may have a session.
        overrides: TOML text with `[[closed]]` and `[[early_close]]` entries, for changes that the
            exchange announced after the library's release (see `data/calendar_overrides.toml`).
        growing: `last` is only the initial end, which event time extends (`Calendar.reach`).

    Returns:
        The calendar. Lunch breaks are ignored.

    Raises:
        SessionError: An unknown name, an empty range, a range the library does not cover, or a session
            that does not close on its own UTC day.
        ConfigurationError: `overrides` are invalid.

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
        calendar, zone = exchange_sessions(name, first, last, clamp=growing)
        if overrides:
            calendar = override(calendar, zone, parse_overrides(overrides))
    if growing:
        calendar = replace(calendar, through=partial(_through, name=name, first=first, overrides=overrides))
    return calendar


def calendar_zone(name: str) -> tzinfo:
    """Return the time zone of a calendar's days.

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
    _, zone = exchange_sessions(name, *_ANY_WEEK, clamp=False)
    return ZoneInfo(str(zone))


def build_calendars(
    names: Iterable[str], first: date, last: date, *, overrides: str = "", growing: bool = False
) -> dict[str, Calendar]:
    """Build each named calendar once; arguments and errors as for `build_calendar`."""
    return {
        name: build_calendar(name, first, last, overrides=overrides, growing=growing)
        for name in sorted(set(names))
    }


def calendars_digest(calendars: Iterable[Calendar]) -> str:
    """Return one SHA-256, in hex, of the rules and exceptions of several calendars."""
    return digest_of(sorted((calendar.name, calendar.digest) for calendar in calendars))


def _through(last: date, *, name: str, first: date, overrides: str) -> Calendar:
    return build_calendar(name, first, last, overrides=overrides, growing=True)


def _utc_days(first: date, last: date) -> Calendar:
    days = np.arange(session_day(first), session_day(last) + 1, dtype=np.int32)
    open_ns = days.astype(np.int64) * NANOSECONDS_PER_DAY
    close_ns = open_ns + NANOSECONDS_PER_DAY
    return Calendar("24/7", days, open_ns, close_ns, np.zeros(len(days), np.bool_), digest_of(["24/7"]))
