"""Relative return over a horizon in units of its own lagged standard deviation.

z = dx_n / (sigma * sqrt(n)), with dx_n the log relative strength over n steps and sigma the
exponentially weighted standard deviation of one-step relative returns. Sigma excludes the returns inside
the horizon, so that a shock does not reduce its own z.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from core.indicators.base import DayFamily, Output, RingFamily
from core.indicators.day_rows import put_judged
from core.indicators.passes import PAIRS, day_pass, ring_pass, scratch, state
from core.kernels.codes import BENCHMARK, CONSTANT, DAY_MASK, NOT_READY, NUMERATOR, OK
from core.kernels.ew_moments import decay_of
from core.kernels.jit import inlined
from core.kernels.returns import blocked_by, blocked_legs, log_excess
from core.kernels.rolling import EW_COUNT, EW_FIELDS, EW_VARIANCE, copy_fields, ew_update
from core.model.records import Frequency
from core.model.windows import DAY_WINDOWS, SESSION_WINDOWS

HALF_LIFE_SESSIONS: Final = 63
HALF_LIFE_MINUTES: Final = 120
LEAST_RETURNS: Final = 60
"""Minimum number of returns behind sigma for z to be used."""

MINUTE_HORIZON: Final = 15
_HORIZONS: Final = DAY_WINDOWS[:3]
_SESSIONS: Final = tuple(dict(SESSION_WINDOWS)[horizon] for horizon in _HORIZONS)
_DAY_DECAY: Final = decay_of(HALF_LIFE_SESSIONS)
_MINUTE_DECAY: Final = decay_of(HALF_LIFE_MINUTES)


@inlined
def _publish(output, row, moment, excess, steps, blocked, values, quality, observations):
    """Write z, or the reason why it is unknown."""
    reason = blocked
    if reason == OK and moment[EW_COUNT] < LEAST_RETURNS:
        reason = NOT_READY
    elif reason == OK and moment[EW_VARIANCE] <= 0.0:
        reason = CONSTANT
    value = np.nan
    if reason == OK:
        value = excess / (np.sqrt(moment[EW_VARIANCE]) * np.sqrt(steps))
    put_judged(values, quality, observations, output, row, value, reason, int(moment[EW_COUNT]))


@day_pass(moments=state(len(_HORIZONS), PAIRS, EW_FIELDS), work=scratch(EW_FIELDS))
def _day_pass(prices, bases, closes, counts, rows, moments, work, values, quality, observations, commit):
    for horizon in range(len(_HORIZONS)):
        steps = _SESSIONS[horizon]
        for row in rows:
            copy_fields(work, moments[horizon, row])
            blocked = blocked_by(prices, row)
            known = blocked == OK
            index = counts[row] - steps
            if known and index >= 1:
                now = closes[row, index & DAY_MASK]
                then = closes[row, (index - 1) & DAY_MASK]
                ew_update(work, log_excess(now[0], now[1], then[0], then[1]), _DAY_DECAY)
            excess = 0.0
            s_then = bases[horizon, NUMERATOR, row]
            l_then = bases[horizon, BENCHMARK, row]
            if known and (s_then <= 0 or l_then <= 0):
                blocked = NOT_READY
            elif known:
                excess = log_excess(prices[NUMERATOR, row], prices[BENCHMARK, row], s_then, l_then)
            _publish(horizon, row, work, excess, steps, blocked, values, quality, observations)
            if commit and known:
                copy_fields(moments[horizon, row], work)


class ZScoreDays(DayFamily):
    """z of the relative return over 1, 5 and 21 sessions; sigma has a half-life of 63 sessions."""

    name = "zscore_days"
    outputs = tuple(Output("relative_return_zscore", window) for window in _HORIZONS)
    evaluation = _day_pass


@ring_pass(moments=state(PAIRS, EW_FIELDS), work=scratch(EW_FIELDS))
def _minute_pass(
    ring, numerators, benchmarks, rows, now, since_open, moments, work, values, quality, observations, commit
):
    mask = ring.shape[0] - 1
    for row in rows:
        copy_fields(work, moments[row])
        numerator = numerators[row]
        benchmark = benchmarks[row]
        s_then = ring[(now - MINUTE_HORIZON) & mask, numerator]
        l_then = ring[(now - MINUTE_HORIZON) & mask, benchmark]
        base_known = since_open >= MINUTE_HORIZON and s_then > 0 and l_then > 0
        if base_known and since_open > MINUTE_HORIZON:
            s_before = ring[(now - MINUTE_HORIZON - 1) & mask, numerator]
            l_before = ring[(now - MINUTE_HORIZON - 1) & mask, benchmark]
            if s_before > 0 and l_before > 0:
                ew_update(work, log_excess(s_then, l_then, s_before, l_before), _MINUTE_DECAY)
        s_now = ring[now & mask, numerator]
        l_now = ring[now & mask, benchmark]
        blocked = blocked_legs(s_now, l_now)
        excess = 0.0
        if blocked == OK and not base_known:
            blocked = NOT_READY
        elif blocked == OK:
            excess = log_excess(s_now, l_now, s_then, l_then)
        _publish(0, row, work, excess, MINUTE_HORIZON, blocked, values, quality, observations)
        if commit:
            copy_fields(moments[row], work)


class ZScoreMinutes(RingFamily):
    """z of the relative return over 15 minutes; sigma of one-minute returns, half-life 120.

    The horizon restarts at the open; sigma continues across sessions, because it excludes overnight
    returns.
    """

    name = "zscore_minutes"
    frequency = Frequency.MINUTE
    outputs = (Output("relative_return_zscore", "15m"),)
    evaluation = _minute_pass
