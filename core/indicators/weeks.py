"""Weekly closes above a resistance, the highest weekly close of the 52 completed weeks before them.

`weekly_closes_above` is the largest number of consecutive latest weekly closes, up to half a year, that are
all above every weekly close of the 52 weeks before the first of them: the resistance is fixed when the
run begins. It is computed from the ring of closes, so it does not depend on the length of the history. A
week's close is that of its last session; during that session the week counts as complete. If a pair lacks
that session, the week closes with its last available session, once the next week begins.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from core.indicators.base import DayFamily, Output
from core.indicators.day_rows import put, put_all_unknown
from core.indicators.passes import PAIRS, day_pass, derived
from core.kernels.codes import DAY_MASK, DAY_SLOTS, NOT_READY, NUMERATOR, OK
from core.kernels.jit import inlined
from core.kernels.returns import blocked_by

WEEKS: Final = 52
"""Completed weeks that define the resistance."""

LONGEST_RUN: Final = 26
_NEEDED: Final = WEEKS + LONGEST_RUN
_CLOSES_ABOVE, _DISTANCE, _PRICE = range(3)  # outputs

# Derived: the week it is up to date for, the number of completed weeks, their run, the resistance, then
# their closes, latest first.
_FOR_WEEK, _HELD, _RUN, _RESISTANCE, _CLOSES = range(5)
_FIELDS: Final = _CLOSES + _NEEDED


@inlined
def _week_of(session):
    """Number of a session's week; 1970-01-01 was a Thursday, and weeks start on Monday."""
    return (session + 3) // 7


@inlined
def _gather(closes, past_sessions, row, count, week, own):
    """Collect the numerator's weekly closes before `week`, latest first, and return their number."""
    held = 0
    last = week
    for back in range(1, min(count, DAY_SLOTS - 1) + 1):
        slot = (count - back) & DAY_MASK
        at = _week_of(past_sessions[row, slot])
        if at < last:
            last = at
            own[_CLOSES + held] = float(closes[row, slot, 0])
            held += 1
            if held == _NEEDED:
                break
    return held


@inlined
def _longest_run(own, ending, price):
    """Consecutive weekly closes above all of the 52 weeks before them, and the resistance.

    Args:
        own: float64 (_FIELDS,).
        ending: 1 if the week in progress ends, 0 if only completed weeks count.
        price: Its close; unused if it does not end.
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
def _derive(closes, past_sessions, row, count, week, own):
    """Derive the run and the resistance of the completed weeks."""
    own[_FOR_WEEK] = week
    own[_HELD] = _gather(closes, past_sessions, row, count, week, own)
    if own[_HELD] < _NEEDED:
        return
    run, resistance = _longest_run(own, 0, 0.0)
    if run == 0:
        for index in range(_CLOSES, _CLOSES + WEEKS):
            resistance = max(resistance, own[index])
    own[_RUN] = run
    own[_RESISTANCE] = resistance


@day_pass(weeks=derived(PAIRS, _FIELDS))
def _day_pass(
    prices, closes, past_sessions, counts, rows, session, week_ends, price_units,
    derived_for, weeks, values, quality, observations,
):  # fmt: skip
    week = _week_of(session)
    for row in rows:
        own = weeks[row]
        if derived_for[row] != counts[row] or own[_FOR_WEEK] != week:
            _derive(closes, past_sessions, row, counts[row], week, own)
            derived_for[row] = counts[row]
        held = int(own[_HELD])
        reason = blocked_by(prices, row)
        if reason == OK and held < _NEEDED:
            reason = NOT_READY
        if reason != OK:
            put_all_unknown(values, quality, observations, row, reason, held)
            continue
        price = float(prices[NUMERATOR, row])
        resistance = own[_RESISTANCE]
        run = own[_RUN]
        if week_ends[row] != 0:
            run = float(_longest_run(own, 1, price)[0])
        away = 100.0 * ((price - resistance) / resistance)
        put(values, quality, observations, _CLOSES_ABOVE, row, run, held)
        put(values, quality, observations, _DISTANCE, row, away, held)
        put(values, quality, observations, _PRICE, row, resistance / price_units[NUMERATOR, row], held)


class Weeks(DayFamily):
    """Consecutive weekly closes of the numerator above its resistance, and the distance from it.

    `resistance_price` is the level of the completed weeks' run or, without a run, the level that a weekly
    close must exceed. In the session that ends a run it is still the run's level.
    """

    name = "weeks"
    outputs = (
        Output("weekly_closes_above", ""),
        Output("resistance_distance_pct", ""),
        Output("resistance_price", ""),
    )
    evaluation = _day_pass
