"""Sessions of the New York Stock Exchange, and instants in its time."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from core.model.sessions import Calendar, build_calendar, session_day

NEW_YORK = ZoneInfo("America/New_York")


def xnys_since_1990() -> Calendar:
    """Give the sessions from 1990 to 2027, without overrides."""
    return build_calendar("XNYS", date(1990, 1, 1), date(2027, 12, 31))


def ns(instant: datetime) -> int:
    """Give an instant in nanoseconds UTC."""
    return int(instant.timestamp()) * 1_000_000_000


def new_york(day: date, hour: int, minute: int = 0) -> int:
    """Give a time of day in New York in nanoseconds UTC."""
    return ns(datetime(day.year, day.month, day.day, hour, minute, tzinfo=NEW_YORK))


def row(calendar: Calendar, day: date) -> int:
    """Give the row of a session."""
    return calendar.row_of(session_day(day))
