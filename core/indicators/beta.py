"""Rolling beta and correlation of the legs' simple returns.

Over 63 returns between sessions with prices of both legs, and over 60 minutes of the session.
One-second returns are not used: at that scale the legs' prices are not simultaneous, which
biases beta toward zero (T. W. Epps, Journal of the American Statistical Association 74 (1979) 291-298).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.indicators.base import DayFamily, Output, RingFamily
from core.indicators.day_rows import put, put_judged, put_unknown
from core.indicators.passes import PAIRS, day_pass, ring_pass, scratch, state
from core.kernels.codes import BENCHMARK, DAY_MASK, NOT_READY, NUMERATOR, OK
from core.kernels.ew_moments import NORMAL_95, fisher_bound
from core.kernels.jit import inlined
from core.kernels.returns import blocked_by, blocked_legs, simple_return
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
from core.model.records import Frequency

SESSIONS: Final = 63
MINUTES: Final = 60
LEAST_MINUTES: Final = 30
"""Minimum number of returns in an hour for its beta to be used."""

_BETA, _CORRELATION, _LOW, _HIGH = range(4)  # outputs; the hour has only the first two


@inlined
def _publish(work, least, row, blocked, values, quality, observations):
    """Write beta and correlation of a co-moment row, or why they are unknown."""
    count = int(work[COUNT])
    if blocked != OK or work[COUNT] < least:
        reason = max(blocked, NOT_READY)
        put_unknown(values, quality, observations, _BETA, row, reason, count)
        put_unknown(values, quality, observations, _CORRELATION, row, reason, count)
    else:
        put(values, quality, observations, _BETA, row, beta_of(work, least), count)
        put(values, quality, observations, _CORRELATION, row, correlation_of(work, least), count)


@inlined
def _resum_days(closes, row, first, last, work):
    """Recompute the sums over the returns that end at ring entries [first, last]."""
    clear_fields(work, COMOMENT_FIELDS)
    for index in range(first, last + 1):
        now = closes[row, index & DAY_MASK]
        then = closes[row, (index - 1) & DAY_MASK]
        comoments_add(work, simple_return(now[1], then[1]), simple_return(now[0], then[0]))


@day_pass(moments=state(1, PAIRS, COMOMENT_FIELDS), work=scratch(COMOMENT_FIELDS))
def _day_pass(prices, closes, counts, rows, moments, work, values, quality, observations, commit):
    for row in rows:
        copy_fields(work, moments[0, row])
        count = counts[row]
        blocked = blocked_by(prices, row)
        if blocked == OK and count > 0:
            last = closes[row, (count - 1) & DAY_MASK]
            y_new = simple_return(prices[NUMERATOR, row], last[0])
            x_new = simple_return(prices[BENCHMARK, row], last[1])
            if work[COUNT] < SESSIONS:
                comoments_add(work, x_new, y_new)
            else:
                left = closes[row, (count - SESSIONS) & DAY_MASK]
                before = closes[row, (count - SESSIONS - 1) & DAY_MASK]
                x_old = simple_return(left[1], before[1])
                y_old = simple_return(left[0], before[0])
                comoments_replace(work, x_old, y_old, x_new, y_new)
                if work[SINCE_RESUM] >= SESSIONS or comoments_worn(work):
                    _resum_days(closes, row, count - SESSIONS + 1, count - 1, work)
                    comoments_add(work, x_new, y_new)
            work[SINCE_RESUM] += 1.0
        _publish(work, SESSIONS, row, blocked, values, quality, observations)
        for output in (_LOW, _HIGH):
            deviations = NORMAL_95 if output == _HIGH else -NORMAL_95
            bound = fisher_bound(values[_CORRELATION, row], SESSIONS, deviations)
            reason, count = quality[_CORRELATION, row], observations[_CORRELATION, row]
            put_judged(values, quality, observations, output, row, bound, reason, count)
        if commit and blocked == OK:
            copy_fields(moments[0, row], work)


class BetaDays(DayFamily):
    """Beta and correlation over 63 sessions, and the correlation's 95 % interval."""

    name = "beta_days"
    outputs = (
        Output("beta", "63d"),
        Output("correlation", "63d"),
        Output("correlation_low", "63d"),
        Output("correlation_high", "63d"),
    )
    evaluation = _day_pass


@inlined
def _minute_return(ring, minute, numerator, benchmark, pair_return):
    """Returns of both legs over one minute; False where any of the four prices is unknown."""
    mask = ring.shape[0] - 1
    s_now = ring[minute & mask, numerator]
    l_now = ring[minute & mask, benchmark]
    s_then = ring[(minute - 1) & mask, numerator]
    l_then = ring[(minute - 1) & mask, benchmark]
    if s_now <= 0 or l_now <= 0 or s_then <= 0 or l_then <= 0:
        return False
    pair_return[0] = simple_return(l_now, l_then)
    pair_return[1] = simple_return(s_now, s_then)
    return True


@inlined
def _roll_minute(ring, now, since_open, numerator, benchmark, moment, pair_return):
    """Add the newest minute's return to the window and remove the one of an hour ago."""
    leaving = since_open - MINUTES >= 1
    if leaving and _minute_return(ring, now - MINUTES, numerator, benchmark, pair_return):
        comoments_remove(moment, pair_return[0], pair_return[1])
    if since_open >= 1 and _minute_return(ring, now, numerator, benchmark, pair_return):
        comoments_add(moment, pair_return[0], pair_return[1])
    if moment[SINCE_RESUM] >= MINUTES or comoments_worn(moment):
        clear_fields(moment, COMOMENT_FIELDS)
        for minute in range(max(now - MINUTES + 1, now - since_open + 1), now + 1):
            if _minute_return(ring, minute, numerator, benchmark, pair_return):
                comoments_add(moment, pair_return[0], pair_return[1])
    moment[SINCE_RESUM] += 1.0


@ring_pass(moments=state(PAIRS, COMOMENT_FIELDS), work=scratch(COMOMENT_FIELDS), pair_return=scratch(2))
def _minute_pass(
    ring, numerators, benchmarks, rows, now, since_open,
    moments, work, pair_return, values, quality, observations, commit,
):  # fmt: skip
    current = ring[now & (ring.shape[0] - 1)]
    for row in rows:
        copy_fields(work, moments[row])
        _roll_minute(ring, now, since_open, numerators[row], benchmarks[row], work, pair_return)
        blocked = blocked_legs(current[numerators[row]], current[benchmarks[row]])
        _publish(work, LEAST_MINUTES, row, blocked, values, quality, observations)
        if commit:
            copy_fields(moments[row], work)


class BetaHour(RingFamily):
    """Beta and correlation of one-minute returns over the last hour of the session."""

    name = "beta_hour"
    frequency = Frequency.MINUTE
    outputs = (
        Output("beta", "1h"),
        Output("correlation", "1h"),
    )
    evaluation = _minute_pass

    def restart(self, rows: NDArray[np.int32]) -> None:
        """Empty the window; the next minute recomputes the sums from the ring."""
        moments = self.arrays["moments"]
        moments[rows] = 0.0
        moments[rows, SINCE_RESUM] = MINUTES
