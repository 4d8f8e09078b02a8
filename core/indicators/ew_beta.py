"""Exponentially weighted beta and correlation, and a break between fast and slow correlation.

The break is the difference of two Fisher-transformed correlations over its standard error. Because the
two share their latest returns, it is closer to zero than a standard normal variable, so values beyond
three are at least as significant as they appear.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from core.indicators.base import DayFamily, Output
from core.indicators.day_rows import put_unknown
from core.indicators.passes import PAIRS, day_pass, scratch, state
from core.kernels.codes import BENCHMARK, CONSTANT, DAY_MASK, NOT_READY, NUMERATOR, OK
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
from core.kernels.returns import blocked_by, simple_return
from core.kernels.rolling import copy_fields

HALF_LIFE_SESSIONS: Final = 63
FAST_HALF_LIFE_SESSIONS: Final = 21
SLOW_HALF_LIFE_SESSIONS: Final = 126
LEAST_RETURNS: Final = 63
LEAST_SLOW_RETURNS: Final = 252

_MIDDLE, _FAST, _SLOW, _SPEEDS = range(4)
_DECAYS: Final = tuple(
    decay_of(half_life)
    for half_life in (HALF_LIFE_SESSIONS, FAST_HALF_LIFE_SESSIONS, SLOW_HALF_LIFE_SESSIONS)
)
_BETA, _CORRELATION, _LOW, _HIGH, _BREAK, _OUTPUTS = range(6)
_COUNT: Final = effective_count(HALF_LIFE_SESSIONS)
_BREAK_ERROR: Final = (
    1.0 / (effective_count(FAST_HALF_LIFE_SESSIONS) - 3.0)
    + 1.0 / (effective_count(SLOW_HALF_LIFE_SESSIONS) - 3.0)
) ** 0.5


@day_pass(moments=state(_SPEEDS, PAIRS, EW2_FIELDS), work=scratch(_SPEEDS, EW2_FIELDS))
def _day_pass(prices, closes, counts, rows, moments, work, values, quality, observations, commit):
    for row in rows:
        blocked = blocked_by(prices, row)
        for speed in range(_SPEEDS):
            copy_fields(work[speed], moments[speed, row])
            if blocked == OK and counts[row] > 0:
                last = closes[row, (counts[row] - 1) & DAY_MASK]
                x = simple_return(prices[BENCHMARK, row], last[1])
                y = simple_return(prices[NUMERATOR, row], last[0])
                ew2_update(work[speed], x, y, _DECAYS[speed])
            if commit and blocked == OK:
                copy_fields(moments[speed, row], work[speed])
        for output in range(_OUTPUTS):
            used = work[_SLOW if output == _BREAK else _MIDDLE, EW2_COUNT]
            least = LEAST_SLOW_RETURNS if output == _BREAK else LEAST_RETURNS
            reason = NOT_READY if blocked == OK and used < least else blocked
            put_unknown(values, quality, observations, output, row, reason, int(used))
        if quality[_BETA, row] == OK:
            middle = work[_MIDDLE]
            if middle[EW2_XX] > 0.0:
                values[_BETA, row] = middle[EW2_XY] / middle[EW2_XX]
            correlation = ew2_correlation(middle)
            values[_CORRELATION, row] = correlation
            values[_LOW, row] = fisher_bound(correlation, _COUNT, -NORMAL_95)
            values[_HIGH, row] = fisher_bound(correlation, _COUNT, NORMAL_95)
        if quality[_BREAK, row] == OK:
            fast = ew2_correlation(work[_FAST])
            slow = ew2_correlation(work[_SLOW])
            if np.abs(fast) < 1.0 and np.abs(slow) < 1.0:
                values[_BREAK, row] = (np.arctanh(fast) - np.arctanh(slow)) / _BREAK_ERROR
        for output in range(_OUTPUTS):
            if quality[output, row] == OK and np.isnan(values[output, row]):
                quality[output, row] = CONSTANT


class EwBeta(DayFamily):
    """Beta and correlation with a half-life of 63 sessions, its 95 % interval, and the break.

    `correlation_break_z` compares half-lives of 21 and 126 sessions; below zero the correlation has
    fallen. The interval uses the effective number of observations, (1 + decay) / (1 - decay).
    """

    name = "ew_beta"
    outputs = (
        Output("ew_beta", "63d"),
        Output("ew_correlation", "63d"),
        Output("ew_correlation_low", "63d"),
        Output("ew_correlation_high", "63d"),
        Output("correlation_break_z", ""),
    )
    evaluation = _day_pass
