"""Completed sessions, weeks, months and years of a pair, and unbroken runs of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.research.value_history import period_ends


class Periods(NamedTuple):
    """The completed periods of which a pair has the last session.

    Args:
        rows: int64 (n,), ascending: row of each period's last session in the pair's history.
        numbers: int64 (n,): number of each period in the calendar; periods in a row have numbers in a row.
    """

    rows: NDArray[np.int64]
    numbers: NDArray[np.int64]


def completed_periods(
    sessions: NDArray[np.int64], calendar_sessions: NDArray[np.int64], every: str
) -> Periods:
    """Find the completed periods of a pair.

    A week ends with the calendar's last session of it. Where the pair has no close on that session, the
    period has no value, and a run does not go on across it.

    Args:
        sessions: int64 (n,), ascending: sessions of the pair, days since 1970-01-01.
        calendar_sessions: int64 (m,), ascending: all sessions of the calendar, and the one after the last of
            the data, by which the last period is known to be complete.
        every: "session", "week", "month" or "year".

    Example:
        >>> days = np.array([20014, 20017, 20018])
        >>> completed_periods(days, np.append(days, 20019), "week")
        Periods(rows=array([0]), numbers=array([0]))
    """
    ended = period_ends(calendar_sessions, every)
    ended[-1:] = False
    ends = calendar_sessions[ended]
    rows = np.flatnonzero(np.isin(sessions, ends)).astype(np.int64)
    return Periods(rows, np.searchsorted(ends, sessions[rows]).astype(np.int64))


def longest_run(numbers: NDArray[np.int64]) -> slice:
    """Return the place of the longest run of consecutive numbers, the latest of several.

    Args:
        numbers: int64 (n,), ascending.

    Example:
        >>> longest_run(np.array([3, 4, 8, 9, 12]))
        slice(2, 4, None)
        >>> longest_run(np.array([], np.int64))
        slice(0, 0, None)
    """
    if len(numbers) == 0:
        return slice(0, 0)
    starts = np.append(0, np.flatnonzero(np.diff(numbers) != 1) + 1)
    ends = np.append(starts[1:], len(numbers))
    best = len(starts) - 1 - int(np.argmax((ends - starts)[::-1]))
    return slice(int(starts[best]), int(ends[best]))
