"""Sensitivity of a pair's returns to changes of a yield, in basis points per basis point.

Returns and changes are between consecutive sessions that have closes and a yield, so a bond market
holiday is skipped. Yields come with the daily history: a session in progress has none, so its value is
that of the latest yield; after five sessions without a yield it is stale. The run of the sign is known
only in sessions that have a yield.

There are two estimates: ordinary least squares over 63 changes; and recursive least squares with a
half-life of 63 changes. The latter's standard error uses the effective number of observations: the
squared sum of the weights over the sum of their squares.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from core.indicators.base import DayFamily, Output
from core.indicators.day_rows import RUN_FIELDS, put_sign_run, put_unknown
from core.indicators.passes import PAIRS, day_pass, derived, scratch, state
from core.kernels.codes import BENCHMARK, CONSTANT, DAY_MASK, NOT_READY, NUMERATOR, OK, STALE
from core.kernels.ew_moments import decay_of
from core.kernels.jit import inlined
from core.kernels.returns import blocked_by, simple_return
from core.kernels.rolling import clear_fields, copy_fields
from core.model.universe_file import SERIES_CLASSES

CHANGES: Final = 63
HALF_LIFE_CHANGES: Final = 63
SLOTS: Final = 80
"""Number of sessions stored; 64 of them must have a yield."""
MOST_SESSIONS_WITHOUT: Final = 5

_ROLE: Final = SERIES_CLASSES.index("rate")
_BP: Final = 1e4
_BP_PER_PERCENT: Final = 100.0

# Outputs: slopes over a window, then weighted slopes, each followed by its error, then the run.
_RATE, _BENCHMARK, _SPREAD, _WEIGHTED_RATE, _WEIGHTED_RATE_SE, _WEIGHTED_SPREAD, _WEIGHTED_SPREAD_SE = range(
    7
)
_SIGN_SESSIONS: Final = 7
# Fields of a window's moments; x is the change, s and l the legs' returns.
_CHANGES_HELD, _MEAN_OF_X, _MEAN_OF_S, _MEAN_OF_L, _SUM_XX, _SUM_XS, _SUM_XL, _WINDOW_FIELDS = range(8)
# Fields of the weighted moments; y is the numerator's return, d the spread.
_COUNT, _WEIGHT, _SQUARES, _MEAN_X, _MEAN_Y, _MEAN_D, _XX, _YY, _DD, _XY, _XD, _WEIGHTED_FIELDS = range(12)
# State of a pair: yields by day number, then the run of the sign, then the weighted moments.
_RUN: Final = SLOTS
_WEIGHTED: Final = SLOTS + RUN_FIELDS
_STATE_FIELDS: Final = _WEIGHTED + _WEIGHTED_FIELDS
# Derived for a session: the newest yield and its day; moments of the latest 62 and 63 changes.
_NEWEST, _YIELD, _OPEN = range(3)
_FULL: Final = _OPEN + _WINDOW_FIELDS
_DERIVED_FIELDS: Final = _FULL + _WINDOW_FIELDS
_DECAY: Final = decay_of(HALF_LIFE_CHANGES)


@inlined
def _fold(moments, x, s, l):
    """Add one change and both legs' returns to sums about their means (Welford)."""
    count = moments[_CHANGES_HELD] + 1.0
    delta = x - moments[_MEAN_OF_X]
    moments[_CHANGES_HELD] = count
    moments[_MEAN_OF_X] += delta / count
    moments[_MEAN_OF_S] += (s - moments[_MEAN_OF_S]) / count
    moments[_MEAN_OF_L] += (l - moments[_MEAN_OF_L]) / count
    moments[_SUM_XX] += delta * (x - moments[_MEAN_OF_X])
    moments[_SUM_XS] += delta * (s - moments[_MEAN_OF_S])
    moments[_SUM_XL] += delta * (l - moments[_MEAN_OF_L])


@inlined
def _derive(closes, row, count, yields, own):
    """Find the newest yield and sum the latest changes, newest first."""
    clear_fields(own, _DERIVED_FIELDS)
    own[_NEWEST] = -1.0
    later = -1
    for day in range(count - 1, max(count - SLOTS, 0) - 1, -1):
        if np.isnan(yields[day % SLOTS]):
            continue
        if later < 0:
            own[_NEWEST] = day
            own[_YIELD] = yields[day % SLOTS]
        else:
            now = closes[row, later & DAY_MASK]
            then = closes[row, day & DAY_MASK]
            x = _BP_PER_PERCENT * (yields[later % SLOTS] - yields[day % SLOTS])
            s = _BP * simple_return(now[0], then[0])
            l = _BP * simple_return(now[1], then[1])
            _fold(own[_FULL:], x, s, l)
            if own[_FULL + _CHANGES_HELD] == CHANGES - 1:
                copy_fields(own[_OPEN:_FULL], own[_FULL:])
            if own[_FULL + _CHANGES_HELD] == CHANGES:
                return
        later = day


@inlined
def _weigh(row, x, y, d):
    """Add one change to the weighted moments."""
    weight = _DECAY * row[_WEIGHT] + 1.0
    share = 1.0 / weight
    delta_x = x - row[_MEAN_X]
    delta_y = y - row[_MEAN_Y]
    delta_d = d - row[_MEAN_D]
    row[_MEAN_X] += share * delta_x
    row[_MEAN_Y] += share * delta_y
    row[_MEAN_D] += share * delta_d
    row[_XX] = (1.0 - share) * (row[_XX] + share * delta_x * delta_x)
    row[_YY] = (1.0 - share) * (row[_YY] + share * delta_y * delta_y)
    row[_DD] = (1.0 - share) * (row[_DD] + share * delta_d * delta_d)
    row[_XY] = (1.0 - share) * (row[_XY] + share * delta_x * delta_y)
    row[_XD] = (1.0 - share) * (row[_XD] + share * delta_x * delta_d)
    row[_WEIGHT] = weight
    row[_SQUARES] = _DECAY * _DECAY * row[_SQUARES] + 1.0
    row[_COUNT] += 1.0


@inlined
def _slope(row, worth, xy, yy, output, pair, values):
    """Write a weighted slope and its standard error."""
    slope = row[xy] / row[_XX]
    residual = max(row[yy] - slope * row[xy], 0.0) * worth / (worth - 2.0)
    values[output, pair] = slope
    values[output + 1, pair] = np.sqrt(residual / (worth * row[_XX]))


@inlined
def _add_session(prices, closes, row, rate, own, carried, window):
    """Add the session's change to both estimates, if it has a yield."""
    copy_fields(window, own[_FULL:])
    if np.isnan(rate) or own[_NEWEST] < 0.0:
        return
    then = closes[row, int(own[_NEWEST]) & DAY_MASK]
    x = _BP_PER_PERCENT * (rate - own[_YIELD])
    s = _BP * simple_return(prices[NUMERATOR, row], then[0])
    l = _BP * simple_return(prices[BENCHMARK, row], then[1])
    if own[_FULL + _CHANGES_HELD] >= CHANGES - 1:
        copy_fields(window, own[_OPEN:_FULL])
    _fold(window, x, s, l)
    _weigh(carried[_WEIGHTED:], x, s, s - l)


@inlined
def _publish(row, window, carried, rate, blocked, values, quality, observations):
    """Write every output of a pair, or the reason why it is unknown."""
    weighted = carried[_WEIGHTED:]
    for output in range(_SIGN_SESSIONS):
        used = window[_CHANGES_HELD] if output < _WEIGHTED_RATE else weighted[_COUNT]
        spread = window[_SUM_XX] if output < _WEIGHTED_RATE else weighted[_XX]
        reason = blocked
        if reason == OK and used < CHANGES:
            reason = NOT_READY
        elif reason == OK and spread <= 0.0:
            reason = CONSTANT
        put_unknown(values, quality, observations, output, row, reason, int(used))
    if quality[_RATE, row] == OK:
        values[_RATE, row] = window[_SUM_XS] / window[_SUM_XX]
        values[_BENCHMARK, row] = window[_SUM_XL] / window[_SUM_XX]
        values[_SPREAD, row] = values[_RATE, row] - values[_BENCHMARK, row]
    if quality[_WEIGHTED_RATE, row] == OK:
        worth = weighted[_WEIGHT] * weighted[_WEIGHT] / weighted[_SQUARES]
        _slope(weighted, worth, _XY, _YY, _WEIGHTED_RATE, row, values)
        _slope(weighted, worth, _XD, _DD, _WEIGHTED_SPREAD, row, values)
    run = carried[_RUN:_WEIGHTED]
    why = quality[_RATE, row]
    if why == OK and np.isnan(rate):  # the run of the sign does not change
        put_unknown(values, quality, observations, _SIGN_SESSIONS, row, STALE, int(window[_CHANGES_HELD]))
    else:
        put_sign_run(_SIGN_SESSIONS, row, run, values[_RATE, row], why, values, quality, observations)


@day_pass(
    rates=state(1, PAIRS, _STATE_FIELDS),
    window_moments=derived(PAIRS, _DERIVED_FIELDS),
    carried=scratch(_STATE_FIELDS),
    window=scratch(_WINDOW_FIELDS),
)
def _day_pass(
    prices, series, closes, counts, rows,
    rates, derived_for, window_moments, carried, window, values, quality, observations, commit,
):  # fmt: skip
    for row in rows:
        count = counts[row]
        own = window_moments[row]
        if derived_for[row] != count:
            _derive(closes, row, count, rates[0, row], own)
            derived_for[row] = count
        rate = series[_ROLE, row]
        copy_fields(carried[_RUN:], rates[0, row, _RUN:])
        blocked = blocked_by(prices, row)
        reason = blocked
        if reason == OK:
            _add_session(prices, closes, row, rate, own, carried, window)
            newest = own[_NEWEST] if np.isnan(rate) else float(count)
            if newest < 0.0:
                reason = NOT_READY
            elif count - newest > MOST_SESSIONS_WITHOUT:
                reason = STALE
        _publish(row, window, carried, rate, reason, values, quality, observations)
        if commit and blocked == OK:
            rates[0, row, count % SLOTS] = rate
            copy_fields(rates[0, row, _RUN:], carried[_RUN:])


class RateBeta(DayFamily):
    """Rate sensitivity of both legs and their spread, with standard errors and the run of its sign.

    `rate_beta_63d_bp` is the numerator's, `spread_…` that of the numerator's return minus the benchmark's.
    """

    name = "rate_beta"
    outputs = (
        Output("rate_beta_63d_bp", ""),
        Output("benchmark_rate_beta_63d_bp", ""),
        Output("spread_rate_beta_63d_bp", ""),
        Output("rate_beta_ew_bp", ""),
        Output("rate_beta_ew_se_bp", ""),
        Output("spread_rate_beta_ew_bp", ""),
        Output("spread_rate_beta_ew_se_bp", ""),
        Output("rate_beta_sign_sessions", ""),
    )
    evaluation = _day_pass

    def __init__(self, pairs: int) -> None:
        super().__init__(pairs)
        self.arrays["rates"][..., :SLOTS] = np.nan
