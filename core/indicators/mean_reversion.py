"""Does the ratio come back, or wander? Half-life, variance ratio, and the test that comes first.

The change of ln(S/L) is regressed on where it stood the session before: over 252 changes,
d(t) = a + b * x(t-1). A random walk gives a b below zero too, so b is held against Dickey and
Fuller's critical value, not a normal one, and a half-life is shown only where a random walk is rejected
and the window holds five of them. Everywhere else it is `inconclusive`: most of the time, as it
should be. b leans towards a short half-life (M. G. Kendall, Biometrika 41 (1954) 403-404: by about
(1 + 3 * (1 + b)) / 252); nothing is corrected for that.

The variance ratio asks the same without a level: the variance of five-session changes over five
times that of one-session changes. Its z allows for volatility that comes and goes.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from core.indicators.base import DayFamily, Output
from core.indicators.day_rows import put_all_unknown
from core.indicators.passes import PAIRS, day_pass, derived, scratch
from core.kernels.codes import BENCHMARK, CONSTANT, DAY_MASK, INCONCLUSIVE, NOT_READY, NUMERATOR, OK
from core.kernels.jit import inlined
from core.kernels.returns import blocked_by, log_excess
from core.kernels.rolling import (
    COMOMENT_FIELDS,
    SUM_XX,
    SUM_XY,
    SUM_YY,
    clear_fields,
    comoments_add,
    copy_fields,
)

CHANGES: Final = 252
HORIZON: Final = 5
"""Sessions of the variance ratio."""
HALF_LIVES_IN_WINDOW: Final = 5
CRITICAL_TAU: Final = -2.87308
"""5 % point of the test with a constant at 252 changes: J. G. MacKinnon, "Critical values for
cointegration tests", Queen's Economics Department Working Paper 1227 (2010), table 2."""

_TAU, _REJECTED, _HALF_LIFE, _VARIANCE_RATIO, _VARIANCE_RATIO_Z, _OUTPUTS = range(6)
# Derived for a session: co-moments of level and change, then sums of the finished changes' deviations
# from their mean: the mean, the squares, five-session sums and their squares, the latest deviations,
# and four sums for each lag.
_MEAN: Final = COMOMENT_FIELDS
_SQUARES: Final = _MEAN + 1
_LONG: Final = _MEAN + 2
_LONG_SQUARES: Final = _MEAN + 3
_LATEST: Final = _MEAN + 4
_LAGS: Final = _LATEST + HORIZON - 1
_LAG_FIELDS: Final = 4
_DERIVED_FIELDS: Final = _LAGS + _LAG_FIELDS * (HORIZON - 1)


@inlined
def _excess(closes, row, now, then):
    """Change of ln(S/L) between two days of the ring."""
    later = closes[row, now & DAY_MASK]
    earlier = closes[row, then & DAY_MASK]
    return log_excess(later[0], later[1], earlier[0], earlier[1])


@inlined
def _add_lag(sums, a, b):
    """Let a pair of deviations into what the sum of (a - d)² (b - d)² needs for any d."""
    sums[0] += a * a * b * b
    sums[1] += a * a * b + a * b * b
    sums[2] += a * a + 4.0 * a * b + b * b
    sums[3] += a + b


@inlined
def _lag_sum(sums, count, d):
    """The sum of (a - d)² (b - d)² over `count` pairs."""
    return sums[0] - 2.0 * d * sums[1] + d * d * sums[2] - 2.0 * d * d * d * sums[3] + count * d * d * d * d


@inlined
def _derive(closes, row, count, own, changes):
    """Sum what the finished sessions contribute; `changes` is room for theirs."""
    clear_fields(own, _DERIVED_FIELDS)
    finished = CHANGES - 1
    first = count - CHANGES
    total = 0.0
    for index in range(finished):
        changes[index] = _excess(closes, row, first + index + 1, first + index)
        comoments_add(own, _excess(closes, row, first + index, count - 1), changes[index])
        total += changes[index]
    own[_MEAN] = total / finished
    long = 0.0
    for index in range(finished):
        changes[index] -= own[_MEAN]
        deviation = changes[index]
        own[_SQUARES] += deviation * deviation
        long += deviation
        if index >= HORIZON:
            long -= changes[index - HORIZON]
        if index >= HORIZON - 1:
            own[_LONG] += long
            own[_LONG_SQUARES] += long * long
        for lag in range(1, min(HORIZON, index + 1)):
            start = _LAGS + _LAG_FIELDS * (lag - 1)
            _add_lag(own[start : start + _LAG_FIELDS], deviation, changes[index - lag])
    copy_fields(own[_LATEST:_LAGS], changes[finished - HORIZON + 1 : finished])


@inlined
def _variance_ratio(own, work, change):
    """Variance ratio and z with the session's change, or NaN twice where nothing moved.

    Source:
        A. W. Lo and A. C. MacKinlay, The Review of Financial Studies 1 (1988) 41-66.
    """
    newest = change - own[_MEAN]
    shift = newest / CHANGES  # of the mean, by the session's change
    squares = own[_SQUARES] + newest * newest - CHANGES * shift * shift
    if squares <= 0.0:
        return np.nan, np.nan
    long = newest
    for index in range(_LATEST, _LAGS):
        long += own[index]
    longs = CHANGES - HORIZON + 1
    moved = HORIZON * shift
    spread = own[_LONG_SQUARES] + long * long
    spread += -2.0 * moved * (own[_LONG] + long) + longs * moved * moved
    ratio = spread / (HORIZON * longs * (1.0 - HORIZON / CHANGES)) / (squares / (CHANGES - 1))
    error = 0.0
    for lag in range(1, HORIZON):
        start = _LAGS + _LAG_FIELDS * (lag - 1)
        copy_fields(work, own[start : start + _LAG_FIELDS])
        _add_lag(work, newest, own[_LAGS - lag])
        weight = 2.0 * (HORIZON - lag) / HORIZON
        error += weight * weight * _lag_sum(work, CHANGES - lag, shift)
    if error <= 0.0:
        return np.nan, np.nan
    return ratio, (ratio - 1.0) * squares / np.sqrt(error)


@inlined
def _tau(moments):
    """Slope on the level before, and its Dickey-Fuller tau; NaN twice where there is none."""
    if moments[SUM_XX] <= 0.0:
        return np.nan, np.nan
    slope = moments[SUM_XY] / moments[SUM_XX]
    residual = moments[SUM_YY] - slope * moments[SUM_XY]
    if residual <= 0.0:
        return np.nan, np.nan
    return slope, slope / np.sqrt(residual / (CHANGES - 2) / moments[SUM_XX])


@day_pass(
    sums=derived(PAIRS, _DERIVED_FIELDS), changes=scratch(CHANGES), moments=scratch(COMOMENT_FIELDS),
    lag=scratch(_LAG_FIELDS),
)  # fmt: skip
def _day_pass(
    prices, closes, counts, rows, derived_for, sums, changes, moments, lag, values, quality, observations
):
    for row in rows:
        count = counts[row]
        own = sums[row]
        if derived_for[row] != count and count >= CHANGES:
            _derive(closes, row, count, own, changes)
            derived_for[row] = count
        reason = blocked_by(prices, row)
        if reason == OK and count < CHANGES:
            reason = NOT_READY
        put_all_unknown(values, quality, observations, row, reason, min(count, CHANGES))
        if reason != OK:
            continue
        last = closes[row, (count - 1) & DAY_MASK]
        change = log_excess(prices[NUMERATOR, row], prices[BENCHMARK, row], last[0], last[1])
        values[_VARIANCE_RATIO, row], values[_VARIANCE_RATIO_Z, row] = _variance_ratio(own, lag, change)
        copy_fields(moments, own[:COMOMENT_FIELDS])
        comoments_add(moments, 0.0, change)  # levels are told from the latest close
        slope, tau = _tau(moments)
        values[_TAU, row] = tau
        if not np.isnan(tau):
            values[_REJECTED, row] = 1.0 if tau < CRITICAL_TAU else 0.0
            if tau < CRITICAL_TAU and slope > -1.0:
                half_life = np.log(0.5) / np.log1p(slope)
                if HALF_LIVES_IN_WINDOW * half_life <= CHANGES:
                    values[_HALF_LIFE, row] = half_life
        for output in range(_OUTPUTS):
            if np.isnan(values[output, row]):
                untested = np.isnan(tau) or output != _HALF_LIFE
                quality[output, row] = CONSTANT if untested else INCONCLUSIVE


class MeanReversion(DayFamily):
    """Dickey-Fuller tau, its verdict, the half-life behind it, and the variance ratio over five sessions.

    `variance_ratio:5d` is below one where moves are taken back and above one where they go on.
    """

    name = "mean_reversion"
    outputs = (
        Output("dickey_fuller_tau", "252d"),
        Output("random_walk_rejected", ""),
        Output("half_life_sessions", "252d"),
        Output("variance_ratio", "5d"),
        Output("variance_ratio_z", "5d"),
    )
    evaluation = _day_pass
