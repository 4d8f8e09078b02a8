"""Volume of the numerator relative to the plain mean of earlier sessions.

The mean excludes the current session and sessions of unknown volume. At most a tenth of the window may be
missing; `observations` is the number of known sessions. The quality says which volume it is
(`core.indicators.volume_kinds`).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from core.indicators.base import DayFamily, Output
from core.indicators.day_rows import put_judged
from core.indicators.passes import PAIRS, day_pass, derived
from core.indicators.volume_kinds import volume_quality, volume_reason
from core.kernels.codes import DAY_MASK, NOT_READY, NUMERATOR, OK
from core.kernels.jit import inlined
from core.kernels.returns import blocked_by

WINDOWS: Final = (20, 63)
LEAST_SHARE: Final = 0.9
"""Minimum share of a window's sessions with known volume."""

_RELATIVE, _AVERAGE, _OUTPUTS = range(3)  # of each window


@inlined
def _derive(past_volumes, past_traded, row, count, units, window, means, known, traded):
    """Compute the mean of a window's known volumes, their number, and how many were summed from trades."""
    total = 0.0
    number = 0
    summed = 0
    for index in range(max(0, count - WINDOWS[window]), count):
        volume = past_volumes[row, index & DAY_MASK, NUMERATOR]
        if volume > 0:
            total += volume / units
            number += 1
            summed += past_traded[row, index & DAY_MASK, NUMERATOR]
    means[window, row] = total / number if number > 0 else 0.0
    known[window, row] = number
    traded[window, row] = summed


@day_pass(
    means=derived(len(WINDOWS), PAIRS),
    known=derived(len(WINDOWS), PAIRS, dtype=np.int32),
    summed=derived(len(WINDOWS), PAIRS, dtype=np.int32),
)
def _day_pass(
    prices, volumes, traded, past_volumes, past_traded, counts, rows, size_units,
    derived_for, means, known, summed, values, quality, observations,
):  # fmt: skip
    for row in rows:
        volume, units = volumes[NUMERATOR, row], size_units[NUMERATOR, row]
        reason = blocked_by(prices, row)
        if reason == OK:
            reason = volume_reason(volume)
        for window in range(len(WINDOWS)):
            if derived_for[row] != counts[row]:
                _derive(past_volumes, past_traded, row, counts[row], units, window, means, known, summed)
            number, of_trades = known[window, row], summed[window, row]
            mean = means[window, row]
            average = NOT_READY if number < LEAST_SHARE * WINDOWS[window] else OK
            relative = average if reason == OK else reason
            share = volume / units / mean if mean > 0.0 else np.nan
            output = _OUTPUTS * window
            put_judged(values, quality, observations, output + _RELATIVE, row, share, relative, number)
            put_judged(values, quality, observations, output + _AVERAGE, row, mean, average, number)
            if relative == OK:
                kind = volume_quality(number + 1, of_trades + traded[NUMERATOR, row])
                quality[output + _RELATIVE, row] = kind
            if average == OK:
                quality[output + _AVERAGE, row] = volume_quality(number, of_trades)
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
