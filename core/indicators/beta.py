"""Rolling beta and correlation of the legs' simple returns.

Over 63 returns between sessions that both legs have, and over 60 minutes inside the session.
One-second returns are not used: prices of the two legs are not simultaneous at that scale, which
pulls beta toward zero (T. W. Epps, Journal of the American Statistical Association 74 (1979) 291-298).
"""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from core.indicators.base import DayFamily, DayStep, Output, RingFamily, RingStep
from core.kernels.ew_moments import NORMAL_95, fisher_bound
from core.kernels.jit import BOOL, F8, I4, I8, U1, array_of, inlined, kernel
from core.kernels.rolling import (
    COMOMENT_FIELDS,
    COUNT,
    SINCE_RESUM,
    beta_of,
    clear_fields,
    comoments_add,
    comoments_remove,
    comoments_replace,
    comoments_worn,
    copy_fields,
    correlation_of,
)
from core.model.records import Frequency, Quality
from core.partition.pair_days import DAY_SLOTS

SESSIONS: Final = 63
MINUTES: Final = 60
LEAST_MINUTES: Final = 30
"""Returns an hour must hold before its beta is used."""

_DAY_MASK: Final = DAY_SLOTS - 1
_NOT_READY: Final = int(Quality.NOT_READY)
_CONSTANT: Final = int(Quality.CONSTANT)


@inlined
def _publish(work, least, row, blocked, values, quality, observations):  # type: ignore[no-untyped-def]
    """Write beta and correlation of a co-moment row, or why they are unknown."""
    values[0, row] = np.nan
    values[1, row] = np.nan
    observations[0, row] = int(work[COUNT])
    observations[1, row] = int(work[COUNT])
    reason = blocked
    if reason == 0 and work[COUNT] < least:
        reason = _NOT_READY
    quality[0, row] = reason
    quality[1, row] = reason
    if reason != 0:
        return
    values[0, row] = beta_of(work, least)
    values[1, row] = correlation_of(work, least)
    if np.isnan(values[0, row]):
        quality[0, row] = _CONSTANT
    if np.isnan(values[1, row]):
        quality[1, row] = _CONSTANT


@inlined
def _resum_days(closes, row, first, last, work):  # type: ignore[no-untyped-def]
    """Sum the returns that end at ring entries [first, last] anew."""
    clear_fields(work, COMOMENT_FIELDS)
    for index in range(first, last + 1):
        now = closes[row, index & _DAY_MASK]
        then = closes[row, (index - 1) & _DAY_MASK]
        comoments_add(work, (now[1] - then[1]) / then[1], (now[0] - then[0]) / then[0])


@kernel(
    I8,
    array_of(I8, 2),
    array_of(I8, 3),
    array_of(I8),
    array_of(I4),
    array_of(F8, 2),
    array_of(F8),
    array_of(F8, 2),
    array_of(U1, 2),
    array_of(I4, 2),
    BOOL,
)
def _day_pass(  # type: ignore[no-untyped-def]
    prices, closes, counts, rows, moments, work, values, quality, observations, commit
):
    for row in rows:
        copy_fields(work, moments[row])
        count = counts[row]
        s_now = prices[0, row]
        l_now = prices[1, row]
        blocked = 0
        if s_now <= 0 or l_now <= 0:
            blocked = -s_now if s_now <= 0 else -l_now
            blocked = max(blocked, _NOT_READY)
        elif count > 0:
            last = closes[row, (count - 1) & _DAY_MASK]
            y_new = (s_now - last[0]) / last[0]
            x_new = (l_now - last[1]) / last[1]
            if work[COUNT] < SESSIONS:
                comoments_add(work, x_new, y_new)
            else:
                left = closes[row, (count - SESSIONS) & _DAY_MASK]
                before = closes[row, (count - SESSIONS - 1) & _DAY_MASK]
                x_old = (left[1] - before[1]) / before[1]
                y_old = (left[0] - before[0]) / before[0]
                comoments_replace(work, x_old, y_old, x_new, y_new)
                if work[SINCE_RESUM] >= SESSIONS or comoments_worn(work):
                    _resum_days(closes, row, count - SESSIONS + 1, count - 1, work)
                    comoments_add(work, x_new, y_new)
            work[SINCE_RESUM] += 1.0
        _publish(work, SESSIONS, row, blocked, values, quality, observations)
        for output in range(2, 4):
            quality[output, row] = quality[1, row]
            observations[output, row] = observations[1, row]
            deviations = NORMAL_95 if output == 3 else -NORMAL_95
            values[output, row] = fisher_bound(values[1, row], SESSIONS, deviations)
        if commit and blocked == 0:
            copy_fields(moments[row], work)
    return len(rows)


class BetaDays(DayFamily):
    """Beta and correlation over 63 sessions, and the correlation's 95 % interval."""

    name = "beta_days"
    frequency = Frequency.DAY
    outputs = (
        Output("beta", "63d", "rotascope_beta"),
        Output("correlation", "63d", "rotascope_correlation"),
        Output("correlation_low", "63d"),
        Output("correlation_high", "63d"),
    )

    def __init__(self, pairs: int) -> None:
        super().__init__(pairs)
        self._moments = np.zeros((1, pairs, COMOMENT_FIELDS))
        self._work = np.zeros(COMOMENT_FIELDS)

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Co-moments of the finished sessions' returns."""
        return {"moments": self._moments}

    def evaluate(self, step: DayStep, *, commit: bool) -> None:
        """Let the session's return enter the window in place of the oldest."""
        _day_pass(
            step.prices,
            step.days.closes,
            step.days.counts,
            step.rows,
            self._moments[0],
            self._work,
            self.values,
            self.quality,
            self.observations,
            commit,
        )


@inlined
def _minute_return(prices, minute, numerator, benchmark, pair_return):  # type: ignore[no-untyped-def]
    """Returns of both legs over one minute; False where any of the four prices is unknown."""
    mask = prices.shape[0] - 1
    s_now = prices[minute & mask, numerator]
    l_now = prices[minute & mask, benchmark]
    s_then = prices[(minute - 1) & mask, numerator]
    l_then = prices[(minute - 1) & mask, benchmark]
    if s_now <= 0 or l_now <= 0 or s_then <= 0 or l_then <= 0:
        return False
    pair_return[0] = (l_now - l_then) / l_then
    pair_return[1] = (s_now - s_then) / s_then
    return True


@inlined
def _roll_minute(prices, now, since_open, numerator, benchmark, moment, pair_return):  # type: ignore[no-untyped-def]
    """Let the newest minute's return enter and the one of an hour ago leave."""
    leaving = since_open - MINUTES >= 1
    if leaving and _minute_return(prices, now - MINUTES, numerator, benchmark, pair_return):
        comoments_remove(moment, pair_return[0], pair_return[1])
    if since_open >= 1 and _minute_return(prices, now, numerator, benchmark, pair_return):
        comoments_add(moment, pair_return[0], pair_return[1])
    if moment[SINCE_RESUM] >= MINUTES or comoments_worn(moment):
        clear_fields(moment, COMOMENT_FIELDS)
        for minute in range(max(now - MINUTES + 1, now - since_open + 1), now + 1):
            if _minute_return(prices, minute, numerator, benchmark, pair_return):
                comoments_add(moment, pair_return[0], pair_return[1])
    moment[SINCE_RESUM] += 1.0


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
    BOOL,
)
def _minute_pass(  # type: ignore[no-untyped-def]
    prices,
    numerators,
    benchmarks,
    rows,
    now,
    since_open,
    moments,
    work,
    values,
    quality,
    observations,
    commit,
):
    mask = prices.shape[0] - 1
    pair_return = work[COMOMENT_FIELDS:]
    for row in rows:
        numerator = numerators[row]
        benchmark = benchmarks[row]
        moment = work[:COMOMENT_FIELDS]
        copy_fields(moment, moments[row])
        _roll_minute(prices, now, since_open, numerator, benchmark, moment, pair_return)
        s_now = prices[now & mask, numerator]
        l_now = prices[now & mask, benchmark]
        blocked = 0
        if s_now <= 0:
            blocked = max(-s_now, _NOT_READY)
        elif l_now <= 0:
            blocked = max(-l_now, _NOT_READY)
        _publish(moment, LEAST_MINUTES, row, blocked, values, quality, observations)
        if commit:
            copy_fields(moments[row], moment)
    return len(rows)


class BetaHour(RingFamily):
    """Beta and correlation of one-minute returns over the last hour of the session."""

    name = "beta_hour"
    frequency = Frequency.MINUTE
    outputs = (
        Output("beta", "1h", "rotascope_beta"),
        Output("correlation", "1h", "rotascope_correlation"),
    )
    least: ClassVar[int] = LEAST_MINUTES

    def __init__(self, pairs: int) -> None:
        super().__init__(pairs)
        self._moments = np.zeros((pairs, COMOMENT_FIELDS))
        self._work = np.zeros(COMOMENT_FIELDS + 2)

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Co-moments of the window in progress."""
        return {"moments": self._moments}

    def restart(self, rows: NDArray[np.int32]) -> None:
        """Empty the window; the next minute sums what the ring holds of it."""
        self._moments[rows] = 0.0
        self._moments[rows, SINCE_RESUM] = MINUTES

    def evaluate(self, step: RingStep, *, commit: bool) -> None:
        """Let the newest minute's return enter and the one of an hour ago leave."""
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
            commit,
        )
