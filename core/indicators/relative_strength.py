"""Relative strength of a pair over windows, under three names that are not the same number.

With S and L the legs' prices and rS, rL their simple returns over the window:

- log:                ln(1 + rS) - ln(1 + rL)
- percent:            100 * ((1 + rS) / (1 + rL) - 1), the change of the strength line
- percentage points:  100 * (rS - rL)

A 31 % gain against 10 % is +19.1 % of strength line and 21 points.
"""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from core.indicators.base import DayFamily, DayStep, Output, RingFamily, RingStep
from core.kernels.jit import F8, I4, I8, U1, array_of, inlined, kernel
from core.model.records import Frequency, Quality
from core.model.windows import DAY_WINDOWS, TO_DATE_WINDOWS

PRICES_COMPARED: Final = 2
"""Observations a value rests on: two prices of each leg, whatever the window."""

_NOT_READY: Final = int(Quality.NOT_READY)
_LOG = "rotascope_relative_strength_log"
_PERCENT = "rotascope_relative_strength_percent"
_POINTS = "rotascope_relative_strength_percentage_points"


def _ring_outputs(windows: tuple[str, ...]) -> tuple[Output, ...]:
    outputs: list[Output] = []
    for window in windows:
        outputs += [
            Output("relative_strength_log", window, _LOG),
            Output("relative_strength_percent", window, _PERCENT),
            Output("relative_strength_pp", window, _POINTS),
        ]
    return tuple(outputs)


def _day_outputs(windows: tuple[str, ...]) -> tuple[Output, ...]:
    outputs: list[Output] = []
    for window in windows:
        label = "ytd" if window == "year" else window
        of_instrument = f"{label}_pct" if window in TO_DATE_WINDOWS else f"return_{label}_pct"
        outputs += [
            Output("relative_strength_log", window, _LOG),
            Output("relative_strength_percent", window, _PERCENT),
            Output("relative_strength_pp", window, _POINTS, value_name=f"relative_{label}_pp"),
            Output("instrument_return_pct", window, value_name=of_instrument),
            Output("benchmark_return_pct", window, value_name=f"benchmark_{of_instrument}"),
        ]
    return tuple(outputs)


@inlined
def _reason(first, second):  # type: ignore[no-untyped-def]
    """The quality of a pair of prices: the first reason found, 0 where both are known."""
    if first <= 0:
        return -first if first < 0 else _NOT_READY
    if second <= 0:
        return -second if second < 0 else _NOT_READY
    return 0


@kernel(
    I8,
    array_of(I8, 2),
    array_of(I4),
    array_of(I4),
    array_of(I4),
    I8,
    array_of(I8),
    array_of(F8, 2),
    array_of(U1, 2),
)
def _ring_pass(  # type: ignore[no-untyped-def]
    prices, numerators, benchmarks, rows, now, starts, values, quality
):
    mask = prices.shape[0] - 1
    current = prices[now & mask]
    for window in range(len(starts)):
        first = 3 * window
        if starts[window] < 0:
            for row in rows:
                for output in range(first, first + 3):
                    values[output, row] = np.nan
                    quality[output, row] = _NOT_READY
            continue
        earlier = prices[starts[window] & mask]
        for row in rows:
            numerator = numerators[row]
            benchmark = benchmarks[row]
            s_now = current[numerator]
            l_now = current[benchmark]
            s_then = earlier[numerator]
            l_then = earlier[benchmark]
            if s_now > 0 and l_now > 0 and s_then > 0 and l_then > 0:
                r_s = (s_now - s_then) / s_then
                r_l = (l_now - l_then) / l_then
                excess = (r_s - r_l) / (1.0 + r_l)
                values[first, row] = np.log1p(excess)
                values[first + 1, row] = 100.0 * excess
                values[first + 2, row] = 100.0 * (r_s - r_l)
                reason = 0
            else:
                values[first, row] = np.nan
                values[first + 1, row] = np.nan
                values[first + 2, row] = np.nan
                reason = _reason(s_now, l_now)
                if reason == 0:
                    reason = _reason(s_then, l_then)
            quality[first, row] = reason
            quality[first + 1, row] = reason
            quality[first + 2, row] = reason
    return len(rows)


@kernel(I8, array_of(I8, 2), array_of(I8, 3), array_of(I4), array_of(F8, 2), array_of(U1, 2))
def _day_pass(prices, bases, rows, values, quality):  # type: ignore[no-untyped-def]
    for window in range(bases.shape[0]):
        first = 5 * window
        for row in rows:
            s_now = prices[0, row]
            l_now = prices[1, row]
            s_then = bases[window, 0, row]
            l_then = bases[window, 1, row]
            reason = _reason(s_now, l_now)
            if reason == 0:
                reason = _reason(s_then, l_then)
            if reason == 0:
                r_s = (s_now - s_then) / s_then
                r_l = (l_now - l_then) / l_then
                excess = (r_s - r_l) / (1.0 + r_l)
                values[first, row] = np.log1p(excess)
                values[first + 1, row] = 100.0 * excess
                values[first + 2, row] = 100.0 * (r_s - r_l)
                values[first + 3, row] = 100.0 * r_s
                values[first + 4, row] = 100.0 * r_l
            else:
                for output in range(first, first + 5):
                    values[output, row] = np.nan
            for output in range(first, first + 5):
                quality[output, row] = reason
    return len(rows)


class _RingRelativeStrength(RingFamily):
    """Relative strength over windows inside the session, read from the ring of closed prices."""

    steps: ClassVar[tuple[int, ...]]

    def __init__(self, pairs: int) -> None:
        super().__init__(pairs)
        self._starts: NDArray[np.int64] = np.zeros(len(self.steps), np.int64)
        self.observations[:] = PRICES_COMPARED

    def evaluate(self, step: RingStep, *, commit: bool) -> None:
        """Compare the newest closed price with the one a window ago; there is no state."""
        starts = self._starts
        for window, steps in enumerate(self.steps):
            starts[window] = step.now - steps if step.since_open >= steps else -1
        _ring_pass(
            step.prices,
            step.numerators,
            step.benchmarks,
            step.rows,
            step.now,
            starts,
            self.values,
            self.quality,
        )


class RelativeStrengthSeconds(_RingRelativeStrength):
    """Relative strength over 1, 5 and 15 minutes, every second."""

    name = "relative_strength_seconds"
    frequency = Frequency.SECOND
    steps = (60, 300, 900)
    outputs = _ring_outputs(("1m", "5m", "15m"))


class RelativeStrengthHour(_RingRelativeStrength):
    """Relative strength over an hour, every minute."""

    name = "relative_strength_hour"
    frequency = Frequency.MINUTE
    steps = (60,)
    outputs = _ring_outputs(("1h",))


class RelativeStrengthDays(DayFamily):
    """Relative strength over sessions and since week, month and year began.

    `1d` is since both legs' previous official close.
    """

    name = "relative_strength_days"
    frequency = Frequency.DAY
    outputs = _day_outputs(DAY_WINDOWS)

    def __init__(self, pairs: int) -> None:
        super().__init__(pairs)
        self.observations[:] = PRICES_COMPARED

    def evaluate(self, step: DayStep, *, commit: bool) -> None:
        """Compare the session's price with the close each window starts from; there is no state."""
        _day_pass(step.prices, step.bases, step.rows, self.values, self.quality)
