"""Volume of the numerator against the plain mean of the sessions before.

The session itself is kept out of the mean. Sessions of unknown volume are left out too; a tenth of
them may be missing, and `observations` says how many are there.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.indicators.base import DayFamily, DayStep, Output
from core.indicators.day_rows import put, put_unknown
from core.indicators.windows import NEVER_DERIVED
from core.kernels.jit import F8, I4, I8, U1, array_of, kernel
from core.kernels.returns import blocked_by
from core.model.records import Frequency, Quality
from core.partition.pair_days import DAY_SLOTS

WINDOWS: Final = (20, 63)
LEAST_SHARE: Final = 0.9
"""Share of a window's sessions whose volume must be known."""

_DAY_MASK: Final = DAY_SLOTS - 1
_NOT_READY: Final = int(Quality.NOT_READY)


@kernel(
    I8,
    array_of(I8, 3),
    array_of(I8),
    array_of(I4),
    array_of(I8),
    array_of(I4),
    array_of(F8, 2),
    array_of(F8, 2),
    array_of(I4, 2),
)
def _session_pass(  # type: ignore[no-untyped-def]
    volumes, counts, rows, derived_for, windows, units, means, known
):
    for row in rows:
        if derived_for[row] == counts[row]:
            continue
        derived_for[row] = counts[row]
        for window in range(len(windows)):
            total = 0.0
            number = 0
            for index in range(max(0, counts[row] - windows[window]), counts[row]):
                volume = volumes[row, index & _DAY_MASK, 0]
                if volume >= 0:
                    total += volume / units[0, row]
                    number += 1
            means[window, row] = total / number if number > 0 else 0.0
            known[window, row] = number
    return len(rows)


@kernel(
    I8,
    array_of(I8, 2),
    array_of(I8, 2),
    array_of(I4),
    array_of(I4),
    array_of(F8, 2),
    array_of(F8, 2),
    array_of(I4, 2),
    array_of(F8, 2),
    array_of(U1, 2),
    array_of(I4, 2),
)
def _day_pass(  # type: ignore[no-untyped-def]
    prices, volumes, rows, windows, units, means, known, values, quality, observations
):
    for row in rows:
        reason = blocked_by(prices, row)
        if reason == 0 and volumes[0, row] < 0:
            reason = -volumes[0, row]
        for window in range(len(windows)):
            output = 2 * window
            number = known[window, row]
            enough = number >= LEAST_SHARE * windows[window]
            if reason != 0 or not enough:
                why = reason if reason != 0 else _NOT_READY
                put_unknown(values, quality, observations, output, row, why, number)
            else:
                mean = means[window, row]
                share = volumes[0, row] / units[0, row] / mean if mean > 0.0 else np.nan
                put(values, quality, observations, output, row, share, number)
            if enough:
                put(values, quality, observations, output + 1, row, means[window, row], number)
            else:
                put_unknown(values, quality, observations, output + 1, row, _NOT_READY, number)
    return len(rows)


class RelativeVolume(DayFamily):
    """Volume over the plain mean of the 20 and 63 sessions before; the mean itself tells a thin base.

    During the session it is the volume so far, so it only grows until the close.
    """

    name = "relative_volume"
    frequency = Frequency.DAY
    outputs = tuple(
        Output(name, f"{window}d") for window in WINDOWS for name in ("relative_volume", "average_volume")
    )

    def __init__(self, pairs: int) -> None:
        super().__init__(pairs)
        self._windows: NDArray[np.int32] = np.array(WINDOWS, np.int32)
        self._derived_for: NDArray[np.int64] = np.full(pairs, NEVER_DERIVED, np.int64)
        self._means = np.zeros((len(WINDOWS), pairs))
        self._known: NDArray[np.int32] = np.zeros((len(WINDOWS), pairs), np.int32)

    def forget(self, rows: NDArray[np.int32]) -> None:
        """Average anew: finished days have changed."""
        self._derived_for[rows] = NEVER_DERIVED

    def evaluate(self, step: DayStep, *, commit: bool) -> None:
        """Average the finished sessions once, then divide the session's volume by it; there is no state."""
        _session_pass(
            step.days.volumes,
            step.days.counts,
            step.rows,
            self._derived_for,
            self._windows,
            step.scales.size_units,
            self._means,
            self._known,
        )
        _day_pass(
            step.prices,
            step.volumes,
            step.rows,
            self._windows,
            step.scales.size_units,
            self._means,
            self._known,
            self.values,
            self.quality,
            self.observations,
        )
