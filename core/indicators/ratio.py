"""The strength line: price of the numerator over price of the benchmark."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.indicators.base import DayFamily, DayStep, Output, RingFamily, RingStep
from core.kernels.jit import BOOL, F8, I4, I8, U1, array_of, kernel
from core.model.records import Frequency, Quality

_NOT_READY: Final = int(Quality.NOT_READY)


@kernel(
    I8,
    array_of(I8, 2),
    array_of(I4),
    array_of(I4),
    array_of(I4),
    I8,
    array_of(F8, 2),
    array_of(F8, 2),
    array_of(U1, 2),
)
def _ring_pass(  # type: ignore[no-untyped-def]
    prices, numerators, benchmarks, rows, now, scale, values, quality
):
    current = prices[now & (prices.shape[0] - 1)]
    for row in rows:
        s_now = current[numerators[row]]
        l_now = current[benchmarks[row]]
        if s_now > 0 and l_now > 0:
            values[0, row] = s_now / l_now * scale[0, row] / scale[1, row]
            quality[0, row] = 0
        else:
            values[0, row] = np.nan
            quality[0, row] = max(-s_now if s_now <= 0 else -l_now, _NOT_READY)
    return len(rows)


class Ratio(RingFamily):
    """Ratio of the two prices, every second."""

    name = "ratio"
    frequency = Frequency.SECOND
    outputs = (Output("ratio", "", "rotascope_ratio", value_name="ratio_1s"),)

    def __init__(self, pairs: int) -> None:
        super().__init__(pairs)
        self.observations.fill(1)

    def evaluate(self, step: RingStep, *, commit: bool) -> None:
        """Divide the newest closed prices; there is no state."""
        _ring_pass(
            step.prices,
            step.numerators,
            step.benchmarks,
            step.rows,
            step.now,
            step.scales.ratio,
            self.values,
            self.quality,
        )


@kernel(
    I8,
    array_of(I8, 2),
    array_of(I8),
    array_of(I4),
    array_of(F8, 2),
    array_of(F8, 2),
    array_of(F8, 2),
    array_of(F8, 2),
    array_of(U1, 2),
    array_of(I4, 2),
    BOOL,
)
def _day_pass(  # type: ignore[no-untyped-def]
    prices, counts, rows, units, scale, anchors, values, quality, observations, commit
):
    for row in rows:
        for output in range(len(observations)):
            observations[output, row] = counts[row] + 1
        s_now = prices[0, row]
        l_now = prices[1, row]
        values[2, row] = s_now / units[0, row] if s_now > 0 else np.nan
        values[3, row] = l_now / units[1, row] if l_now > 0 else np.nan
        quality[2, row] = 0 if s_now > 0 else max(-s_now, _NOT_READY)
        quality[3, row] = 0 if l_now > 0 else max(-l_now, _NOT_READY)
        reason = max(quality[2, row], quality[3, row])
        quality[0, row] = reason
        quality[1, row] = reason
        if reason != 0:
            values[0, row] = np.nan
            values[1, row] = np.nan
            continue
        ratio = s_now / l_now * scale[0, row] / scale[1, row]
        anchor = ratio if counts[row] == 0 else anchors[0, row]
        values[0, row] = ratio
        values[1, row] = 100.0 * ratio / anchor
        if commit and counts[row] == 0:
            anchors[0, row] = ratio
    return len(rows)


class RatioLine(DayFamily):
    """Daily ratio and prices, and the strength line that is 100 at the history's first session."""

    name = "ratio_line"
    frequency = Frequency.DAY
    outputs = (
        Output("ratio", "1d", value_name="ratio"),
        Output("ratio_line", "1d", value_name="ratio_line"),
        Output("numerator_price", ""),
        Output("benchmark_price", ""),
    )

    def __init__(self, pairs: int) -> None:
        super().__init__(pairs)
        self._anchors = np.zeros((1, pairs))

    def state(self) -> dict[str, NDArray[np.float64]]:
        """The ratio at the first session."""
        return {"anchors": self._anchors}

    def evaluate(self, step: DayStep, *, commit: bool) -> None:
        """Divide the session's prices; a first commit fixes the anchor."""
        _day_pass(
            step.prices,
            step.days.counts,
            step.rows,
            step.scales.price_units,
            step.scales.ratio,
            self._anchors,
            self.values,
            self.quality,
            self.observations,
            commit,
        )

    def adjust(self, rows: NDArray[np.int32], side: int, factor: float) -> None:
        """The anchor is a ratio of prices."""
        self._anchors[0, rows] *= factor if side == 0 else 1.0 / factor
