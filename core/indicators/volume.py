"""Volume of the numerator relative to the plain mean of earlier sessions.

The mean excludes the current session and sessions of unknown volume. At most a tenth of the window may be
missing; `observations` is the number of known sessions.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from core.indicators.base import DayFamily, Output
from core.indicators.day_rows import put, put_unknown
from core.indicators.passes import PAIRS, day_pass, derived
from core.kernels.codes import DAY_MASK, NOT_READY, NUMERATOR, OK
from core.kernels.jit import inlined
from core.kernels.returns import blocked_by

WINDOWS: Final = (20, 63)
LEAST_SHARE: Final = 0.9
"""Minimum share of a window's sessions with known volume."""

_RELATIVE, _AVERAGE, _OUTPUTS = range(3)  # of each window


@inlined
def _derive(past_volumes, row, count, units, window, means, known):
    """Compute the mean volume of a window's finished sessions, and the number of known ones."""
    total = 0.0
    number = 0
    for index in range(max(0, count - WINDOWS[window]), count):
        volume = past_volumes[row, index & DAY_MASK, NUMERATOR]
        if volume >= 0:
            total += volume / units
            number += 1
    means[window, row] = total / number if number > 0 else 0.0
    known[window, row] = number


@day_pass(means=derived(len(WINDOWS), PAIRS), known=derived(len(WINDOWS), PAIRS, dtype=np.int32))
def _day_pass(
    prices, volumes, past_volumes, counts, rows, size_units,
    derived_for, means, known, values, quality, observations,
):  # fmt: skip
    for row in rows:
        volume, units = volumes[NUMERATOR, row], size_units[NUMERATOR, row]
        reason = blocked_by(prices, row)
        if reason == OK and volume < 0:
            reason = -volume
        for window in range(len(WINDOWS)):
            if derived_for[row] != counts[row]:
                _derive(past_volumes, row, counts[row], units, window, means, known)
            relative = _OUTPUTS * window + _RELATIVE
            average = _OUTPUTS * window + _AVERAGE
            mean = means[window, row]
            number = known[window, row]
            enough = number >= LEAST_SHARE * WINDOWS[window]
            why = NOT_READY if reason == OK and not enough else reason
            put_unknown(values, quality, observations, relative, row, why, number)
            put_unknown(values, quality, observations, average, row, NOT_READY, number)
            if why == OK:
                share = volume / units / mean if mean > 0.0 else np.nan
                put(values, quality, observations, relative, row, share, number)
            if enough:
                put(values, quality, observations, average, row, mean, number)
        derived_for[row] = counts[row]


class RelativeVolume(DayFamily):
    """Volume over the plain mean of the previous 20 and 63 sessions, and that mean.

    During the session it uses the volume so far, so it rises until the close.
    """

    name = "relative_volume"
    outputs = tuple(
        Output(name, f"{window}d") for window in WINDOWS for name in ("relative_volume", "average_volume")
    )
    evaluation = _day_pass
