"""Relative return over a horizon in units of its own lagged standard deviation.

z = dx_n / (sigma * sqrt(n)), with dx_n the log relative strength over n steps and sigma the
exponentially weighted standard deviation of one-step relative returns. The returns inside the
horizon are kept out of sigma: a shock measured with itself would shrink itself.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.indicators.base import DayFamily, DayStep, Output, RingFamily, RingStep
from core.kernels.jit import BOOL, F8, I4, I8, U1, array_of, inlined, kernel
from core.kernels.returns import log_excess
from core.kernels.rolling import EW_COUNT, EW_FIELDS, EW_VARIANCE, copy_fields, ew_update
from core.model.records import Frequency, Quality
from core.model.windows import SESSION_WINDOWS
from core.partition.pair_days import DAY_SLOTS

HALF_LIFE_SESSIONS: Final = 63
HALF_LIFE_MINUTES: Final = 120
LEAST_RETURNS: Final = 60
"""Returns sigma must rest on before z is used."""

MINUTE_HORIZON: Final = 15
_HORIZONS: Final = ("1d", "5d", "21d")
_METRIC: Final = "rotascope_relative_return_zscore"
_DAY_MASK: Final = DAY_SLOTS - 1
_NOT_READY: Final = int(Quality.NOT_READY)
_CONSTANT: Final = int(Quality.CONSTANT)


@inlined
def _publish(output, row, moment, excess, steps, blocked, values, quality):  # type: ignore[no-untyped-def]
    """Write z, or why it is unknown."""
    values[output, row] = np.nan
    if blocked != 0:
        quality[output, row] = blocked
    elif moment[EW_COUNT] < LEAST_RETURNS:
        quality[output, row] = _NOT_READY
    elif moment[EW_VARIANCE] <= 0.0:
        quality[output, row] = _CONSTANT
    else:
        values[output, row] = excess / (np.sqrt(moment[EW_VARIANCE]) * np.sqrt(steps))
        quality[output, row] = 0


@kernel(
    I8,
    array_of(I8, 2),
    array_of(I8, 3),
    array_of(I8, 3),
    array_of(I8),
    array_of(I4),
    array_of(I4),
    array_of(F8, 3),
    array_of(F8),
    array_of(F8, 2),
    array_of(U1, 2),
    array_of(I4, 2),
    F8,
    BOOL,
)
def _day_pass(  # type: ignore[no-untyped-def]
    prices, bases, closes, counts, rows, horizons, moments, work, values, quality, observations, decay, commit
):
    for horizon in range(len(horizons)):
        steps = horizons[horizon]
        for row in rows:
            copy_fields(work, moments[horizon, row])
            known = prices[0, row] > 0 and prices[1, row] > 0
            index = counts[row] - steps
            if known and index >= 1:
                now = closes[row, index & _DAY_MASK]
                then = closes[row, (index - 1) & _DAY_MASK]
                ew_update(work, log_excess(now[0], now[1], then[0], then[1]), decay)
            blocked = 0
            excess = 0.0
            if not known:
                blocked = max(-prices[0, row] if prices[0, row] <= 0 else -prices[1, row], _NOT_READY)
            elif bases[horizon, 0, row] <= 0 or bases[horizon, 1, row] <= 0:
                blocked = _NOT_READY
            else:
                excess = log_excess(
                    prices[0, row], prices[1, row], bases[horizon, 0, row], bases[horizon, 1, row]
                )
            observations[horizon, row] = int(work[EW_COUNT])
            _publish(horizon, row, work, excess, steps, blocked, values, quality)
            if commit and known:
                copy_fields(moments[horizon, row], work)
    return len(rows)


class ZScoreDays(DayFamily):
    """z of the relative return over 1, 5 and 21 sessions; sigma has a half-life of 63 sessions."""

    name = "zscore_days"
    frequency = Frequency.DAY
    outputs = tuple(Output("relative_return_zscore", window, _METRIC) for window in _HORIZONS)

    def __init__(self, pairs: int) -> None:
        super().__init__(pairs)
        self._moments = np.zeros((len(_HORIZONS), pairs, EW_FIELDS))
        self._work = np.zeros(EW_FIELDS)
        lengths = dict(SESSION_WINDOWS)
        self._horizons = np.array([lengths[window] for window in _HORIZONS], np.int32)

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Exponentially weighted moments, one row per horizon and pair."""
        return {"moments": self._moments}

    def evaluate(self, step: DayStep, *, commit: bool) -> None:
        """Fold the return that has just left the horizon into sigma, then measure the horizon."""
        _day_pass(
            step.prices,
            step.bases,
            step.days.closes,
            step.days.counts,
            step.rows,
            self._horizons,
            self._moments,
            self._work,
            self.values,
            self.quality,
            self.observations,
            0.5 ** (1.0 / HALF_LIFE_SESSIONS),
            commit,
        )


@kernel(
    I8,
    array_of(I8, 2),
    array_of(I4),
    array_of(I4),
    array_of(I4),
    I8,
    I8,
    array_of(F8, 2),
    array_of(F8),
    array_of(F8, 2),
    array_of(U1, 2),
    array_of(I4, 2),
    F8,
    BOOL,
)
def _minute_pass(  # type: ignore[no-untyped-def]
    prices, numerators, benchmarks, rows, now, since_open, moments, work, values, quality, observations,
    decay, commit,
):  # fmt: skip
    mask = prices.shape[0] - 1
    for row in rows:
        copy_fields(work, moments[row])
        numerator = numerators[row]
        benchmark = benchmarks[row]
        s_then = prices[(now - MINUTE_HORIZON) & mask, numerator]
        l_then = prices[(now - MINUTE_HORIZON) & mask, benchmark]
        base_known = since_open >= MINUTE_HORIZON and s_then > 0 and l_then > 0
        if base_known and since_open > MINUTE_HORIZON:
            s_before = prices[(now - MINUTE_HORIZON - 1) & mask, numerator]
            l_before = prices[(now - MINUTE_HORIZON - 1) & mask, benchmark]
            if s_before > 0 and l_before > 0:
                ew_update(work, log_excess(s_then, l_then, s_before, l_before), decay)
        s_now = prices[now & mask, numerator]
        l_now = prices[now & mask, benchmark]
        blocked = 0
        excess = 0.0
        if s_now <= 0 or l_now <= 0:
            blocked = max(-s_now if s_now <= 0 else -l_now, _NOT_READY)
        elif not base_known:
            blocked = _NOT_READY
        else:
            excess = log_excess(s_now, l_now, s_then, l_then)
        observations[0, row] = int(work[EW_COUNT])
        _publish(0, row, work, excess, MINUTE_HORIZON, blocked, values, quality)
        if commit:
            copy_fields(moments[row], work)
    return len(rows)


class ZScoreMinutes(RingFamily):
    """z of the relative return over 15 minutes; sigma of one-minute returns, half-life 120.

    The horizon starts anew at the open; sigma goes on from session to session, because it never
    sees the return over night.
    """

    name = "zscore_minutes"
    frequency = Frequency.MINUTE
    outputs = (Output("relative_return_zscore", "15m", _METRIC),)

    def __init__(self, pairs: int) -> None:
        super().__init__(pairs)
        self._moments = np.zeros((pairs, EW_FIELDS))
        self._work = np.zeros(EW_FIELDS)

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Exponentially weighted moments, one row per pair."""
        return {"moments": self._moments}

    def evaluate(self, step: RingStep, *, commit: bool) -> None:
        """Fold the minute that has just left the horizon into sigma, then measure the horizon."""
        _minute_pass(
            step.prices,
            step.numerators,
            step.benchmarks,
            step.rows,
            step.now,
            step.since_open,
            self._moments,
            self._work,
            self.values,
            self.quality,
            self.observations,
            0.5 ** (1.0 / HALF_LIFE_MINUTES),
            commit,
        )
