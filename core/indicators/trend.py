"""Trend regime of each leg: up, down or neither, with a minimum dwell time.

Up: the price is more than one percent above its 200-session average, and the 50-session average is above
the 200-session average. Down: the opposite. Neither: everything else. A class takes effect after three
consecutive sessions, so that a price that oscillates around its average does not change it. Before the
first class takes effect, the value is unknown.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from core.indicators.base import DayFamily, Output
from core.indicators.day_rows import put_judged
from core.indicators.passes import PAIRS, day_pass, derived, scratch, state
from core.kernels.codes import DAY_MASK, NOT_READY, OK
from core.kernels.jit import inlined
from core.kernels.returns import blocked_by
from core.kernels.rolling import copy_fields

SHORT: Final = 50
LONG: Final = 200
BAND_PCT: Final = 1
DWELL_SESSIONS: Final = 3

_UP, _NEITHER, _DOWN = 1.0, 0.0, -1.0
# State of a leg: the class in effect (NaN if none yet), the candidate class, and its sessions.
_CURRENT, _CANDIDATE, _DWELLED, _LEG_FIELDS = range(4)
_SHORT_SUM, _LONG_SUM, _SUMS = range(3)  # derived for a leg


@inlined
def _class_of(price, short, long):
    """The class, from a price and the sums of its averages: integers, compared without rounding.

    The band is one percent of the sum, rounded down: exceeding it in whole units means exceeding one percent.
    Multiplying the sum by 100 instead could overflow.
    """
    averages = (LONG // SHORT) * short - long
    above = LONG * price - long
    band = long // (100 // BAND_PCT)
    if averages > 0 and above > band:
        return _UP
    if averages < 0 and -above > band:
        return _DOWN
    return _NEITHER


@inlined
def _dwell(leg, found):
    """Update a leg's state with a session's class."""
    leg[_DWELLED] = leg[_DWELLED] + 1.0 if leg[_DWELLED] > 0.0 and leg[_CANDIDATE] == found else 1.0
    leg[_CANDIDATE] = found
    if leg[_DWELLED] >= DWELL_SESSIONS:
        leg[_CURRENT] = found


@inlined
def _sum_closes(closes, row, count, sums):
    """Sum both legs' finished closes for both averages, without the session in progress."""
    for side in range(2):
        total = 0
        for held in range(min(count, LONG - 1)):
            if held == SHORT - 1:
                sums[side, _SHORT_SUM] = total
            total += closes[row, (count - 1 - held) & DAY_MASK, side]
        sums[side, _LONG_SUM] = total


@day_pass(
    sums=derived(PAIRS, 2, _SUMS, dtype=np.int64),
    trends=state(2, PAIRS, _LEG_FIELDS),
    work=scratch(_LEG_FIELDS),
)
def _day_pass(
    prices, closes, counts, rows, derived_for, sums, trends, work, values, quality, observations, commit
):
    for row in rows:
        count = counts[row]
        if derived_for[row] != count:
            _sum_closes(closes, row, count, sums[row])
            derived_for[row] = count
        reason = blocked_by(prices, row)
        if reason == OK and count + 1 < LONG:
            reason = NOT_READY
        for side in range(2):
            copy_fields(work, trends[side, row])
            why = reason
            if reason == OK:
                price = prices[side, row]
                own = sums[row, side]
                _dwell(work, _class_of(price, own[_SHORT_SUM] + price, own[_LONG_SUM] + price))
                if commit:
                    copy_fields(trends[side, row], work)
                if np.isnan(work[_CURRENT]):
                    why = NOT_READY
            put_judged(values, quality, observations, side, row, work[_CURRENT], why, min(count + 1, LONG))


class TrendRegime(DayFamily):
    """1 if a leg trends up, -1 if it trends down, 0 otherwise."""

    name = "trend_regime"
    outputs = (Output("trend_regime", ""), Output("benchmark_trend_regime", ""))  # by side
    evaluation = _day_pass

    def __init__(self, pairs: int) -> None:
        super().__init__(pairs)
        self.arrays["trends"][..., _CURRENT] = np.nan
