"""Daily windows: which earlier session a window reaches back to.

A window names a session, not a number of entries in a ring: when a series lacks that session the
window is unknown, never one session too long.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.sessions import Calendar

SESSION_WINDOWS: Final = (("1d", 1), ("5d", 5), ("21d", 21), ("63d", 63), ("252d", 252))
"""Label and number of sessions."""

TO_DATE_WINDOWS: Final = ("week", "month", "year")
"""Since the last close of the previous calendar week (Monday to Sunday), month and year."""

DAY_WINDOWS: Final = (*(label for label, _ in SESSION_WINDOWS), *TO_DATE_WINDOWS)

NO_SESSION: Final = -(2**31)


def window_targets(calendar: Calendar) -> NDArray[np.int32]:
    """For every session, the row of the session each window starts from.

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
    # 1970-01-01 was a Thursday, so weeks that start on Monday are counted from day -3.
    periods = (
        (days + 3) // 7,
        dates.astype("datetime64[M]").astype(np.int64),
        dates.astype("datetime64[Y]").astype(np.int64),
    )
    columns = [rows - sessions for _, sessions in SESSION_WINDOWS]
    columns += [np.searchsorted(period, period, side="left") - 1 for period in periods]
    return np.maximum(np.stack(columns, axis=1), -1).astype(np.int32)
