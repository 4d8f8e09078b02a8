"""Sessions in a row, and the record of relative strength over five sessions.

A session whose previous close is missing breaks a run, and what comes after it is unknown until the
next session that would have broken it anyway: its start has not been seen.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.indicators.base import DayFamily, DayStep, Output
from core.indicators.day_rows import (
    longer_run,
    put,
    put_unknown,
    run_is_known,
    sign_of,
)
from core.kernels.jit import BOOL, F8, I4, I8, U1, array_of, inlined, kernel
from core.kernels.returns import blocked_by
from core.model.records import Frequency, Quality
from core.model.windows import DAY_WINDOWS

GAIN_PCT: Final = 1.0
"""Least return of a session that counts as a gain."""

LEAST_CHANGES: Final = 252
"""Five-session changes before the largest of them is called a record."""

_ONE: Final = DAY_WINDOWS.index("1d")
_FIVE: Final = DAY_WINDOWS.index("5d")
_NOT_READY: Final = int(Quality.NOT_READY)

_AHEAD: Final = 0
_AHEAD_SEEN: Final = 1
_GAIN: Final = 2
_GAIN_SEEN: Final = 3
_HIGHEST: Final = 4
_LOWEST: Final = 5
_CHANGES: Final = 6
_FIELDS: Final = 7


@inlined
def _put_run(output, row, field, sign, known_day, count, values, quality, observations, runs, commit):  # type: ignore[no-untyped-def]
    """Write a run's length, and keep it; a day without a return breaks it unseen."""
    length = 0.0
    known = False
    if known_day:
        known = run_is_known(runs[field, row], runs[field + 1, row], sign)
        length = longer_run(runs[field, row], sign)
    if known:
        put(values, quality, observations, output, row, length, count)
    else:
        put_unknown(values, quality, observations, output, row, _NOT_READY, count)
    if commit:
        runs[field, row] = length
        runs[field + 1, row] = 1.0 if known else 0.0


@kernel(
    I8,
    array_of(I8, 2),
    array_of(I8, 3),
    array_of(I8),
    array_of(I4),
    array_of(F8, 2),
    array_of(F8, 2),
    array_of(U1, 2),
    array_of(I4, 2),
    BOOL,
)
def _day_pass(  # type: ignore[no-untyped-def]
    prices, bases, counts, rows, runs, values, quality, observations, commit
):
    for row in rows:
        reason = blocked_by(prices, row)
        changes = runs[_CHANGES, row]
        if reason != 0:
            for output in range(5):
                put_unknown(values, quality, observations, output, row, reason, int(changes))
            continue
        known = bases[_ONE, 0, row] > 0 and bases[_ONE, 1, row] > 0
        ahead = 0
        gain = 0
        if known:
            r_s = (prices[0, row] - bases[_ONE, 0, row]) / bases[_ONE, 0, row]
            r_l = (prices[1, row] - bases[_ONE, 1, row]) / bases[_ONE, 1, row]
            ahead = sign_of(np.floor(100.0 * (r_s - r_l) * 1e10 + 0.5))
            gain = 1 if np.floor(100.0 * r_s * 1e10 + 0.5) >= GAIN_PCT * 1e10 else 0
        count = counts[row] + 1
        _put_run(0, row, _AHEAD, ahead, known, count, values, quality, observations, runs, commit)
        _put_run(1, row, _GAIN, gain, known, count, values, quality, observations, runs, commit)
        ready = changes >= LEAST_CHANGES
        for output in range(2, 5):
            put_unknown(values, quality, observations, output, row, _NOT_READY, int(changes))
        if ready:
            put(values, quality, observations, 2, row, runs[_HIGHEST, row], int(changes))
            put(values, quality, observations, 3, row, runs[_LOWEST, row], int(changes))
        if bases[_FIVE, 0, row] <= 0 or bases[_FIVE, 1, row] <= 0:
            continue
        r_s = (prices[0, row] - bases[_FIVE, 0, row]) / bases[_FIVE, 0, row]
        r_l = (prices[1, row] - bases[_FIVE, 1, row]) / bases[_FIVE, 1, row]
        spread = 100.0 * (r_s - r_l)
        highest = changes == 0.0 or spread > runs[_HIGHEST, row]
        lowest = changes == 0.0 or spread < runs[_LOWEST, row]
        if ready:
            mark = 1.0 if highest else (-1.0 if lowest else 0.0)
            put(values, quality, observations, 4, row, mark, int(changes) + 1)
        if commit:
            runs[_HIGHEST, row] = spread if highest else runs[_HIGHEST, row]
            runs[_LOWEST, row] = spread if lowest else runs[_LOWEST, row]
            runs[_CHANGES, row] = changes + 1.0
    return len(rows)


class Streaks(DayFamily):
    """Runs of outperformance (signed; a tie breaks it) and of gains of one percent and more; records.

    `relative_record_5d_pp` is the largest relative strength over five sessions before this one, of
    all history; `relative_5d_record` is 1 where this session beats it, -1 where it beats the lowest.
    """

    name = "streaks"
    frequency = Frequency.DAY
    outputs = (
        Output("outperformance_streak_sessions", ""),
        Output("gain_streak_sessions", ""),
        Output("relative_record_5d_pp", ""),
        Output("relative_record_low_5d_pp", ""),
        Output("relative_5d_record", ""),
    )

    def __init__(self, pairs: int) -> None:
        super().__init__(pairs)
        self._runs = np.zeros((_FIELDS, pairs))

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Runs and whether their starts were seen, extremes of the five-session change, and their number."""
        return {"runs": self._runs}

    def evaluate(self, step: DayStep, *, commit: bool) -> None:
        """Let the session lengthen or break the runs, then hold it against the records."""
        _day_pass(
            step.prices,
            step.bases,
            step.days.counts,
            step.rows,
            self._runs,
            self.values,
            self.quality,
            self.observations,
            commit,
        )
