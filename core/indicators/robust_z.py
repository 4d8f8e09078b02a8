"""Robust z-score of the log ratio: distance from its median in units that are robust to outliers.

z = (ln(S/L) - median) / (1.4826 * MAD) over the closes of the sessions before this one. A ratio need not
return to any level, so z is descriptive and not a forecast.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from core.indicators.base import DayFamily, Output
from core.indicators.day_rows import put_judged
from core.indicators.passes import PAIRS, day_pass, derived
from core.kernels.codes import BENCHMARK, CONSTANT, DAY_MASK, NOT_READY, NUMERATOR, OK
from core.kernels.jit import inlined
from core.kernels.returns import blocked_by
from core.kernels.sorted_window import median_deviation, median_of, sorted_insert, sorted_replace

WINDOWS: Final = (63, 252)
MAD_TO_SIGMA: Final = 1.4826022185056018
"""Standard deviations per median absolute deviation of a normal distribution: 1 / Φ⁻¹(3/4)."""

_MEDIAN, _DEVIATION, _ORDERED = range(3)  # derived for a window; its logs from _ORDERED on, ascending
_FIELDS: Final = _ORDERED + max(WINDOWS)


@inlined
def _log_ratio(closes, row, index):
    """ln(S/L) of a ring entry; recomputed values have the same bits."""
    close = closes[row, index & DAY_MASK]
    return np.log(close[0] / close[1])


@inlined
def _derive(closes, row, count, moved_one, window, own):
    """Sort the latest `window` closes, then compute median and median deviation."""
    ordered = own[_ORDERED:]
    if moved_one and count > window:
        leaving = _log_ratio(closes, row, count - window - 1)
        sorted_replace(ordered, window, leaving, _log_ratio(closes, row, count - 1))
    else:
        for held in range(window):
            sorted_insert(ordered, held, _log_ratio(closes, row, count - window + held))
    own[_MEDIAN] = median_of(ordered, window)
    own[_DEVIATION] = MAD_TO_SIGMA * median_deviation(ordered, window, own[_MEDIAN])


@day_pass(windows=derived(PAIRS, len(WINDOWS), _FIELDS))
def _day_pass(prices, closes, counts, rows, derived_for, windows, values, quality, observations):
    for row in rows:
        count = counts[row]
        blocked = blocked_by(prices, row)
        for output in range(len(WINDOWS)):
            window = WINDOWS[output]
            own = windows[row, output]
            if derived_for[row] != count and count >= window:
                _derive(closes, row, count, derived_for[row] == count - 1, window, own)
            reason = blocked
            if blocked == OK and count < window:
                reason = NOT_READY
            elif blocked == OK and own[_DEVIATION] <= 0.0:
                reason = CONSTANT
            value = np.nan
            if reason == OK:
                level = np.log(prices[NUMERATOR, row] / prices[BENCHMARK, row])
                value = (level - own[_MEDIAN]) / own[_DEVIATION]
            put_judged(values, quality, observations, output, row, value, reason, min(count, window))
        derived_for[row] = count


class RobustZ(DayFamily):
    """Robust z of the log ratio against the 63 and the 252 sessions before this one."""

    name = "robust_z"
    outputs = tuple(Output("robust_z", f"{window}d") for window in WINDOWS)
    evaluation = _day_pass
