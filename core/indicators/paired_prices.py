"""Each leg's price of a session at which both legs have one.

A condition that reads it is unknown wherever either leg is: an episode that rests on both legs is
then not ended on the word of one.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from core.indicators.base import DayFamily, DayStep, Output
from core.kernels.jit import F8, I4, I8, U1, array_of, kernel
from core.model.records import Frequency, Quality

_NOT_READY: Final = int(Quality.NOT_READY)


@kernel(I8, array_of(I8, 2), array_of(I4), array_of(F8, 2), array_of(F8, 2), array_of(U1, 2))
def _day_pass(prices, rows, units, values, quality):
    for row in rows:
        s_now = prices[0, row]
        l_now = prices[1, row]
        known = s_now > 0 and l_now > 0
        reason = 0 if known else max(-s_now if s_now <= 0 else -l_now, _NOT_READY)
        values[0, row] = s_now / units[0, row] if known else np.nan
        values[1, row] = l_now / units[1, row] if known else np.nan
        quality[0, row] = reason
        quality[1, row] = reason
    return len(rows)


class PairedPrices(DayFamily):
    """Prices of the numerator and of the benchmark, known together or not at all."""

    name = "paired_prices"
    frequency = Frequency.DAY
    of_the_step_alone = True
    outputs = (Output("paired_numerator_price", ""), Output("paired_benchmark_price", ""))

    def __init__(self, pairs: int) -> None:
        super().__init__(pairs)
        self.observations.fill(1)

    def evaluate(self, step: DayStep, *, commit: bool) -> None:
        """Read the session's prices; there is no state."""
        _day_pass(step.prices, step.rows, step.scales.price_units, self.values, self.quality)
