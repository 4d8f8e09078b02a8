"""Mean reversion of the ratio: Dickey-Fuller test, half-life and variance ratio.

The change of ln(S/L) is regressed on the previous session's level over 252 changes:
d(t) = a + b * x(t-1). A random walk also gives a negative b, so b is compared with the Dickey-Fuller
critical value. The half-life is known only where a random walk is rejected and the window is at least
five half-lives long; otherwise, which is most of the time, it is `inconclusive`. b is biased toward a
short half-life (M. G. Kendall, Biometrika 41 (1954) 403-404: by about (1 + 3 * (1 + b)) / 252); this is
not corrected.

The variance ratio needs no level: it is the variance of five-session changes over five times that of
one-session changes. Its z is robust to heteroskedasticity.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from core.indicators.base import DayFamily, Output
from core.indicators.day_rows import put, put_all_unknown, put_judged
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

_TAU, _REJECTED, _HALF_LIFE, _VARIANCE_RATIO, _VARIANCE_RATIO_Z = range(5)  # outputs
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
    """Add a pair of deviations to the sums from which (a - d)² (b - d)² follows for any d."""
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
    """Compute the sums over the finished sessions; `changes` is a buffer for their changes."""
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
    """Variance ratio and z with the session's change; both NaN if no price changed.

    Source:
        A. W. Lo and A. C. MacKinlay, The Review of Financial Studies 1 (1988) 41-66.
    """
    newest = change - own[_MEAN]
    shift = newest / CHANGES  # change of the mean from the session's change
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
    """Slope on the previous level, and its Dickey-Fuller tau; both NaN if undefined."""
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
        if reason != OK:
            put_all_unknown(values, quality, observations, row, reason, min(count, CHANGES))
            continue
        last = closes[row, (count - 1) & DAY_MASK]
        change = log_excess(prices[NUMERATOR, row], prices[BENCHMARK, row], last[0], last[1])
        ratio, ratio_z = _variance_ratio(own, lag, change)
        copy_fields(moments, own[:COMOMENT_FIELDS])
        comoments_add(moments, 0.0, change)  # levels are relative to the latest close
        slope, tau = _tau(moments)
        half_life = np.nan
        if tau < CRITICAL_TAU and slope > -1.0:
            half_life = np.log(0.5) / np.log1p(slope)
        tested = OK if not np.isnan(tau) else CONSTANT
        rejected = 1.0 if tau < CRITICAL_TAU else 0.0
        put_judged(values, quality, observations, _TAU, row, tau, tested, CHANGES)
        put_judged(values, quality, observations, _REJECTED, row, rejected, tested, CHANGES)
        shown = HALF_LIVES_IN_WINDOW * half_life <= CHANGES
        why = INCONCLUSIVE if tested == OK and not shown else tested
        put_judged(values, quality, observations, _HALF_LIFE, row, half_life, why, CHANGES)
        put(values, quality, observations, _VARIANCE_RATIO, row, ratio, CHANGES)
        put(values, quality, observations, _VARIANCE_RATIO_Z, row, ratio_z, CHANGES)


class MeanReversion(DayFamily):
    """Dickey-Fuller tau, the result of the test, the half-life, and the variance ratio over five sessions.

    `variance_ratio:5d` is below one if moves tend to reverse, and above one if they tend to continue.
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
