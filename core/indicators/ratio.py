"""The strength line: price of the numerator over price of the benchmark."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.indicators.base import DayFamily, Output, RingFamily
from core.indicators.day_rows import put_judged
from core.indicators.passes import PAIRS, day_pass, ring_pass, state
from core.kernels.codes import BENCHMARK, NOT_READY, NUMERATOR, OK
from core.kernels.returns import blocked_legs
from core.model.records import Frequency

_RATIO, _LINE, _NUMERATOR_PRICE, _BENCHMARK_PRICE = range(4)  # outputs; only the first every second


@ring_pass()
def _ring_pass(ring, numerators, benchmarks, rows, now, ratio_scale, values, quality):
    current = ring[now & (ring.shape[0] - 1)]
    for row in rows:
        s_now = current[numerators[row]]
        l_now = current[benchmarks[row]]
        reason = blocked_legs(s_now, l_now)
        quality[_RATIO, row] = reason
        if reason == OK:
            values[_RATIO, row] = s_now / l_now * ratio_scale[NUMERATOR, row] / ratio_scale[BENCHMARK, row]
        else:
            values[_RATIO, row] = np.nan


class Ratio(RingFamily):
    """Ratio of the two prices, every second."""

    name = "ratio"
    frequency = Frequency.SECOND
    outputs = (Output("ratio", "", value_name="ratio_1s"),)
    evaluation = _ring_pass
    observed = 1


@day_pass(anchors=state(1, PAIRS))
def _day_pass(prices, counts, rows, price_units, ratio_scale, anchors, values, quality, observations, commit):
    for row in rows:
        for side in (NUMERATOR, BENCHMARK):
            price = prices[side, row]
            reason = OK if price > 0 else max(-price, NOT_READY)
            shown = price / price_units[side, row]
            output = _NUMERATOR_PRICE + side
            put_judged(values, quality, observations, output, row, shown, reason, counts[row] + 1)
        reason = max(quality[_NUMERATOR_PRICE, row], quality[_BENCHMARK_PRICE, row])
        ratio = np.nan
        anchor = np.nan
        if reason == OK:
            ratio = prices[NUMERATOR, row] / prices[BENCHMARK, row]
            ratio = ratio * ratio_scale[NUMERATOR, row] / ratio_scale[BENCHMARK, row]
            anchor = ratio if counts[row] == 0 else anchors[0, row]
            if commit and counts[row] == 0:
                anchors[0, row] = ratio
        put_judged(values, quality, observations, _RATIO, row, ratio, reason, counts[row] + 1)
        put_judged(values, quality, observations, _LINE, row, 100.0 * ratio / anchor, reason, counts[row] + 1)


class RatioLine(DayFamily):
    """Daily ratio and prices, and the strength line, 100 at the first session of the history."""

    name = "ratio_line"
    outputs = (
        Output("ratio", "1d", value_name="ratio"),
        Output("ratio_line", "1d", value_name="ratio_line"),
        Output("numerator_price", ""),
        Output("benchmark_price", ""),
    )
    evaluation = _day_pass

    def adjust(self, rows: NDArray[np.int32], side: int, factor: float) -> None:
        """Restate the anchor, the ratio at the first session."""
        self.arrays["anchors"][0, rows] *= factor if side == NUMERATOR else 1.0 / factor
