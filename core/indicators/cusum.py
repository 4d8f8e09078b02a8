"""Whether the drift of relative strength has shifted: a two-sided cumulative sum of daily changes.

A change of ln(S/L) is taken in standard deviations from its mean, both weighted with a half-life of
63 sessions and both as of the session before: a shift must not be measured with itself.

The limit is calibrated. On RUT/GSPC from 1990 to July 2024, resampled in blocks of ten sessions on
average so that nothing but chance is left, an alarm comes every 485 sessions, once in two years; on
independent Student-t changes with four degrees of freedom every 900 or so. The series itself gives one
in 570 sessions.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.indicators.base import DayFamily, DayStep, Output
from core.kernels.cusum import (
    CUSUM_DOWN,
    CUSUM_DOWN_LENGTH,
    CUSUM_FIELDS,
    CUSUM_UP,
    CUSUM_UP_LENGTH,
    cusum_step,
)
from core.kernels.ew_moments import decay_of
from core.kernels.jit import BOOL, F8, I4, I8, U1, array_of, kernel
from core.kernels.returns import blocked_by, log_excess
from core.kernels.rolling import EW_COUNT, EW_FIELDS, EW_MEAN, EW_VARIANCE, copy_fields, ew_update
from core.model.records import Frequency, Quality
from core.partition.pair_days import DAY_SLOTS

REFERENCE_SD: Final = 0.5
"""Half of the shift looked for."""
LIMIT_SD: Final = 7.0
HALF_LIFE_SESSIONS: Final = 63
LEAST_CHANGES: Final = 126
"""Changes that mean and deviation must rest on before a change is judged."""

_DAY_MASK: Final = DAY_SLOTS - 1
_NOT_READY: Final = int(Quality.NOT_READY)
_CONSTANT: Final = int(Quality.CONSTANT)
_CHART: Final = EW_FIELDS
_STATE_FIELDS: Final = EW_FIELDS + CUSUM_FIELDS
_OUTPUTS: Final = 5


@kernel(
    I8,
    array_of(I8, 2),
    array_of(I8, 3),
    array_of(I8),
    array_of(I4),
    array_of(F8, 2),
    array_of(F8),
    array_of(F8, 2),
    array_of(U1, 2),
    array_of(I4, 2),
    F8,
    BOOL,
)
def _day_pass(  # type: ignore[no-untyped-def]
    prices, closes, counts, rows, state, work, values, quality, observations, decay, commit
):
    chart = work[_CHART:]
    for row in rows:
        copy_fields(work, state[row])
        blocked = blocked_by(prices, row)
        reason = blocked if blocked != 0 else _NOT_READY
        alarm = 0
        if blocked == 0 and counts[row] > 0:
            last = closes[row, (counts[row] - 1) & _DAY_MASK]
            excess = log_excess(prices[0, row], prices[1, row], last[0], last[1])
            if work[EW_COUNT] >= LEAST_CHANGES:
                reason = _CONSTANT
                if work[EW_VARIANCE] > 0.0:
                    reason = 0
                    deviation = (excess - work[EW_MEAN]) / np.sqrt(work[EW_VARIANCE])
                    alarm = cusum_step(chart, deviation, REFERENCE_SD, LIMIT_SD)
            ew_update(work, excess, decay)
        for output in range(_OUTPUTS):
            quality[output, row] = reason
            values[output, row] = np.nan
            observations[output, row] = int(work[EW_COUNT])
        if reason == 0:
            values[0, row] = chart[CUSUM_UP]
            values[1, row] = chart[CUSUM_UP_LENGTH]
            values[2, row] = chart[CUSUM_DOWN]
            values[3, row] = chart[CUSUM_DOWN_LENGTH]
            values[4, row] = alarm
        if commit and blocked == 0:
            copy_fields(state[row], work)
    return len(rows)


class Cusum(DayFamily):
    """Both sides of the chart in standard deviations, how long each has been above zero, the alarm.

    `cusum_alarm` is 1 where the numerator has begun to gain on the benchmark, -1 where it has begun
    to lose, else 0; it stands for one session, then the chart starts anew.
    """

    name = "cusum"
    frequency = Frequency.DAY
    outputs = (
        Output("cusum_up", ""),
        Output("cusum_up_sessions", ""),
        Output("cusum_down", ""),
        Output("cusum_down_sessions", ""),
        Output("cusum_alarm", ""),
    )

    def __init__(self, pairs: int) -> None:
        super().__init__(pairs)
        self._state = np.zeros((1, pairs, _STATE_FIELDS))
        self._work = np.zeros(_STATE_FIELDS)

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Weighted moments of the changes, then the chart."""
        return {"chart": self._state}

    def evaluate(self, step: DayStep, *, commit: bool) -> None:
        """Judge the session's change by the moments of those before, then let it join them."""
        _day_pass(
            step.prices,
            step.days.closes,
            step.days.counts,
            step.rows,
            self._state[0],
            self._work,
            self.values,
            self.quality,
            self.observations,
            decay_of(HALF_LIFE_SESSIONS),
            commit,
        )
