"""Relative strength index of the numerator's price and of the ratio.

J. Welles Wilder, "New Concepts in Technical Trading Systems" (1978): the first average gain and loss
are plain means of 14 changes, then each is (13 * average + change) / 14. The seed weighs (13/14)^k
after k changes; the value is used after a hundred of them, when it moves the index by less than 0.02.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.indicators.base import DayFamily, DayStep, Output
from core.indicators.day_rows import put, put_unknown
from core.kernels.jit import BOOL, F8, I4, I8, U1, array_of, inlined, kernel
from core.kernels.returns import blocked_by
from core.model.records import Frequency, Quality
from core.partition.pair_days import DAY_SLOTS

PERIOD: Final = 14
LEAST_CHANGES: Final = PERIOD + 100
"""Changes the averages must rest on before the index is used."""

_DAY_MASK: Final = DAY_SLOTS - 1
_NOT_READY: Final = int(Quality.NOT_READY)
_COUNT: Final = 0
_GAIN: Final = 1
_LOSS: Final = 2
_FIELDS: Final = 3


@inlined
def _average(average, value, count):  # type: ignore[no-untyped-def]
    """Plain mean while the seed is gathered, Wilder's smoothing after it."""
    return average + (value - average) / min(count, PERIOD)


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
    prices, closes, counts, rows, averages, values, quality, observations, commit
):
    for row in rows:
        reason = blocked_by(prices, row)
        for output in range(2):
            first = output * _FIELDS
            count = averages[first + _COUNT, row]
            if reason != 0 or counts[row] == 0:
                why = reason if reason != 0 else _NOT_READY
                put_unknown(values, quality, observations, output, row, why, int(count))
                continue
            then = closes[row, (counts[row] - 1) & _DAY_MASK]
            if output == 0:
                change = float(prices[0, row] - then[0])
            else:
                change = prices[0, row] / prices[1, row] - then[0] / then[1]
            count += 1.0
            gain = _average(averages[first + _GAIN, row], max(change, 0.0), count)
            loss = _average(averages[first + _LOSS, row], max(-change, 0.0), count)
            if count < LEAST_CHANGES:
                put_unknown(values, quality, observations, output, row, _NOT_READY, int(count))
            else:
                total = gain + loss
                index = 100.0 * (gain / total) if total > 0.0 else 50.0
                put(values, quality, observations, output, row, index, int(count))
            if commit:
                averages[first + _COUNT, row] = count
                averages[first + _GAIN, row] = gain
                averages[first + _LOSS, row] = loss
    return len(rows)


class RelativeStrengthIndex(DayFamily):
    """Wilder's index over 14 sessions; 50 where nothing has ever moved."""

    name = "rsi"
    frequency = Frequency.DAY
    outputs = (Output("rsi", "14"), Output("ratio_rsi", "14"))

    def __init__(self, pairs: int) -> None:
        super().__init__(pairs)
        self._averages = np.zeros((2 * _FIELDS, pairs))

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Number of changes, average gain and average loss, of price and of ratio."""
        return {"averages": self._averages}

    def adjust(self, rows: NDArray[np.int32], side: int, factor: float) -> None:
        """Gains and losses are differences of prices."""
        scale = factor if side == 0 else 1.0 / factor
        if side == 0:
            self._averages[_GAIN : _LOSS + 1, rows] *= factor
        self._averages[_FIELDS + _GAIN : _FIELDS + _LOSS + 1, rows] *= scale

    def evaluate(self, step: DayStep, *, commit: bool) -> None:
        """Fold the session's change into the averages."""
        _day_pass(
            step.prices,
            step.days.closes,
            step.days.counts,
            step.rows,
            self._averages,
            self.values,
            self.quality,
            self.observations,
            commit,
        )
