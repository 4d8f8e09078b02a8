"""Highest and lowest closes of the sessions before the present one, of both legs and their ratio.

Fixed for a session, so a comparison during the day costs nothing: they are looked up once when
the session starts, from the closes alone, and are no state of their own.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.indicators.base import DayFamily, DayStep, Output
from core.kernels.jit import F8, I4, I8, U1, array_of, inlined, kernel
from core.model.records import Frequency, Quality
from core.partition.pair_days import DAY_SLOTS

WINDOWS: Final = (63, 252)
_SERIES: Final = ("numerator", "benchmark", "ratio")
_DAY_MASK: Final = DAY_SLOTS - 1
_NOT_READY: Final = int(Quality.NOT_READY)


def _outputs() -> tuple[Output, ...]:
    return tuple(
        Output(f"{series}_{side}", f"{window}d")
        for window in WINDOWS
        for series in _SERIES
        for side in ("high", "low")
    )


@inlined
def _scan(closes, row, first, last, units, scale, found):  # type: ignore[no-untyped-def]
    """Extremes of ring entries [first, last): high and low of numerator, benchmark and ratio."""
    for side in range(0, 6, 2):
        found[side] = -np.inf
        found[side + 1] = np.inf
    for index in range(first, last):
        close = closes[row, index & _DAY_MASK]
        numerator = close[0] / units[0, row]
        benchmark = close[1] / units[1, row]
        ratio = close[0] / close[1] * scale[0, row] / scale[1, row]
        found[0] = max(found[0], numerator)
        found[1] = min(found[1], numerator)
        found[2] = max(found[2], benchmark)
        found[3] = min(found[3], benchmark)
        found[4] = max(found[4], ratio)
        found[5] = min(found[5], ratio)


@kernel(
    I8,
    array_of(I8, 3),
    array_of(I8),
    array_of(I4),
    array_of(I4),
    array_of(F8, 2),
    array_of(F8, 2),
    array_of(F8),
    array_of(F8, 2),
    array_of(U1, 2),
    array_of(I4, 2),
)
def _session_pass(  # type: ignore[no-untyped-def]
    closes, counts, rows, windows, units, scale, found, values, quality, observations
):
    for row in rows:
        for window in range(len(windows)):
            length = windows[window]
            first = 6 * window
            ready = counts[row] >= length
            if ready:
                _scan(closes, row, counts[row] - length, counts[row], units, scale, found)
            for output in range(6):
                values[first + output, row] = found[output] if ready else np.nan
                quality[first + output, row] = 0 if ready else _NOT_READY
                observations[first + output, row] = min(counts[row], length)
    return len(rows)


class Extremes(DayFamily):
    """Highest and lowest closes of the 63 and 252 sessions before this one."""

    name = "extremes"
    frequency = Frequency.DAY
    outputs = _outputs()

    def __init__(self, pairs: int) -> None:
        super().__init__(pairs)
        self._windows: NDArray[np.int32] = np.array(WINDOWS, np.int32)
        self._found = np.zeros(6)

    def start_session(self, step: DayStep) -> None:
        """Scan the finished sessions once."""
        _session_pass(
            step.days.closes,
            step.days.counts,
            step.rows,
            self._windows,
            step.scales.price_units,
            step.scales.ratio,
            self._found,
            self.values,
            self.quality,
            self.observations,
        )

    def evaluate(self, step: DayStep, *, commit: bool) -> None:
        """Nothing moves during a session: extremes look at finished sessions only."""
        return
