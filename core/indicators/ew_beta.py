"""Exponentially weighted beta and correlation, and a break between fast and slow correlation.

The break is the difference of two correlations on Fisher's scale over its standard error. The two
share their latest returns, so it is nearer to zero than a normal deviate, never farther: a value
beyond three says at least what it seems to.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.indicators.base import DayFamily, DayStep, Output
from core.kernels.ew_moments import (
    EW2_COUNT,
    EW2_FIELDS,
    EW2_XX,
    EW2_XY,
    NORMAL_95,
    decay_of,
    effective_count,
    ew2_correlation,
    ew2_update,
    fisher_bound,
)
from core.kernels.jit import BOOL, F8, I4, I8, U1, array_of, kernel
from core.kernels.returns import blocked_by, simple_return
from core.kernels.rolling import copy_fields
from core.model.records import Frequency, Quality
from core.partition.pair_days import DAY_SLOTS

HALF_LIFE_SESSIONS: Final = 63
FAST_HALF_LIFE_SESSIONS: Final = 21
SLOW_HALF_LIFE_SESSIONS: Final = 126
LEAST_RETURNS: Final = 63
LEAST_SLOW_RETURNS: Final = 252

_DAY_MASK: Final = DAY_SLOTS - 1
_NOT_READY: Final = int(Quality.NOT_READY)
_CONSTANT: Final = int(Quality.CONSTANT)
_MIDDLE: Final = 0
_FAST: Final = 1
_SLOW: Final = 2
_BREAK: Final = 4
"""Number of the output `correlation_break_z`."""
_COUNT: Final = effective_count(HALF_LIFE_SESSIONS)
_BREAK_ERROR: Final = (
    1.0 / (effective_count(FAST_HALF_LIFE_SESSIONS) - 3.0)
    + 1.0 / (effective_count(SLOW_HALF_LIFE_SESSIONS) - 3.0)
) ** 0.5


@kernel(
    I8,
    array_of(I8, 2),
    array_of(I8, 3),
    array_of(I8),
    array_of(I4),
    array_of(F8),
    array_of(F8, 3),
    array_of(F8, 2),
    array_of(F8, 2),
    array_of(U1, 2),
    array_of(I4, 2),
    BOOL,
)
def _day_pass(  # type: ignore[no-untyped-def]
    prices, closes, counts, rows, decays, moments, work, values, quality, observations, commit
):
    for row in rows:
        blocked = blocked_by(prices, row)
        for speed in range(3):
            copy_fields(work[speed], moments[speed, row])
            if blocked == 0 and counts[row] > 0:
                last = closes[row, (counts[row] - 1) & _DAY_MASK]
                x = simple_return(prices[1, row], last[1])
                y = simple_return(prices[0, row], last[0])
                ew2_update(work[speed], x, y, decays[speed])
            if commit and blocked == 0:
                copy_fields(moments[speed, row], work[speed])
        for output in range(_BREAK + 1):
            used = work[_SLOW] if output == _BREAK else work[_MIDDLE]
            least = LEAST_SLOW_RETURNS if output == _BREAK else LEAST_RETURNS
            values[output, row] = np.nan
            observations[output, row] = int(used[EW2_COUNT])
            quality[output, row] = _NOT_READY if blocked == 0 and used[EW2_COUNT] < least else blocked
        if quality[0, row] == 0:
            middle = work[_MIDDLE]
            if middle[EW2_XX] > 0.0:
                values[0, row] = middle[EW2_XY] / middle[EW2_XX]
            correlation = ew2_correlation(middle)
            values[1, row] = correlation
            values[2, row] = fisher_bound(correlation, _COUNT, -NORMAL_95)
            values[3, row] = fisher_bound(correlation, _COUNT, NORMAL_95)
        if quality[_BREAK, row] == 0:
            fast = ew2_correlation(work[_FAST])
            slow = ew2_correlation(work[_SLOW])
            if np.abs(fast) < 1.0 and np.abs(slow) < 1.0:
                values[_BREAK, row] = (np.arctanh(fast) - np.arctanh(slow)) / _BREAK_ERROR
        for output in range(_BREAK + 1):
            if quality[output, row] == 0 and np.isnan(values[output, row]):
                quality[output, row] = _CONSTANT
    return len(rows)


class EwBeta(DayFamily):
    """Beta and correlation with a half-life of 63 sessions, its 95 % interval, and the break.

    `correlation_break_z` compares half-lives of 21 and 126 sessions; below zero the legs have come
    apart. The interval counts observations as the weights are worth: (1 + decay) / (1 - decay).
    """

    name = "ew_beta"
    frequency = Frequency.DAY
    outputs = (
        Output("ew_beta", "63d"),
        Output("ew_correlation", "63d"),
        Output("ew_correlation_low", "63d"),
        Output("ew_correlation_high", "63d"),
        Output("correlation_break_z", ""),
    )

    def __init__(self, pairs: int) -> None:
        super().__init__(pairs)
        half_lives = (HALF_LIFE_SESSIONS, FAST_HALF_LIFE_SESSIONS, SLOW_HALF_LIFE_SESSIONS)
        self._decays: NDArray[np.float64] = np.array([decay_of(half_life) for half_life in half_lives])
        self._moments = np.zeros((len(half_lives), pairs, EW2_FIELDS))
        self._work = np.zeros((len(half_lives), EW2_FIELDS))

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Weighted co-moments, one row per half-life and pair."""
        return {"moments": self._moments}

    def evaluate(self, step: DayStep, *, commit: bool) -> None:
        """Fold the session's returns into the weighted moments."""
        _day_pass(
            step.prices,
            step.days.closes,
            step.days.counts,
            step.rows,
            self._decays,
            self._moments,
            self._work,
            self.values,
            self.quality,
            self.observations,
            commit,
        )
