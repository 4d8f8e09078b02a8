"""How a pair's returns go with changes of a yield: basis points of return per basis point.

Returns and changes are taken between neighbouring sessions that have closes and a yield: a bond
market's holiday is stepped over on both sides. Yields come with the history, so a session in
progress has none yet and shows what is known so far; after five sessions without one it is stale. How
long the sign has stood is told only in sessions that have a yield: in the others nothing has been seen.

Two estimates. Ordinary least squares over 63 changes; and least squares with weights that halve in
63 changes, updated recursively, whose standard error is that of as many equal weights as these are
worth: the squared sum of the weights over the sum of their squares.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.indicators.base import DayFamily, DayStep, Output
from core.indicators.day_rows import RUN_FIELDS, put_sign_run, put_unknown
from core.kernels.ew_moments import decay_of
from core.kernels.jit import BOOL, F8, I4, I8, U1, array_of, inlined, kernel
from core.kernels.returns import blocked_by
from core.kernels.rolling import clear_fields, copy_fields
from core.model.records import Frequency, Quality
from core.model.universe_file import SERIES_CLASSES
from core.partition.pair_days import DAY_SLOTS

CHANGES: Final = 63
HALF_LIFE_CHANGES: Final = 63
SLOTS: Final = 80
"""Sessions whose yield is kept: 64 of them must have one."""
MOST_SESSIONS_WITHOUT: Final = 5

_ROLE: Final = SERIES_CLASSES.index("rate")
_DAY_MASK: Final = DAY_SLOTS - 1
_NOT_READY: Final = int(Quality.NOT_READY)
_STALE: Final = int(Quality.STALE)
_CONSTANT: Final = int(Quality.CONSTANT)
_BP: Final = 1e4
_BP_PER_PERCENT: Final = 100.0

# State of a pair: yields by day number, then what is carried on.
_RUN: Final = SLOTS
_WEIGHTED: Final = SLOTS + RUN_FIELDS
# Fields of the weighted moments; x is the change, y the numerator's return, d the spread.
_COUNT: Final = 0
_WEIGHT: Final = 1
_SQUARES: Final = 2
_MEAN_X: Final = 3
_MEAN_Y: Final = 4
_MEAN_D: Final = 5
_XX: Final = 6
_YY: Final = 7
_DD: Final = 8
_XY: Final = 9
_XD: Final = 10
_WEIGHTED_FIELDS: Final = 11
_STATE_FIELDS: Final = _WEIGHTED + _WEIGHTED_FIELDS

# Derived for a session: the newest yield and its day; moments of the latest 62 and 63 changes.
_NEWEST: Final = 0
_YIELD: Final = 1
_OPEN: Final = 2
_FULL: Final = 9
_DERIVED_FIELDS: Final = 16
# Fields of those moments: count, means of x, numerator and benchmark, sums about them.
_SUM_XX: Final = 4
_SUM_XS: Final = 5
_SUM_XL: Final = 6

_SIGN: Final = 7
"""Number of the output `rate_beta_sign_sessions`; the weighted ones stand before it."""


@inlined
def _fold(moments, x, s, l):  # type: ignore[no-untyped-def]
    """Add one change and both legs' returns to sums about their means (Welford)."""
    count = moments[0] + 1.0
    delta = x - moments[1]
    moments[0] = count
    moments[1] += delta / count
    moments[2] += (s - moments[2]) / count
    moments[3] += (l - moments[3]) / count
    moments[_SUM_XX] += delta * (x - moments[1])
    moments[_SUM_XS] += delta * (s - moments[2])
    moments[_SUM_XL] += delta * (l - moments[3])


@inlined
def _derive(closes, row, count, yields, own):  # type: ignore[no-untyped-def]
    """Find the newest yield and sum the latest changes, from the newest back."""
    clear_fields(own, _DERIVED_FIELDS)
    own[_NEWEST] = -1.0
    later = -1
    for day in range(count - 1, max(count - SLOTS, 0) - 1, -1):
        if np.isnan(yields[day % SLOTS]):
            continue
        if later < 0:
            own[_NEWEST] = day
            own[_YIELD] = yields[day % SLOTS]
        else:
            now = closes[row, later & _DAY_MASK]
            then = closes[row, day & _DAY_MASK]
            x = _BP_PER_PERCENT * (yields[later % SLOTS] - yields[day % SLOTS])
            s = _BP * ((now[0] - then[0]) / then[0])
            l = _BP * ((now[1] - then[1]) / then[1])
            _fold(own[_FULL:], x, s, l)
            if own[_FULL] == CHANGES - 1:
                copy_fields(own[_OPEN:_FULL], own[_FULL:])
            if own[_FULL] == CHANGES:
                return
        later = day


@inlined
def _weigh(row, x, y, d, decay):  # type: ignore[no-untyped-def]
    """Fold one change into the weighted moments."""
    weight = decay * row[_WEIGHT] + 1.0
    share = 1.0 / weight
    delta_x = x - row[_MEAN_X]
    delta_y = y - row[_MEAN_Y]
    delta_d = d - row[_MEAN_D]
    row[_MEAN_X] += share * delta_x
    row[_MEAN_Y] += share * delta_y
    row[_MEAN_D] += share * delta_d
    row[_XX] = (1.0 - share) * (row[_XX] + share * delta_x * delta_x)
    row[_YY] = (1.0 - share) * (row[_YY] + share * delta_y * delta_y)
    row[_DD] = (1.0 - share) * (row[_DD] + share * delta_d * delta_d)
    row[_XY] = (1.0 - share) * (row[_XY] + share * delta_x * delta_y)
    row[_XD] = (1.0 - share) * (row[_XD] + share * delta_x * delta_d)
    row[_WEIGHT] = weight
    row[_SQUARES] = decay * decay * row[_SQUARES] + 1.0
    row[_COUNT] += 1.0


@inlined
def _slope(row, worth, xy, yy, output, pair, values):  # type: ignore[no-untyped-def]
    """Write a weighted slope and its standard error."""
    slope = row[xy] / row[_XX]
    residual = max(row[yy] - slope * row[xy], 0.0) * worth / (worth - 2.0)
    values[output, pair] = slope
    values[output + 1, pair] = np.sqrt(residual / (worth * row[_XX]))


@inlined
def _add_session(prices, closes, row, rate, own, work, window, decay):  # type: ignore[no-untyped-def]
    """Let the session's own change into both estimates, where it has a yield and a change."""
    copy_fields(window, own[_FULL:])
    if np.isnan(rate) or own[_NEWEST] < 0.0:
        return
    then = closes[row, int(own[_NEWEST]) & _DAY_MASK]
    x = _BP_PER_PERCENT * (rate - own[_YIELD])
    s = _BP * ((prices[0, row] - then[0]) / then[0])
    l = _BP * ((prices[1, row] - then[1]) / then[1])
    if own[_FULL] >= CHANGES - 1:
        copy_fields(window, own[_OPEN:_FULL])
    _fold(window, x, s, l)
    _weigh(work[_WEIGHTED:], x, s, s - l, decay)


@inlined
def _publish(row, window, work, rate, reason, values, quality, observations):  # type: ignore[no-untyped-def]
    """Write every output of a pair, or why it is unknown."""
    weighted = work[_WEIGHTED:]
    for output in range(_SIGN):
        used = window[0] if output < 3 else weighted[_COUNT]
        spread = window[_SUM_XX] if output < 3 else weighted[_XX]
        values[output, row] = np.nan
        observations[output, row] = int(used)
        quality[output, row] = reason
        if reason == 0 and used < CHANGES:
            quality[output, row] = _NOT_READY
        elif reason == 0 and spread <= 0.0:
            quality[output, row] = _CONSTANT
    if quality[0, row] == 0:
        values[0, row] = window[_SUM_XS] / window[_SUM_XX]
        values[1, row] = window[_SUM_XL] / window[_SUM_XX]
        values[2, row] = values[0, row] - values[1, row]
    if quality[3, row] == 0:
        worth = weighted[_WEIGHT] * weighted[_WEIGHT] / weighted[_SQUARES]
        _slope(weighted, worth, _XY, _YY, 3, row, values)
        _slope(weighted, worth, _XD, _DD, 5, row, values)
    run = work[_RUN:_WEIGHTED]
    if quality[0, row] == 0 and np.isnan(rate):  # the sign stands still, and so does its run
        put_unknown(values, quality, observations, _SIGN, row, _STALE, int(observations[0, row]))
    else:
        put_sign_run(_SIGN, row, run, values[0, row], quality[0, row], values, quality, observations)


@kernel(
    I8,
    array_of(I8, 2),
    array_of(F8, 2),
    array_of(I8, 3),
    array_of(I8),
    array_of(I4),
    array_of(F8, 2),
    array_of(I8),
    array_of(F8, 2),
    array_of(F8),
    array_of(F8, 2),
    array_of(U1, 2),
    array_of(I4, 2),
    F8,
    BOOL,
)
def _day_pass(  # type: ignore[no-untyped-def]
    prices, series, closes, counts, rows, state, derived_for, derived, work, values, quality, observations,
    decay, commit,
):  # fmt: skip
    window = work[_STATE_FIELDS:]
    for row in rows:
        count = counts[row]
        own = derived[row]
        carried = work[:_STATE_FIELDS]
        if derived_for[row] != count:
            _derive(closes, row, count, state[row], own)
            derived_for[row] = count
        rate = series[_ROLE, row]
        copy_fields(carried[_RUN:], state[row, _RUN:])
        reason = blocked_by(prices, row)
        if reason == 0:
            _add_session(prices, closes, row, rate, own, carried, window, decay)
            newest = own[_NEWEST] if np.isnan(rate) else float(count)
            if newest < 0.0:
                reason = _NOT_READY
            elif count - newest > MOST_SESSIONS_WITHOUT:
                reason = _STALE
        _publish(row, window, carried, rate, reason, values, quality, observations)
        if commit and prices[0, row] > 0 and prices[1, row] > 0:
            state[row, count % SLOTS] = rate
            copy_fields(state[row, _RUN:], carried[_RUN:])
    return len(rows)


class RateBeta(DayFamily):
    """Rate sensitivity of both legs and their spread, with standard errors and the run of its sign.

    `rate_beta_63d_bp` is the numerator's, `spread_…` the numerator's return less the benchmark's.
    """

    name = "rate_beta"
    frequency = Frequency.DAY
    outputs = (
        Output("rate_beta_63d_bp", ""),
        Output("benchmark_rate_beta_63d_bp", ""),
        Output("spread_rate_beta_63d_bp", ""),
        Output("rate_beta_ew_bp", ""),
        Output("rate_beta_ew_se_bp", ""),
        Output("spread_rate_beta_ew_bp", ""),
        Output("spread_rate_beta_ew_se_bp", ""),
        Output("rate_beta_sign_sessions", ""),
    )

    def __init__(self, pairs: int) -> None:
        super().__init__(pairs)
        self._state = np.zeros((1, pairs, _STATE_FIELDS))
        self._state[..., :SLOTS] = np.nan
        self._derived_for: NDArray[np.int64] = np.full(pairs, -1, np.int64)
        self._derived = np.zeros((pairs, _DERIVED_FIELDS))
        self._work = np.zeros(_STATE_FIELDS + _FULL - _OPEN)

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Yields of the latest sessions, the run of the sign, and the weighted moments."""
        return {"rates": self._state}

    def forget(self, rows: NDArray[np.int32]) -> None:
        """Sum the changes anew."""
        self._derived_for[rows] = -1

    def evaluate(self, step: DayStep, *, commit: bool) -> None:
        """Add the session's change of yield, where it has one."""
        _day_pass(
            step.prices,
            step.series,
            step.days.closes,
            step.days.counts,
            step.rows,
            self._state[0],
            self._derived_for,
            self._derived,
            self._work,
            self.values,
            self.quality,
            self.observations,
            decay_of(HALF_LIFE_CHANGES),
            commit,
        )
