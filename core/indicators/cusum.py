"""Two-sided CUSUM of daily changes: detects a shift in the drift of relative strength.

A change of ln(S/L) is standardised with an exponentially weighted mean and deviation, half-life 63
sessions, as of the previous session, so that a shift does not affect its own measurement.

The limit is calibrated. On RUT/GSPC from 1990 to July 2024, resampled in blocks of ten sessions on
average, alarms by chance occur every 485 sessions, about once in two years; on independent Student-t
changes with four degrees of freedom, about every 900. On the series itself they occur every 570 sessions.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from core.indicators.base import DayFamily, Output
from core.indicators.day_rows import put_judged
from core.indicators.passes import PAIRS, day_pass, scratch, state
from core.kernels.codes import BENCHMARK, CONSTANT, DAY_MASK, NOT_READY, NUMERATOR, OK
from core.kernels.cusum import (
    CUSUM_DOWN,
    CUSUM_DOWN_LENGTH,
    CUSUM_FIELDS,
    CUSUM_UP,
    CUSUM_UP_LENGTH,
    cusum_step,
)
from core.kernels.ew_moments import decay_of
from core.kernels.returns import blocked_by, log_excess
from core.kernels.rolling import EW_COUNT, EW_FIELDS, EW_MEAN, EW_VARIANCE, copy_fields, ew_update

REFERENCE_SD: Final = 0.5
"""Half of the shift to detect."""
LIMIT_SD: Final = 7.0
HALF_LIFE_SESSIONS: Final = 63
LEAST_CHANGES: Final = 126
"""Minimum number of changes behind mean and deviation for a change to be evaluated."""

_DECAY: Final = decay_of(HALF_LIFE_SESSIONS)
_SIDES: Final = EW_FIELDS  # of a chart: weighted moments of the changes, then its two sides
_FIELDS: Final = EW_FIELDS + CUSUM_FIELDS
_OUTPUTS: Final = ("cusum_up", "cusum_up_sessions", "cusum_down", "cusum_down_sessions", "cusum_alarm")
_UP, _UP_SESSIONS, _DOWN, _DOWN_SESSIONS, _ALARM = range(len(_OUTPUTS))


@day_pass(chart=state(1, PAIRS, _FIELDS), work=scratch(_FIELDS))
def _day_pass(prices, closes, counts, rows, chart, work, values, quality, observations, commit):
    sides = work[_SIDES:]
    for row in rows:
        copy_fields(work, chart[0, row])
        blocked = blocked_by(prices, row)
        reason = blocked if blocked != OK else NOT_READY
        alarm = 0
        if blocked == OK and counts[row] > 0:
            last = closes[row, (counts[row] - 1) & DAY_MASK]
            excess = log_excess(prices[NUMERATOR, row], prices[BENCHMARK, row], last[0], last[1])
            if work[EW_COUNT] >= LEAST_CHANGES:
                reason = CONSTANT
                if work[EW_VARIANCE] > 0.0:
                    reason = OK
                    deviation = (excess - work[EW_MEAN]) / np.sqrt(work[EW_VARIANCE])
                    alarm = cusum_step(sides, deviation, REFERENCE_SD, LIMIT_SD)
            ew_update(work, excess, _DECAY)
        seen = int(work[EW_COUNT])
        put_judged(values, quality, observations, _UP, row, sides[CUSUM_UP], reason, seen)
        put_judged(values, quality, observations, _UP_SESSIONS, row, sides[CUSUM_UP_LENGTH], reason, seen)
        put_judged(values, quality, observations, _DOWN, row, sides[CUSUM_DOWN], reason, seen)
        put_judged(values, quality, observations, _DOWN_SESSIONS, row, sides[CUSUM_DOWN_LENGTH], reason, seen)
        put_judged(values, quality, observations, _ALARM, row, alarm, reason, seen)
        if commit and blocked == OK:
            copy_fields(chart[0, row], work)


class Cusum(DayFamily):
    """Both sides of the chart in standard deviations, the sessions each has been above zero, and the alarm.

    `cusum_alarm` is 1 where the numerator has begun to gain on the benchmark, -1 where it has begun
    to lose, else 0. It lasts one session, then the chart is reset.
    """

    name = "cusum"
    outputs = tuple(Output(name, "") for name in _OUTPUTS)
    evaluation = _day_pass
