"""How far the ratio stands from its median, in units that an outlier cannot stretch.

z = (ln(S/L) - median) / (1.4826 * MAD) over the closes of the sessions before this one. A ratio has
no level it must return to, so this describes where it stands and foretells nothing.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from core.indicators.base import Output
from core.indicators.windows import WINDOW_PASS, WindowFamily
from core.kernels.jit import Kernel, inlined, kernel
from core.kernels.returns import blocked_by
from core.kernels.sorted_window import median_deviation, median_of, sorted_insert, sorted_replace
from core.model.records import Frequency, Quality
from core.partition.pair_days import DAY_SLOTS

WINDOWS: Final = (63, 252)
MAD_TO_SIGMA: Final = 1.4826022185056018
"""Standard deviations per median absolute deviation of a normal distribution: 1 / Φ⁻¹(3/4)."""

_DAY_MASK: Final = DAY_SLOTS - 1
_NOT_READY: Final = int(Quality.NOT_READY)
_CONSTANT: Final = int(Quality.CONSTANT)
_SHORT: Final = WINDOWS[0]
_LONG: Final = WINDOWS[1]
_SORTED_LONG: Final = 4 + _SHORT
"""Fields: medians and deviations of both windows, then both windows in ascending order."""


@inlined
def _log_ratio(closes, row, index):  # type: ignore[no-untyped-def]
    """ln(S/L) of a ring entry: the same bits when it enters a window and when it leaves."""
    close = closes[row, index & _DAY_MASK]
    return np.log(close[0] / close[1])


@inlined
def _derive(closes, row, count, moved_one, window, ordered, found):  # type: ignore[no-untyped-def]
    """Order the latest `window` closes, then find median and median deviation."""
    if moved_one and count > window:
        leaving = _log_ratio(closes, row, count - window - 1)
        sorted_replace(ordered, window, leaving, _log_ratio(closes, row, count - 1))
    else:
        for held in range(window):
            sorted_insert(ordered, held, _log_ratio(closes, row, count - window + held))
    found[0] = median_of(ordered, window)
    found[1] = MAD_TO_SIGMA * median_deviation(ordered, window, found[0])


@kernel(*WINDOW_PASS)
def _day_pass(  # type: ignore[no-untyped-def]
    prices, closes, counts, rows, derived_for, derived, values, quality, observations
):
    for row in rows:
        count = counts[row]
        own = derived[row]
        if derived_for[row] != count:
            moved_one = derived_for[row] == count - 1
            if count >= _SHORT:
                _derive(closes, row, count, moved_one, _SHORT, own[4:_SORTED_LONG], own[0:2])
            if count >= _LONG:
                _derive(closes, row, count, moved_one, _LONG, own[_SORTED_LONG:], own[2:4])
            derived_for[row] = count
        blocked = blocked_by(prices, row)
        for output in range(2):
            window = _SHORT if output == 0 else _LONG
            values[output, row] = np.nan
            observations[output, row] = min(count, window)
            quality[output, row] = blocked
            if blocked == 0 and count < window:
                quality[output, row] = _NOT_READY
            elif blocked == 0 and own[2 * output + 1] <= 0.0:
                quality[output, row] = _CONSTANT
            elif blocked == 0:
                level = np.log(prices[0, row] / prices[1, row])
                values[output, row] = (level - own[2 * output]) / own[2 * output + 1]
    return len(rows)


class RobustZ(WindowFamily):
    """Robust z of the log ratio against the 63 and the 252 sessions before this one."""

    name = "robust_z"
    frequency = Frequency.DAY
    outputs = (Output("robust_z", "63d"), Output("robust_z", "252d"))
    derived_fields = _SORTED_LONG + _LONG

    @property
    def window_pass(self) -> Kernel:
        """Order statistics of both windows."""
        return _day_pass
