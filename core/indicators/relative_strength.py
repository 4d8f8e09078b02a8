"""Relative strength of a pair over windows, in three different measures.

With S and L the legs' prices and rS, rL their simple returns over the window:

- log:                ln(1 + rS) - ln(1 + rL)
- percent:            100 * ((1 + rS) / (1 + rL) - 1), the change of the strength line
- percentage points:  100 * (rS - rL)

A gain of 31 % against 10 % is +19.1 % of the strength line and 21 percentage points.
"""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np

from core.indicators.base import DayFamily, Output, RingFamily
from core.indicators.passes import day_pass, fixed, ring_pass
from core.kernels.codes import BENCHMARK, NOT_READY, NUMERATOR, OK
from core.kernels.jit import inlined
from core.kernels.returns import blocked_legs, simple_return
from core.model.records import Frequency
from core.model.windows import DAY_WINDOWS, TO_DATE_WINDOWS

PRICES_COMPARED: Final = 2
"""Observations behind a value: two prices of each leg, for any window."""

_LOG_STRENGTH, _PERCENT_STRENGTH, _POINTS_STRENGTH, _NUMERATOR_RETURN, _BENCHMARK_RETURN = range(5)
_RING_OUTPUTS: Final = 3
"""Outputs of each intraday window; each daily window has `_DAY_OUTPUTS`."""
_DAY_OUTPUTS: Final = 5
_MOST_WINDOWS: Final = 3


def _ring_outputs(windows: tuple[str, ...]) -> tuple[Output, ...]:
    outputs: list[Output] = []
    for window in windows:
        outputs += [
            Output("relative_strength_log", window),
            Output("relative_strength_percent", window),
            Output("relative_strength_pp", window),
        ]
    return tuple(outputs)


def _day_outputs(windows: tuple[str, ...]) -> tuple[Output, ...]:
    outputs: list[Output] = []
    for window in windows:
        label = "ytd" if window == "year" else window
        of_instrument = f"{label}_pct" if window in TO_DATE_WINDOWS else f"return_{label}_pct"
        outputs += [
            Output("relative_strength_log", window),
            Output("relative_strength_percent", window),
            Output("relative_strength_pp", window, value_name=f"relative_{label}_pp"),
            Output("instrument_return_pct", window, value_name=of_instrument),
            Output("benchmark_return_pct", window, value_name=f"benchmark_{of_instrument}"),
        ]
    return tuple(outputs)


@inlined
def _returns(s_now, l_now, s_then, l_then):
    """Quality of a window's returns, and the returns of both legs, NaN if unknown."""
    reason = blocked_legs(s_now, l_now)
    if reason == OK:
        reason = blocked_legs(s_then, l_then)
    if reason != OK:
        return reason, np.nan, np.nan
    return reason, simple_return(s_now, s_then), simple_return(l_now, l_then)


@ring_pass(steps=fixed(_MOST_WINDOWS, dtype=np.int64))
def _ring_pass(ring, numerators, benchmarks, rows, now, since_open, steps, values, quality):
    mask = ring.shape[0] - 1
    current = ring[now & mask]
    for window in range(len(values) // _RING_OUTPUTS):
        first = _RING_OUTPUTS * window
        began = since_open >= steps[window]
        earlier = ring[(now - steps[window]) & mask]
        for row in rows:
            reason, r_s, r_l = NOT_READY, np.nan, np.nan
            if began:
                s, l = numerators[row], benchmarks[row]
                reason, r_s, r_l = _returns(current[s], current[l], earlier[s], earlier[l])
            excess = (r_s - r_l) / (1.0 + r_l)
            values[first + _LOG_STRENGTH, row] = np.log1p(excess)
            values[first + _PERCENT_STRENGTH, row] = 100.0 * excess
            values[first + _POINTS_STRENGTH, row] = 100.0 * (r_s - r_l)
            for output in range(first, first + _RING_OUTPUTS):
                quality[output, row] = reason


@day_pass()
def _day_pass(prices, bases, rows, values, quality):
    for window in range(len(bases)):
        first = _DAY_OUTPUTS * window
        for row in rows:
            s_then, l_then = bases[window, NUMERATOR, row], bases[window, BENCHMARK, row]
            reason, r_s, r_l = _returns(prices[NUMERATOR, row], prices[BENCHMARK, row], s_then, l_then)
            excess = (r_s - r_l) / (1.0 + r_l)
            values[first + _LOG_STRENGTH, row] = np.log1p(excess)
            values[first + _PERCENT_STRENGTH, row] = 100.0 * excess
            values[first + _POINTS_STRENGTH, row] = 100.0 * (r_s - r_l)
            values[first + _NUMERATOR_RETURN, row] = 100.0 * r_s
            values[first + _BENCHMARK_RETURN, row] = 100.0 * r_l
            for output in range(first, first + _DAY_OUTPUTS):
                quality[output, row] = reason


class _RingRelativeStrength(RingFamily):
    """Relative strength over intraday windows, from the ring of closed prices."""

    evaluation = _ring_pass
    observed = PRICES_COMPARED
    steps: ClassVar[tuple[int, ...]]

    def __init__(self, pairs: int) -> None:
        super().__init__(pairs)
        self.arrays["steps"][: len(self.steps)] = self.steps


class RelativeStrengthSeconds(_RingRelativeStrength):
    """Relative strength over 1, 5 and 15 minutes, every second."""

    name = "relative_strength_seconds"
    frequency = Frequency.SECOND
    outputs = _ring_outputs(("1m", "5m", "15m"))
    steps = (60, 300, 900)


class RelativeStrengthHour(_RingRelativeStrength):
    """Relative strength over an hour, every minute."""

    name = "relative_strength_hour"
    frequency = Frequency.MINUTE
    outputs = _ring_outputs(("1h",))
    steps = (60,)


class RelativeStrengthDays(DayFamily):
    """Relative strength over sessions, and week, month and year to date.

    `1d` is since both legs' previous official close.
    """

    name = "relative_strength_days"
    outputs = _day_outputs(DAY_WINDOWS)
    evaluation = _day_pass
    observed = PRICES_COMPARED
