"""Annualised realised volatility of both legs.

100 * sqrt(252) times the standard deviation, about the mean, of the window's log returns between
sessions with prices of both legs.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from core.indicators.base import DayFamily, Output
from core.indicators.day_rows import put_judged
from core.indicators.passes import PAIRS, day_pass, derived
from core.kernels.codes import CONSTANT, DAY_MASK, NOT_READY, NUMERATOR, OK
from core.kernels.jit import inlined
from core.kernels.returns import blocked_by, log_return
from core.kernels.rolling import clear_fields, copy_fields
from core.kernels.sorted_window import mid_rank, sorted_insert, sorted_replace

SHORT_SESSIONS: Final = 21
LONG_SESSIONS: Final = 63
RANKED_SESSIONS: Final = 252
SESSIONS_PER_YEAR: Final = 252
HIGH_PERCENTILE: Final = 80.0
LOW_PERCENTILE: Final = 20.0

_SCALE: Final = 100.0 * float(np.sqrt(SESSIONS_PER_YEAR))
_SHORT, _LONG, _BENCHMARK_SHORT, _BENCHMARK_LONG, _RATIO, _PERCENTILE, _REGIME = range(7)  # outputs
_HIGH, _USUAL, _LOW = 1.0, 0.0, -1.0  # regimes


@inlined
def _fold(moments, held, value):
    """Add value number `held` + 1 to a mean and a sum of squares about it (Welford)."""
    delta = value - moments[0]
    moments[0] += delta / (held + 1)
    moments[1] += delta * (value - moments[0])


@inlined
def _leg_return(closes, row, index, side):
    now = closes[row, index & DAY_MASK, side]
    return log_return(now, closes[row, (index - 1) & DAY_MASK, side])


@inlined
def _past_volatility(closes, row, last):
    """The numerator's short volatility as of a finished day; recomputed values have the same bits."""
    mean = 0.0
    squares = 0.0
    for held in range(SHORT_SESSIONS):
        value = _leg_return(closes, row, last - held, NUMERATOR)
        delta = value - mean
        mean += delta / (held + 1)
        squares += delta * (value - mean)
    return _SCALE * np.sqrt(max(squares, 0.0) / (SHORT_SESSIONS - 1))


@inlined
def _derive(closes, row, count, moved_one, moments, past):
    """Compute the moments of each window's finished part, and sort the past volatilities."""
    for side in range(2):
        short = moments[2 * side]
        long = moments[2 * side + 1]
        clear_fields(short, 2)
        clear_fields(long, 2)
        for held in range(min(count, LONG_SESSIONS) - 1):
            if held == SHORT_SESSIONS - 1:
                copy_fields(short, long)
            _fold(long, held, _leg_return(closes, row, count - 1 - held, side))
        if count == SHORT_SESSIONS:
            copy_fields(short, long)
    if count < RANKED_SESSIONS + SHORT_SESSIONS:
        return
    if moved_one and count > RANKED_SESSIONS + SHORT_SESSIONS:
        leaving = _past_volatility(closes, row, count - 1 - RANKED_SESSIONS)
        sorted_replace(past, RANKED_SESSIONS, leaving, _past_volatility(closes, row, count - 1))
    else:
        for held in range(RANKED_SESSIONS):
            sorted_insert(past, held, _past_volatility(closes, row, count - 1 - held))


@inlined
def _with_change(moments, window, change):
    """Volatility of a window that ends with the session's change."""
    delta = change - moments[0]
    squares = moments[1] + delta * delta * (window - 1) / window
    return _SCALE * np.sqrt(squares / (window - 1))


@inlined
def _regime(percentile):
    if percentile >= HIGH_PERCENTILE:
        return _HIGH
    return _LOW if percentile <= LOW_PERCENTILE else _USUAL


@day_pass(moments=derived(PAIRS, _RATIO, 2), past=derived(PAIRS, RANKED_SESSIONS))
def _day_pass(prices, closes, counts, rows, derived_for, moments, past, values, quality, observations):
    for row in rows:
        count = counts[row]
        if derived_for[row] != count:
            _derive(closes, row, count, derived_for[row] == count - 1, moments[row], past[row])
            derived_for[row] = count
        reason = blocked_by(prices, row)
        for output in range(_RATIO):
            side = output // 2
            window = SHORT_SESSIONS if output % 2 == 0 else LONG_SESSIONS
            why = NOT_READY if reason == OK and count < window else reason
            value = np.nan
            if why == OK:
                change = log_return(prices[side, row], closes[row, (count - 1) & DAY_MASK, side])
                value = _with_change(moments[row, output], window, change)
            put_judged(values, quality, observations, output, row, value, why, min(count, window))
        why = quality[_LONG, row]
        ratio = np.nan
        if why == OK and values[_BENCHMARK_LONG, row] > 0.0:
            ratio = values[_LONG, row] / values[_BENCHMARK_LONG, row]
        elif why == OK:
            why = CONSTANT
        put_judged(values, quality, observations, _RATIO, row, ratio, why, min(count, LONG_SESSIONS))
        ranked = min(max(count - SHORT_SESSIONS, 0), RANKED_SESSIONS)
        why = NOT_READY if reason == OK and ranked < RANKED_SESSIONS else reason
        percentile = np.nan
        if why == OK:
            percentile = 100.0 * mid_rank(past[row], RANKED_SESSIONS, values[_SHORT, row])
        put_judged(values, quality, observations, _PERCENTILE, row, percentile, why, ranked)
        put_judged(values, quality, observations, _REGIME, row, _regime(percentile), why, ranked)


class Volatility(DayFamily):
    """Volatility over 21 and 63 sessions, the legs' ratio, and the numerator's rank in a year.

    `volatility_percentile:252d` is the mid-rank of the 21-session volatility among its values of
    the previous 252 sessions; `volatility_regime` is 1 at or above the 80th percentile, -1 at or below
    the 20th, else 0.
    """

    name = "volatility"
    outputs = (
        Output("realised_volatility_pct", "21d"),
        Output("realised_volatility_pct", "63d"),
        Output("benchmark_realised_volatility_pct", "21d"),
        Output("benchmark_realised_volatility_pct", "63d"),
        Output("volatility_ratio", "63d"),
        Output("volatility_percentile", "252d"),
        Output("volatility_regime", ""),
    )
    evaluation = _day_pass
