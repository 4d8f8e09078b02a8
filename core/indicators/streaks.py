"""Sessions in a row, and the record of relative strength over five sessions.

A session whose previous close is missing breaks a run, and what comes after it is unknown until the
next session that would have broken it anyway: its start has not been seen.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from core.indicators.base import DayFamily, Output
from core.indicators.day_rows import longer_run, put, put_all_unknown, put_unknown, run_is_known, sign_of
from core.indicators.passes import PAIRS, day_pass, state
from core.kernels.codes import BENCHMARK, NOT_READY, NUMERATOR, OK
from core.kernels.jit import inlined
from core.kernels.returns import blocked_by, simple_return
from core.model.windows import DAY_WINDOWS

GAIN_PCT: Final = 1.0
"""Least return of a session that counts as a gain."""

LEAST_CHANGES: Final = 252
"""Five-session changes before the largest of them is called a record."""

_ONE, _FIVE = DAY_WINDOWS.index("1d"), DAY_WINDOWS.index("5d")
_AHEAD_RUN, _GAIN_RUN, _RECORD_HIGH, _RECORD_LOW, _RECORD = range(5)  # outputs
# State: both runs and whether their starts have been seen, then extremes of the change over five sessions.
_AHEAD, _AHEAD_SEEN, _GAIN, _GAIN_SEEN, _HIGHEST, _LOWEST, _CHANGES, _FIELDS = range(8)


@inlined
def _put_run(output, row, field, sign, known_day, count, values, quality, observations, runs, commit):
    """Write a run's length, and keep it; a day without a return breaks it unseen."""
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


@inlined
def _hold_against_records(spread, row, changes, values, quality, observations, runs, commit):
    """Say whether a change over five sessions is a record, and keep it where it is."""
    highest = changes == 0.0 or spread > runs[_HIGHEST, row]
    lowest = changes == 0.0 or spread < runs[_LOWEST, row]
    if changes >= LEAST_CHANGES:
        mark = 1.0 if highest else (-1.0 if lowest else 0.0)
        put(values, quality, observations, _RECORD, row, mark, int(changes) + 1)
    if commit:
        runs[_HIGHEST, row] = spread if highest else runs[_HIGHEST, row]
        runs[_LOWEST, row] = spread if lowest else runs[_LOWEST, row]
        runs[_CHANGES, row] = changes + 1.0


@day_pass(runs=state(_FIELDS, PAIRS))
def _day_pass(prices, bases, counts, rows, runs, values, quality, observations, commit):
    for row in rows:
        reason = blocked_by(prices, row)
        changes = runs[_CHANGES, row]
        why = reason if reason != OK else NOT_READY
        put_all_unknown(values, quality, observations, row, why, int(changes))
        if reason != OK:
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
        if changes >= LEAST_CHANGES:
            put(values, quality, observations, _RECORD_HIGH, row, runs[_HIGHEST, row], int(changes))
            put(values, quality, observations, _RECORD_LOW, row, runs[_LOWEST, row], int(changes))
        if bases[_FIVE, NUMERATOR, row] > 0 and bases[_FIVE, BENCHMARK, row] > 0:
            r_s = simple_return(prices[NUMERATOR, row], bases[_FIVE, NUMERATOR, row])
            r_l = simple_return(prices[BENCHMARK, row], bases[_FIVE, BENCHMARK, row])
            spread = 100.0 * (r_s - r_l)
            _hold_against_records(spread, row, changes, values, quality, observations, runs, commit)


class Streaks(DayFamily):
    """Runs of outperformance (signed; a tie breaks it) and of gains of one percent and more; records.

    `relative_record_5d_pp` is the largest relative strength over five sessions before this one, of
    all history; `relative_5d_record` is 1 where this session beats it, -1 where it beats the lowest.
    """

    name = "streaks"
    outputs = (
        Output("outperformance_streak_sessions", ""),
        Output("gain_streak_sessions", ""),
        Output("relative_record_5d_pp", ""),
        Output("relative_record_low_5d_pp", ""),
        Output("relative_5d_record", ""),
    )
    evaluation = _day_pass
