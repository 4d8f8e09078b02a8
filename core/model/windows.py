"""Daily windows: the session from which a window starts.

A window refers to a session, not to a number of entries in a ring buffer: if a series lacks that
session, the window is unknown instead of one session too long.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.model.sessions import Calendar

SESSION_WINDOWS: Final = (("1d", 1), ("5d", 5), ("21d", 21), ("63d", 63), ("252d", 252))
"""Label and number of sessions."""

TO_DATE_WINDOWS: Final = ("week", "month", "year")
"""Since the last close of the previous calendar week (Monday to Sunday), month and year."""

DAY_WINDOWS: Final = (*(label for label, _ in SESSION_WINDOWS), *TO_DATE_WINDOWS)

NO_SESSION: Final = -(2**31)

_MONDAY: Final = 3
"""1970-01-01 was a Thursday, so weeks that start on Monday are counted from day -3."""
_FRIDAY: Final = 4


def window_targets(calendar: Calendar) -> NDArray[np.int32]:
    """Return for every session the row from which each window starts.

    Args:
        calendar: Sessions, one row each.

    Returns:
        int32 (sessions, len(DAY_WINDOWS)): rows of the calendar, -1 where the calendar does not
        reach back that far.
    """
    count = len(calendar)
    rows = np.arange(count, dtype=np.int64)
    days = calendar.session.astype(np.int64)
    dates = days.astype("datetime64[D]")
    periods = (
        (days + _MONDAY) // 7,
        dates.astype("datetime64[M]").astype(np.int64),
        dates.astype("datetime64[Y]").astype(np.int64),
    )
    columns = [rows - sessions for _, sessions in SESSION_WINDOWS]
    columns += [np.searchsorted(period, period, side="left") - 1 for period in periods]
    return np.maximum(np.stack(columns, axis=1), -1).astype(np.int32)


class WindowStarts(NamedTuple):
    """Start of each window, for every session of a calendar.

    Args:
        days: int32 (sessions, len(DAY_WINDOWS)): the session, days since 1970-01-01; -1 where the
            calendar does not reach back that far.
        lags: int32, of the same shape: number of sessions back.
    """

    days: NDArray[np.int32]
    lags: NDArray[np.int32]


def window_starts(calendar: Calendar) -> WindowStarts:
    """Look up the starts of the windows of all sessions.

    Args:
        calendar: Sessions, one row each.
    """
    targets = window_targets(calendar)
    days = np.where(targets >= 0, calendar.session[np.maximum(targets, 0)], -1).astype(np.int32)
    rows = np.arange(len(calendar), dtype=np.int32)
    return WindowStarts(days, rows[:, None] - targets)


def ends_week(calendar: Calendar, row: int) -> bool:
    """Return whether a session is the last of its week, Monday to Sunday.

    Args:
        calendar: Sessions, one row each.
        row: The session; the calendar's last session ends its week from Friday on.

    Example:
        >>> from datetime import date
        >>> from core.model.sessions import build_calendar
        >>> calendar = build_calendar("XNYS", date(2024, 3, 27), date(2024, 4, 2))  # Good Friday is the 29th
        >>> [ends_week(calendar, row) for row in range(len(calendar))]
        [False, True, False, False]
    """
    week = (int(calendar.session[row]) + _MONDAY) // 7
    if row + 1 < len(calendar):
        return (int(calendar.session[row + 1]) + _MONDAY) // 7 > week
    return (int(calendar.session[row]) + _MONDAY) % 7 >= _FRIDAY
