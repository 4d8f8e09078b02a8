"""Each leg's price of a session on which both legs have one.

A condition on it is unknown if either leg is unknown, so an episode that depends on both legs is not ended
by one leg alone.
"""

import numpy as np

from core.indicators.base import DayFamily, Output
from core.indicators.passes import day_pass
from core.kernels.codes import BENCHMARK, NUMERATOR, OK
from core.kernels.returns import blocked_by


@day_pass()
def _day_pass(prices, rows, price_units, values, quality):
    for row in rows:
        reason = blocked_by(prices, row)
        for side in (NUMERATOR, BENCHMARK):
            values[side, row] = prices[side, row] / price_units[side, row] if reason == OK else np.nan
            quality[side, row] = reason


class PairedPrices(DayFamily):
    """Prices of the numerator and of the benchmark, known together or not at all."""

    name = "paired_prices"
    of_the_step_alone = True
    outputs = (Output("paired_numerator_price", ""), Output("paired_benchmark_price", ""))
    evaluation = _day_pass
    observed = 1
