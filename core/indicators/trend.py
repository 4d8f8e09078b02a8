"""Which way each leg trends: one class that changes only when it has lasted.

Up: the price stands more than one percent above its average over 200 sessions, and the average over
50 above that over 200. Down: the mirror. Neither: everything else. A class counts once it has held for
three sessions in a row; until then the one before stands, so a price that crosses its average
to and fro says nothing. Before the first class has lasted there is none.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.indicators.base import DayFamily, DayStep, Output
from core.indicators.windows import NEVER_DERIVED
from core.kernels.jit import BOOL, F8, I4, I8, U1, array_of, inlined, kernel
from core.kernels.returns import blocked_by
from core.kernels.rolling import copy_fields
from core.model.records import Frequency, Quality
from core.partition.pair_days import DAY_SLOTS

SHORT: Final = 50
LONG: Final = 200
BAND_PCT: Final = 1
DWELL_SESSIONS: Final = 3

_DAY_MASK: Final = DAY_SLOTS - 1
_NOT_READY: Final = int(Quality.NOT_READY)
# State of a leg: the class that stands (NaN before there is one), the one that follows it, its sessions.
_STANDS: Final = 0
_NEXT: Final = 1
_LASTED: Final = 2
_LEG_FIELDS: Final = 3


@inlined
def _class_of(price, short, long):  # type: ignore[no-untyped-def]
    """1, 0 or -1, from a price and the sums of its averages: integers, compared without rounding.

    The band is a percent of a sum, rounded down: more than that many whole units is more than the percent.
    A hundred times the sum need not fit.
    """
    averages = (LONG // SHORT) * short - long
    above = LONG * price - long
    band = long // (100 // BAND_PCT)
    if averages > 0 and above > band:
        return 1.0
    if averages < 0 and -above > band:
        return -1.0
    return 0.0


@inlined
def _dwell(leg, found):  # type: ignore[no-untyped-def]
    """Let a session's class into a leg's state."""
    leg[_LASTED] = leg[_LASTED] + 1.0 if leg[_LASTED] > 0.0 and leg[_NEXT] == found else 1.0
    leg[_NEXT] = found
    if leg[_LASTED] >= DWELL_SESSIONS:
        leg[_STANDS] = found


@inlined
def _sum_closes(closes, row, count, sums):  # type: ignore[no-untyped-def]
    """Both legs' finished closes of either average, the session in progress left out."""
    for side in range(2):
        total = 0
        for held in range(min(count, LONG - 1)):
            if held == SHORT - 1:
                sums[2 * side] = total
            total += closes[row, (count - 1 - held) & _DAY_MASK, side]
        sums[2 * side + 1] = total


@kernel(
    I8,
    array_of(I8, 2),
    array_of(I8, 3),
    array_of(I8),
    array_of(I4),
    array_of(I8),
    array_of(I8, 2),
    array_of(F8, 3),
    array_of(F8),
    array_of(F8, 2),
    array_of(U1, 2),
    array_of(I4, 2),
    BOOL,
)
def _day_pass(  # type: ignore[no-untyped-def]
    prices, closes, counts, rows, derived_for, sums, state, work, values, quality, observations, commit
):
    for row in rows:
        count = counts[row]
        if derived_for[row] != count:
            _sum_closes(closes, row, count, sums[row])
            derived_for[row] = count
        reason = blocked_by(prices, row)
        if reason == 0 and count + 1 < LONG:
            reason = _NOT_READY
        for side in range(2):
            copy_fields(work, state[side, row])
            if reason == 0:
                price = prices[side, row]
                own = sums[row, 2 * side : 2 * side + 2]
                _dwell(work, _class_of(price, own[0] + price, own[1] + price))
                if commit:
                    copy_fields(state[side, row], work)
            values[side, row] = work[_STANDS] if reason == 0 else np.nan
            quality[side, row] = _NOT_READY if reason == 0 and np.isnan(work[_STANDS]) else reason
            observations[side, row] = min(count + 1, LONG)
    return len(rows)


class TrendRegime(DayFamily):
    """1 where a leg trends up, -1 where it trends down, 0 where it does neither."""

    name = "trend_regime"
    frequency = Frequency.DAY
    outputs = (Output("trend_regime", ""), Output("benchmark_trend_regime", ""))

    def __init__(self, pairs: int) -> None:
        super().__init__(pairs)
        self._state = np.zeros((2, pairs, _LEG_FIELDS))
        self._state[..., _STANDS] = np.nan
        self._work = np.zeros(_LEG_FIELDS)
        self._derived_for: NDArray[np.int64] = np.full(pairs, NEVER_DERIVED, np.int64)
        self._sums: NDArray[np.int64] = np.zeros((pairs, 4), np.int64)

    def state(self) -> dict[str, NDArray[np.float64]]:
        """The class of each leg, and the one that has yet to last."""
        return {"trends": self._state}

    def forget(self, rows: NDArray[np.int32]) -> None:
        """Sum the closes anew."""
        self._derived_for[rows] = NEVER_DERIVED

    def evaluate(self, step: DayStep, *, commit: bool) -> None:
        """Class the session's price of each leg."""
        _day_pass(
            step.prices,
            step.days.closes,
            step.days.counts,
            step.rows,
            self._derived_for,
            self._sums,
            self._state,
            self._work,
            self.values,
            self.quality,
            self.observations,
            commit,
        )
