"""Realised volatility of both legs: how much their closes moved, a year's worth.

100 * sqrt(252) times the standard deviation, about its mean, of the window's log returns between
sessions that both legs have.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from core.indicators.base import Output
from core.indicators.windows import WINDOW_PASS, WindowFamily
from core.kernels.jit import Kernel, inlined, kernel
from core.kernels.returns import blocked_by, log_return
from core.kernels.rolling import clear_fields, copy_fields
from core.kernels.sorted_window import mid_rank, sorted_insert, sorted_replace
from core.model.records import Frequency, Quality
from core.partition.pair_days import DAY_SLOTS

SHORT_SESSIONS: Final = 21
LONG_SESSIONS: Final = 63
RANKED_SESSIONS: Final = 252
SESSIONS_PER_YEAR: Final = 252
HIGH_PERCENTILE: Final = 80.0
LOW_PERCENTILE: Final = 20.0

_SCALE: Final = 100.0 * float(np.sqrt(SESSIONS_PER_YEAR))
_DAY_MASK: Final = DAY_SLOTS - 1
_NOT_READY: Final = int(Quality.NOT_READY)
_CONSTANT: Final = int(Quality.CONSTANT)
_PAST: Final = 8
"""Fields: mean and sum of squares per leg and window, then past volatilities in ascending order."""
_RATIO: Final = 4
_PERCENTILE: Final = 5
_REGIME: Final = 6


@inlined
def _fold(moments, held, value):  # type: ignore[no-untyped-def]
    """Let value number `held` + 1 into a mean and a sum of squares about it (Welford)."""
    delta = value - moments[0]
    moments[0] += delta / (held + 1)
    moments[1] += delta * (value - moments[0])


@inlined
def _leg_return(closes, row, index, side):  # type: ignore[no-untyped-def]
    now = closes[row, index & _DAY_MASK, side]
    return log_return(now, closes[row, (index - 1) & _DAY_MASK, side])


@inlined
def _past_volatility(closes, row, last):  # type: ignore[no-untyped-def]
    """The numerator's short volatility as of a finished day: the same bits whenever it is asked."""
    mean = 0.0
    squares = 0.0
    for held in range(SHORT_SESSIONS):
        value = _leg_return(closes, row, last - held, 0)
        delta = value - mean
        mean += delta / (held + 1)
        squares += delta * (value - mean)
    return _SCALE * np.sqrt(max(squares, 0.0) / (SHORT_SESSIONS - 1))


@inlined
def _derive(closes, row, count, moved_one, own):  # type: ignore[no-untyped-def]
    """Moments of the finished part of each window, and the past volatilities in order."""
    for side in range(2):
        moments = own[4 * side : 4 * side + 4]
        clear_fields(moments, 4)
        long = moments[2:4]
        for held in range(min(count, LONG_SESSIONS) - 1):
            if held == SHORT_SESSIONS - 1:
                copy_fields(moments[0:2], long)
            _fold(long, held, _leg_return(closes, row, count - 1 - held, side))
        if count == SHORT_SESSIONS:
            copy_fields(moments[0:2], long)
    past = own[_PAST:]
    if count < RANKED_SESSIONS + SHORT_SESSIONS:
        return
    if moved_one and count > RANKED_SESSIONS + SHORT_SESSIONS:
        leaving = _past_volatility(closes, row, count - 1 - RANKED_SESSIONS)
        sorted_replace(past, RANKED_SESSIONS, leaving, _past_volatility(closes, row, count - 1))
    else:
        for held in range(RANKED_SESSIONS):
            sorted_insert(past, held, _past_volatility(closes, row, count - 1 - held))


@inlined
def _publish_rank(own, row, count, values, quality, observations):  # type: ignore[no-untyped-def]
    """Rank of the short volatility among the past ones, and what that makes it."""
    for output in (_PERCENTILE, _REGIME):
        observations[output, row] = min(max(count - SHORT_SESSIONS, 0), RANKED_SESSIONS)
        if quality[output, row] == 0 and count < RANKED_SESSIONS + SHORT_SESSIONS:
            quality[output, row] = _NOT_READY
    if quality[_PERCENTILE, row] != 0:
        return
    percentile = 100.0 * mid_rank(own[_PAST:], RANKED_SESSIONS, values[0, row])
    values[_PERCENTILE, row] = percentile
    values[_REGIME, row] = 0.0
    if percentile >= HIGH_PERCENTILE:
        values[_REGIME, row] = 1.0
    elif percentile <= LOW_PERCENTILE:
        values[_REGIME, row] = -1.0


@kernel(*WINDOW_PASS)
def _day_pass(  # type: ignore[no-untyped-def]
    prices, closes, counts, rows, derived_for, derived, values, quality, observations
):
    for row in rows:
        count = counts[row]
        own = derived[row]
        if derived_for[row] != count:
            _derive(closes, row, count, derived_for[row] == count - 1, own)
            derived_for[row] = count
        blocked = blocked_by(prices, row)
        for output in range(_REGIME + 1):
            values[output, row] = np.nan
            quality[output, row] = blocked
        for output in range(4):
            side = output // 2
            window = SHORT_SESSIONS if output % 2 == 0 else LONG_SESSIONS
            observations[output, row] = min(count, window)
            if blocked == 0 and count < window:
                quality[output, row] = _NOT_READY
            elif blocked == 0:
                moments = own[2 * output : 2 * output + 2]
                value = log_return(prices[side, row], closes[row, (count - 1) & _DAY_MASK, side])
                delta = value - moments[0]
                squares = moments[1] + delta * delta * (window - 1) / window
                values[output, row] = _SCALE * np.sqrt(squares / (window - 1))
        observations[_RATIO, row] = min(count, LONG_SESSIONS)
        if quality[1, row] != 0:
            quality[_RATIO, row] = quality[1, row]
        elif values[3, row] <= 0.0:
            quality[_RATIO, row] = _CONSTANT
        else:
            values[_RATIO, row] = values[1, row] / values[3, row]
        _publish_rank(own, row, count, values, quality, observations)
    return len(rows)


class Volatility(WindowFamily):
    """Volatility over 21 and 63 sessions, the legs' ratio, and the numerator's rank in a year.

    `volatility_percentile:252d` is the mid-rank of the 21-session volatility among its values of
    the 252 sessions before; `volatility_regime` is 1 from the 80th percentile up, -1 from the 20th
    down, else 0.
    """

    name = "volatility"
    frequency = Frequency.DAY
    outputs = (
        Output("realised_volatility_pct", "21d"),
        Output("realised_volatility_pct", "63d"),
        Output("benchmark_realised_volatility_pct", "21d"),
        Output("benchmark_realised_volatility_pct", "63d"),
        Output("volatility_ratio", "63d"),
        Output("volatility_percentile", "252d"),
        Output("volatility_regime", ""),
    )
    derived_fields = _PAST + RANKED_SESSIONS

    @property
    def window_pass(self) -> Kernel:
        """Moments of both legs and windows."""
        return _day_pass
