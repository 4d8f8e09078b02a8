"""Which way each leg trends: one class that changes only when it has lasted.

Up: the price stands more than one percent above its average over 200 sessions, and the average over
50 above that over 200. Down: the mirror. Neither: everything else. A class counts once it has held for
three sessions in a row; until then the one before stands, so a price that crosses its average
to and fro says nothing. Before the first class has lasted there is none.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from core.indicators.base import DayFamily, Output
from core.indicators.day_rows import put_unknown
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
# State of a leg: the class that stands (NaN before there is one), the one that follows it, its sessions.
_STANDS, _NEXT, _LASTED, _LEG_FIELDS = range(4)
_SHORT_SUM, _LONG_SUM, _SUMS = range(3)  # derived of a leg


@inlined
def _class_of(price, short, long):
    """The class, from a price and the sums of its averages: integers, compared without rounding.

    The band is a percent of a sum, rounded down: more than that many whole units is more than the percent.
    A hundred times the sum need not fit.
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
    """Let a session's class into a leg's state."""
    leg[_LASTED] = leg[_LASTED] + 1.0 if leg[_LASTED] > 0.0 and leg[_NEXT] == found else 1.0
    leg[_NEXT] = found
    if leg[_LASTED] >= DWELL_SESSIONS:
        leg[_STANDS] = found


@inlined
def _sum_closes(closes, row, count, sums):
    """Both legs' finished closes of either average, the session in progress left out."""
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
                if np.isnan(work[_STANDS]):
                    why = NOT_READY
            put_unknown(values, quality, observations, side, row, why, min(count + 1, LONG))
            if why == OK:
                values[side, row] = work[_STANDS]


class TrendRegime(DayFamily):
    """1 where a leg trends up, -1 where it trends down, 0 where it does neither."""

    name = "trend_regime"
    outputs = (Output("trend_regime", ""), Output("benchmark_trend_regime", ""))  # by side
    evaluation = _day_pass

    def __init__(self, pairs: int) -> None:
        super().__init__(pairs)
        self.arrays["trends"][..., _STANDS] = np.nan
