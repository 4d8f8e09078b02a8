"""Weekly closes above a resistance: the highest weekly close of the 52 completed weeks before them.

`weekly_closes_above` is the largest number of latest weekly closes, up to half a year of them, that all
stand above every weekly close of the 52 weeks before the first of them: the resistance stays where
it was when the run began. It follows from the ring of closes alone, so it is the same however long
the history is. A week's close is that of its last session; in that session the week counts as if it
ended now. A pair that lacks the session closes the week with the one it has, when the next begins.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.indicators.base import DayFamily, DayStep, Output
from core.indicators.day_rows import put, put_unknown
from core.indicators.windows import NEVER_DERIVED
from core.kernels.jit import F8, I4, I8, U1, array_of, inlined, kernel
from core.kernels.returns import blocked_by
from core.model.records import Frequency, Quality
from core.partition.pair_days import DAY_SLOTS

WEEKS: Final = 52
"""Completed weeks whose highest close is the resistance."""

LONGEST_RUN: Final = 26
_NEEDED: Final = WEEKS + LONGEST_RUN
_DAY_MASK: Final = DAY_SLOTS - 1
_NOT_READY: Final = int(Quality.NOT_READY)

# Fields of what is derived: which finished days and week it stands for, how many completed weeks
# there are, the run they make, the resistance, then their closes, the latest first.
_FOR_COUNT: Final = 0
_FOR_WEEK: Final = 1
_HELD: Final = 2
_RUN: Final = 3
_RESISTANCE: Final = 4
_CLOSES: Final = 5
_FIELDS: Final = _CLOSES + _NEEDED


@inlined
def _week_of(session):  # type: ignore[no-untyped-def]
    """Number of a session's week; 1970-01-01 was a Thursday, and weeks start on Monday."""
    return (session + 3) // 7


@inlined
def _gather(closes, days, row, count, week, own):  # type: ignore[no-untyped-def]
    """Collect the numerator's weekly closes before `week`, the latest first; how many there are."""
    held = 0
    last = week
    for back in range(1, min(count, DAY_SLOTS - 1) + 1):
        slot = (count - back) & _DAY_MASK
        at = _week_of(days[row, slot])
        if at < last:
            last = at
            own[_CLOSES + held] = float(closes[row, slot, 0])
            held += 1
            if held == _NEEDED:
                break
    return held


@inlined
def _longest_run(own, ending, price):  # type: ignore[no-untyped-def]
    """Weekly closes in a row above all of the 52 weeks before them, and the highest of those.

    Args:
        own: float64 (_FIELDS,).
        ending: 1 where the week in progress ends, 0 where only completed weeks count.
        price: Its close; unused where it does not end.
    """
    longest = 0
    resistance = 0.0
    lowest = np.inf
    for run in range(1, LONGEST_RUN + 1):
        first = _CLOSES + run - 1 - ending
        lowest = min(lowest, price if first < _CLOSES else own[first])
        highest = 0.0
        for index in range(first + 1, first + 1 + WEEKS):
            highest = max(highest, own[index])
            if highest >= lowest:
                break
        if highest < lowest:
            longest = run
            resistance = highest
    return longest, resistance


@inlined
def _derive(closes, days, row, count, week, own):  # type: ignore[no-untyped-def]
    """Find how the completed weeks stand."""
    own[_FOR_COUNT] = count
    own[_FOR_WEEK] = week
    own[_HELD] = _gather(closes, days, row, count, week, own)
    if own[_HELD] < _NEEDED:
        return
    run, resistance = _longest_run(own, 0, 0.0)
    if run == 0:
        for index in range(_CLOSES, _CLOSES + WEEKS):
            resistance = max(resistance, own[index])
    own[_RUN] = run
    own[_RESISTANCE] = resistance


@kernel(
    I8,
    array_of(I8, 2),
    array_of(I8, 3),
    array_of(I4, 2),
    array_of(I8),
    array_of(I4),
    I8,
    array_of(U1),
    array_of(F8, 2),
    array_of(F8, 2),
    array_of(F8, 2),
    array_of(U1, 2),
    array_of(I4, 2),
)
def _day_pass(  # type: ignore[no-untyped-def]
    prices, closes, days, counts, rows, session, week_ends, units, derived, values, quality, observations
):
    week = _week_of(session)
    for row in rows:
        own = derived[row]
        if own[_FOR_COUNT] != counts[row] or own[_FOR_WEEK] != week:
            _derive(closes, days, row, counts[row], week, own)
        held = int(own[_HELD])
        reason = blocked_by(prices, row)
        if reason == 0 and held < _NEEDED:
            reason = _NOT_READY
        if reason != 0:
            for output in range(3):
                put_unknown(values, quality, observations, output, row, reason, held)
            continue
        price = float(prices[0, row])
        resistance = own[_RESISTANCE]
        run = own[_RUN]
        if week_ends[row] != 0:
            run = float(_longest_run(own, 1, price)[0])
        put(values, quality, observations, 0, row, run, held)
        put(values, quality, observations, 1, row, 100.0 * ((price - resistance) / resistance), held)
        put(values, quality, observations, 2, row, resistance / units[0, row], held)
    return len(rows)


class Weeks(DayFamily):
    """Consecutive weekly closes of the numerator above its resistance, and the distance from that.

    `resistance_price` is the level of the run that completed weeks make, or where they make none the
    one that a weekly close must beat: in the session that breaks a run it is still the run's.
    """

    name = "weeks"
    frequency = Frequency.DAY
    outputs = (
        Output("weekly_closes_above", ""),
        Output("resistance_distance_pct", ""),
        Output("resistance_price", ""),
    )

    def __init__(self, pairs: int) -> None:
        super().__init__(pairs)
        self._derived = np.full((pairs, _FIELDS), float(NEVER_DERIVED))

    def forget(self, rows: NDArray[np.int32]) -> None:
        """Gather the weeks anew: finished days have changed."""
        self._derived[rows, _FOR_COUNT] = NEVER_DERIVED

    def evaluate(self, step: DayStep, *, commit: bool) -> None:
        """Hold the price against the resistance, and where the week ends let it count; there is no state."""
        _day_pass(
            step.prices,
            step.days.closes,
            step.days.sessions,
            step.days.counts,
            step.rows,
            step.session,
            step.week_ends,
            step.scales.price_units,
            self._derived,
            self.values,
            self.quality,
            self.observations,
        )
