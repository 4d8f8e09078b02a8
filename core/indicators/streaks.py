"""Streaks of sessions, and records of relative strength over five sessions.

A session without a previous close ends a streak. The next streak is unknown, because its start was not
observed, until a session that would end it anyway.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from core.indicators.base import DayFamily, Output
from core.indicators.day_rows import (
    longer_run,
    put,
    put_all_unknown,
    put_judged,
    put_unknown,
    run_is_known,
    sign_of,
)
from core.indicators.passes import PAIRS, day_pass, state
from core.kernels.codes import BENCHMARK, NOT_READY, NUMERATOR, OK
from core.kernels.jit import inlined
from core.kernels.returns import blocked_by, simple_return
from core.model.windows import DAY_WINDOWS

GAIN_PCT: Final = 1.0
"""Minimum return of a session that counts as a gain."""

LEAST_CHANGES: Final = 252
"""Minimum number of earlier five-session changes for a record."""

_ONE, _FIVE = DAY_WINDOWS.index("1d"), DAY_WINDOWS.index("5d")
_OUTPUTS: Final = (
    *("outperformance_streak_sessions", "gain_streak_sessions"),
    *("relative_record_5d_pp", "relative_record_low_5d_pp", "relative_5d_record"),
)
_AHEAD_RUN, _GAIN_RUN, _RECORD_HIGH, _RECORD_LOW, _RECORD = range(len(_OUTPUTS))
# State: both runs and whether their starts were observed, then extremes of the change over five sessions.
_AHEAD, _AHEAD_SEEN, _GAIN, _GAIN_SEEN, _HIGHEST, _LOWEST, _CHANGES, _FIELDS = range(8)


@inlined
def _put_run(output, row, field, sign, known_day, count, values, quality, observations, runs, commit):
    """Write and store a run's length; a day without a return ends it, and the next start is not observed."""
    length = 0.0
    known = False
    if known_day:
        known = run_is_known(runs[field, row], runs[field + 1, row], sign)
        length = longer_run(runs[field, row], sign)
    if known:
        put(values, quality, observations, output, row, length, count)
    else:
        put_unknown(values, quality, observations, output, row, NOT_READY, count)
    if commit:
        runs[field, row] = length
        runs[field + 1, row] = 1.0 if known else 0.0


@day_pass(runs=state(_FIELDS, PAIRS))
def _day_pass(prices, bases, counts, rows, runs, values, quality, observations, commit):
    for row in rows:
        reason = blocked_by(prices, row)
        changes = runs[_CHANGES, row]
        if reason != OK:
            put_all_unknown(values, quality, observations, row, reason, int(changes))
            continue
        known = bases[_ONE, NUMERATOR, row] > 0 and bases[_ONE, BENCHMARK, row] > 0
        ahead = 0
        gain = 0
        if known:
            r_s = simple_return(prices[NUMERATOR, row], bases[_ONE, NUMERATOR, row])
            r_l = simple_return(prices[BENCHMARK, row], bases[_ONE, BENCHMARK, row])
            ahead = sign_of(np.floor(100.0 * (r_s - r_l) * 1e10 + 0.5))
            gain = 1 if np.floor(100.0 * r_s * 1e10 + 0.5) >= GAIN_PCT * 1e10 else 0
        count = counts[row] + 1
        _put_run(_AHEAD_RUN, row, _AHEAD, ahead, known, count, values, quality, observations, runs, commit)
        _put_run(_GAIN_RUN, row, _GAIN, gain, known, count, values, quality, observations, runs, commit)
        why = OK if changes >= LEAST_CHANGES else NOT_READY
        high, low = runs[_HIGHEST, row], runs[_LOWEST, row]
        put_judged(values, quality, observations, _RECORD_HIGH, row, high, why, int(changes))
        put_judged(values, quality, observations, _RECORD_LOW, row, low, why, int(changes))
        if bases[_FIVE, NUMERATOR, row] <= 0 or bases[_FIVE, BENCHMARK, row] <= 0:
            put_unknown(values, quality, observations, _RECORD, row, NOT_READY, int(changes))
            continue
        r_s = simple_return(prices[NUMERATOR, row], bases[_FIVE, NUMERATOR, row])
        r_l = simple_return(prices[BENCHMARK, row], bases[_FIVE, BENCHMARK, row])
        spread = 100.0 * (r_s - r_l)
        highest = changes == 0.0 or spread > high
        lowest = changes == 0.0 or spread < low
        mark = 1.0 if highest else (-1.0 if lowest else 0.0)
        seen = int(changes) + (1 if why == OK else 0)
        put_judged(values, quality, observations, _RECORD, row, mark, why, seen)
        if commit:
            runs[_HIGHEST, row] = spread if highest else high
            runs[_LOWEST, row] = spread if lowest else low
            runs[_CHANGES, row] = changes + 1.0


class Streaks(DayFamily):
    """Runs of outperformance (signed; a tie breaks it) and of gains of one percent and more; records.

    `relative_record_5d_pp` is the largest relative strength over five sessions in the history before this
    session; `relative_5d_record` is 1 if this session exceeds it, -1 if it is below the lowest.
    """

    name = "streaks"
    outputs = tuple(Output(name, "") for name in _OUTPUTS)
    evaluation = _day_pass
