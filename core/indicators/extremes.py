"""Highest and lowest closes of both legs and their ratio over the sessions before the current one.

They are fixed during a session, so they are computed once when it starts. They are derived from the
closes and need no state.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from core.indicators.base import DayFamily, DayStep, Output
from core.indicators.day_rows import put_judged
from core.indicators.passes import day_pass, scratch
from core.kernels.codes import BENCHMARK, DAY_MASK, NOT_READY, NUMERATOR, OK
from core.kernels.jit import inlined

WINDOWS: Final = (63, 252)
_SERIES: Final = ("numerator", "benchmark", "ratio")
_HIGH, _LOW, _SIDES = range(3)
_FOUND: Final = _SIDES * len(_SERIES)  # outputs of a window: a high and a low of each series
_NUMERATOR, _BENCHMARK, _RATIO = range(0, _FOUND, _SIDES)


def _outputs() -> tuple[Output, ...]:
    return tuple(
        Output(f"{series}_{side}", f"{window}d")
        for window in WINDOWS
        for series in _SERIES
        for side in ("high", "low")
    )


@inlined
def _widen(found, series, value):
    """Update a series' extremes with a value."""
    found[series + _HIGH] = max(found[series + _HIGH], value)
    found[series + _LOW] = min(found[series + _LOW], value)


@inlined
def _scan(closes, row, first, last, units, scale, found):
    """Extremes of ring entries [first, last): high and low of numerator, benchmark and ratio."""
    for series in range(0, _FOUND, _SIDES):
        found[series + _HIGH] = -np.inf
        found[series + _LOW] = np.inf
    for index in range(first, last):
        close = closes[row, index & DAY_MASK]
        _widen(found, _NUMERATOR, close[0] / units[NUMERATOR, row])
        _widen(found, _BENCHMARK, close[1] / units[BENCHMARK, row])
        ratio = close[0] / close[1] * scale[NUMERATOR, row] / scale[BENCHMARK, row]
        _widen(found, _RATIO, ratio)


@day_pass(found=scratch(_FOUND))
def _session_pass(closes, counts, rows, price_units, ratio_scale, found, values, quality, observations):
    for row in rows:
        for window in range(len(WINDOWS)):
            length = WINDOWS[window]
            ready = counts[row] >= length
            if ready:
                _scan(closes, row, counts[row] - length, counts[row], price_units, ratio_scale, found)
            for place in range(_FOUND):
                output = _FOUND * window + place
                reason = OK if ready else NOT_READY
                seen = min(counts[row], length)
                put_judged(values, quality, observations, output, row, found[place], reason, seen)


class Extremes(DayFamily):
    """Highest and lowest closes of the 63 and 252 sessions before this one."""

    name = "extremes"
    outputs = _outputs()
    evaluation = _session_pass

    def start_session(self, step: DayStep) -> None:
        """Scan the finished sessions once."""
        super().evaluate(step, commit=False)

    def evaluate(self, step: DayStep, *, commit: bool) -> None:
        """Do nothing: extremes of finished sessions do not change during a session."""
        return
