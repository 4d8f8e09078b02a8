"""Moving averages of the numerator's closes, distances from them, and Mansfield's relative strength.

Averages include the current session. The sums over finished sessions are computed from the ring once per
session, with prices as exact integers: sums do not drift, a split does not have to restate them, and
price and average are compared without rounding.

Mansfield's relative strength is 100 * (ratio / average ratio - 1). Stan Weinstein ("Secrets for
Profiting in Bull and Bear Markets", 1988) uses 52 weeks; 200 sessions is the daily form.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from core.indicators.base import DayFamily, Output
from core.indicators.day_rows import (
    RUN_FIELDS,
    RUN_LENGTH,
    RUN_SEEN,
    longer_run,
    put,
    put_unknown,
    run_is_known,
    sign_of,
)
from core.indicators.passes import PAIRS, day_pass, derived, state
from core.kernels.codes import BENCHMARK, DAY_MASK, NOT_READY, NUMERATOR, OK
from core.kernels.jit import inlined
from core.kernels.returns import blocked_by

SHORT: Final = 50
LONG: Final = 200
_DISTANCE, _DISTANCE_SD, _LONG_DISTANCE, _LONG_SIDE, _SHORT_OVER_LONG, _MANSFIELD, _MANSFIELD_SIDE = range(7)
_RUNS: Final = (_LONG_SIDE, _SHORT_OVER_LONG, _MANSFIELD_SIDE)
"""Outputs that are runs, in the order of the state."""
# Derived from the finished sessions: sums of closes; squares about the short mean; sum of ratios.
_SHORT_SUM, _LONG_SUM = range(2)
_SHORT_SQUARES, _LONG_RATIOS = range(2)


@inlined
def _derive(closes, row, count, sums, moments):
    """Compute the sums over the finished sessions for both averages."""
    total = 0
    ratios = 0.0
    lost = 0.0  # Neumaier's compensation: accumulated rounding errors
    for index in range(max(0, count - LONG + 1), count):
        close = closes[row, index & DAY_MASK]
        total += close[0]
        ratio = close[0] / close[1]
        larger = ratios + ratio
        lost += (ratios - larger) + ratio if ratios >= ratio else (ratio - larger) + ratios
        ratios = larger
    sums[_LONG_SUM, row] = total
    moments[_LONG_RATIOS, row] = ratios + lost
    total = 0
    for index in range(max(0, count - SHORT + 1), count):
        total += closes[row, index & DAY_MASK, NUMERATOR]
    squares = 0.0
    for index in range(max(0, count - SHORT + 1), count):
        deviation = ((SHORT - 1) * closes[row, index & DAY_MASK, NUMERATOR] - total) / (SHORT - 1)
        squares += deviation * deviation
    sums[_SHORT_SUM, row] = total
    moments[_SHORT_SQUARES, row] = squares


@inlined
def _put_run(run, row, sign, values, quality, observations, runs, commit):
    """Write the length of a run, and store it."""
    first = run * RUN_FIELDS
    length = runs[first + RUN_LENGTH, row]
    known = run_is_known(length, runs[first + RUN_SEEN, row], sign)
    length = longer_run(length, sign)
    if known:
        put(values, quality, observations, _RUNS[run], row, length, LONG)
    else:
        put_unknown(values, quality, observations, _RUNS[run], row, NOT_READY, LONG)
    if commit:
        runs[first + RUN_LENGTH, row] = length
        runs[first + RUN_SEEN, row] = 1.0 if known else 0.0


@inlined
def _short_distances(price, past, squares):
    """Distance from the short average in percent and in deviations, NaN where the window is constant.

    Args:
        price: The session's price.
        past: Sum of the finished closes in the window, one less than its length.
        squares: Their squares about their mean.
    """
    short = past + price
    # Welford's update of the finished sessions' moments with this session's price.
    away = ((SHORT - 1) * price - past) / (SHORT - 1)
    squares += away * away * (SHORT - 1) / SHORT
    deviations = np.nan
    if squares > 0.0:
        deviations = ((SHORT * price - short) / SHORT) / np.sqrt(squares / (SHORT - 1))
    return 100.0 * ((SHORT * price - short) / short), deviations


@day_pass(
    runs=state(len(_RUNS) * RUN_FIELDS, PAIRS),
    sums=derived(2, PAIRS, dtype=np.int64),
    moments=derived(2, PAIRS),
)
def _day_pass(
    prices, closes, counts, rows, derived_for, sums, moments, runs, values, quality, observations, commit
):
    for row in rows:
        if derived_for[row] != counts[row]:
            _derive(closes, row, counts[row], sums, moments)
            derived_for[row] = counts[row]
        reason = blocked_by(prices, row)
        count = min(counts[row] + 1, LONG)
        for output in range(len(values)):
            least = SHORT if output <= _DISTANCE_SD else LONG
            why = reason if reason != OK else NOT_READY
            put_unknown(values, quality, observations, output, row, why, min(count, least))
        if reason != OK or count < SHORT:
            continue
        price = prices[NUMERATOR, row]
        away, deviations = _short_distances(price, sums[_SHORT_SUM, row], moments[_SHORT_SQUARES, row])
        put(values, quality, observations, _DISTANCE, row, away, SHORT)
        put(values, quality, observations, _DISTANCE_SD, row, deviations, SHORT)
        if count < LONG:
            continue
        short = sums[_SHORT_SUM, row] + price
        long = sums[_LONG_SUM, row] + price
        away = 100.0 * ((LONG * price - long) / long)
        put(values, quality, observations, _LONG_DISTANCE, row, away, LONG)
        _put_run(0, row, sign_of(LONG * price - long), values, quality, observations, runs, commit)
        above = sign_of((LONG // SHORT) * short - long)
        _put_run(1, row, above, values, quality, observations, runs, commit)
        ratio = price / prices[BENCHMARK, row]
        total = moments[_LONG_RATIOS, row] + ratio
        mansfield = 100.0 * ((LONG * ratio - total) / total)
        put(values, quality, observations, _MANSFIELD, row, mansfield, LONG)
        side = sign_of(np.floor(mansfield * 1e10 + 0.5))
        _put_run(2, row, side, values, quality, observations, runs, commit)


class MovingAverages(DayFamily):
    """Averages over 50 and 200 sessions; runs are signed: positive above, negative below.

    A run is known once its start was observed. The deviation over 50 sessions is the sample standard
    deviation, as in "two standard deviations above the 50-day average".
    """

    name = "moving_averages"
    outputs = (
        Output("ma50_distance_pct", ""),
        Output("ma50_distance_sd", ""),
        Output("ma200_distance_pct", ""),
        Output("ma200_side_sessions", ""),
        Output("ma50_over_ma200_sessions", ""),
        Output("mansfield_pct", "200d"),
        Output("mansfield_side_sessions", ""),
    )
    evaluation = _day_pass
