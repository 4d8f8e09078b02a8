"""Each leg's price of a session at which both legs have one.

A condition that reads it is unknown wherever either leg is, so an episode that rests on both legs does
not end because one of them moved while the other is unknown.
"""

from __future__ import annotations

from core.indicators.base import DayFamily, Output
from core.indicators.day_rows import put, put_unknown
from core.indicators.passes import day_pass
from core.kernels.codes import BENCHMARK, NUMERATOR, OK
from core.kernels.returns import blocked_by


@day_pass()
def _day_pass(prices, rows, price_units, values, quality, observations):
    for row in rows:
        reason = blocked_by(prices, row)
        for leg in range(NUMERATOR, BENCHMARK + 1):
            if reason == OK:
                put(values, quality, observations, leg, row, prices[leg, row] / price_units[leg, row], 1)
            else:
                put_unknown(values, quality, observations, leg, row, reason, 1)


class PairedPrices(DayFamily):
    """Prices of the numerator and of the benchmark, known together or not at all."""

    name = "paired_prices"
    of_the_step_alone = True
    outputs = (Output("paired_numerator_price", ""), Output("paired_benchmark_price", ""))
    evaluation = _day_pass
