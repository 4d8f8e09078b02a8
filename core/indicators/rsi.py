"""Relative strength index of the numerator's price and of the ratio.

J. Welles Wilder, "New Concepts in Technical Trading Systems" (1978): the first average gain and loss
are plain means of 14 changes, then each is (13 * average + change) / 14. The weight of the seed is
(13/14)^k after k changes; the value is used after 100 changes, when the seed moves the index by less than
0.02.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.indicators.base import DayFamily, Output
from core.indicators.day_rows import put, put_unknown
from core.indicators.passes import PAIRS, day_pass, state
from core.kernels.codes import DAY_MASK, NOT_READY, NUMERATOR, OK
from core.kernels.jit import inlined
from core.kernels.returns import blocked_by

PERIOD: Final = 14
LEAST_CHANGES: Final = PERIOD + 100
"""Minimum number of changes behind the averages for the index to be used."""

_OF_PRICE, _OF_RATIO, _INDICES = range(3)  # outputs
_COUNT, _GAIN, _LOSS, _FIELDS = range(4)  # of the averages of each


@inlined
def _average(average, value, count):
    """Update an average: a plain mean during the seed, Wilder's smoothing afterwards."""
    return average + (value - average) / min(count, PERIOD)


@day_pass(averages=state(_INDICES * _FIELDS, PAIRS))
def _day_pass(prices, closes, counts, rows, averages, values, quality, observations, commit):
    for row in rows:
        reason = blocked_by(prices, row)
        if reason == OK and counts[row] == 0:
            reason = NOT_READY
        for output in range(_INDICES):
            first = output * _FIELDS
            count = averages[first + _COUNT, row]
            if reason != OK:
                put_unknown(values, quality, observations, output, row, reason, int(count))
                continue
            then = closes[row, (counts[row] - 1) & DAY_MASK]
            if output == _OF_PRICE:
                change = float(prices[0, row] - then[0])
            else:
                change = prices[0, row] / prices[1, row] - then[0] / then[1]
            count += 1.0
            gain = _average(averages[first + _GAIN, row], max(change, 0.0), count)
            loss = _average(averages[first + _LOSS, row], max(-change, 0.0), count)
            if count < LEAST_CHANGES:
                put_unknown(values, quality, observations, output, row, NOT_READY, int(count))
            else:
                total = gain + loss
                index = 100.0 * (gain / total) if total > 0.0 else 50.0
                put(values, quality, observations, output, row, index, int(count))
            if commit:
                averages[first + _COUNT, row] = count
                averages[first + _GAIN, row] = gain
                averages[first + _LOSS, row] = loss


class RelativeStrengthIndex(DayFamily):
    """Wilder's index over 14 sessions; 50 if no price has ever changed."""

    name = "rsi"
    outputs = (Output("rsi", "14"), Output("ratio_rsi", "14"))
    evaluation = _day_pass

    def adjust(self, rows: NDArray[np.int32], side: int, factor: float) -> None:
        """Restate average gains and losses, which are differences of prices."""
        averages = self.arrays["averages"]
        if side == NUMERATOR:
            averages[_GAIN : _LOSS + 1, rows] *= factor
        of_ratio = averages[_OF_RATIO * _FIELDS :]
        of_ratio[_GAIN : _LOSS + 1, rows] *= factor if side == NUMERATOR else 1.0 / factor
