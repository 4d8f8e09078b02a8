"""Moving averages of the numerator's closes, distances from them, and Mansfield's relative strength.

Averages include the session itself. What they need of the finished sessions is summed once a
session, from the ring: prices as exact integers, so that nothing drifts, no split has to restate a
sum, and price and average are compared without rounding.

Mansfield's relative strength is 100 * (ratio / average ratio - 1). Stan Weinstein ("Secrets for
Profiting in Bull and Bear Markets", 1988) takes 52 weeks; 200 sessions is the daily form.
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
"""Outputs that are runs, in the order of their state."""
# Derived of the finished sessions: sums of closes; squares about the short mean, and the sum of ratios.
_SHORT_SUM, _LONG_SUM = range(2)
_SHORT_SQUARES, _LONG_RATIOS = range(2)


@inlined
def _derive(closes, row, count, sums, moments):
    """Sum what the finished sessions contribute to either average."""
    total = 0
    ratios = 0.0
    lost = 0.0  # Neumaier's compensation: what additions have rounded away
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
    """Write how long something has had its sign, and keep it."""
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
def _put_short(price, row, sums, moments, values, quality, observations):
    """Write the distances from the short average."""
    short = sums[_SHORT_SUM, row] + price
    away = 100.0 * ((SHORT * price - short) / short)
    put(values, quality, observations, _DISTANCE, row, away, SHORT)
    # Welford's step from the finished sessions' moments to those with this session's price.
    away = ((SHORT - 1) * price - sums[_SHORT_SUM, row]) / (SHORT - 1)
    squares = moments[_SHORT_SQUARES, row] + away * away * (SHORT - 1) / SHORT
    deviation = np.nan
    if squares > 0.0:
        deviation = ((SHORT * price - short) / SHORT) / np.sqrt(squares / (SHORT - 1))
    put(values, quality, observations, _DISTANCE_SD, row, deviation, SHORT)


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
        _put_short(price, row, sums, moments, values, quality, observations)
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

    A run is known once its start has been seen. The deviation over 50 sessions is the sample's, as
    whoever says "so many standard deviations above the 50-day average" uses it.
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
