"""How many signs say that the numerator has run too far: five of them, counted, and told by name.

    1  two standard deviations or more above its average over 50 sessions
    2  distance from its average over 200 sessions at or above the 95th percentile of a year's
    4  Wilder's index over 14 sessions at or above 70
    8  volume at least twice the plain mean of the 63 sessions before
    16 five sessions in a row with a gain of one percent or more

A volume that is not known, as an index has none, counts as no sign; `observations` says how many
of the five could be looked at. The index follows from the ring of closes: its seed is 240 changes old
and weighs less than a ten-millionth of a point.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.indicators.base import DayFamily, DayStep, Output
from core.indicators.windows import NEVER_DERIVED
from core.kernels.jit import F8, I4, I8, U1, array_of, inlined, kernel
from core.kernels.returns import blocked_by
from core.kernels.sorted_window import mid_rank, sorted_insert, sorted_replace
from core.model.records import Frequency, Quality
from core.partition.pair_days import DAY_SLOTS

SHORT: Final = 50
LONG: Final = 200
RANKED_SESSIONS: Final = 252
PERIOD: Final = 14
INDEX_CHANGES: Final = 240
VOLUMES: Final = 63
LEAST_VOLUMES: Final = 57
"""Nine tenths of them."""
DISTANCE_SD: Final = 2.0
PERCENTILE: Final = 95.0
INDEX: Final = 70.0
VOLUME_RATIO: Final = 2.0
GAIN_PCT: Final = 1
STREAK_SESSIONS: Final = 5

_DAY_MASK: Final = DAY_SLOTS - 1
_NOT_READY: Final = int(Quality.NOT_READY)
_LEAST_DAYS: Final = RANKED_SESSIONS + LONG - 1
_OUTPUTS: Final = 3
# Derived for a session, of the finished ones: mean and squares of the closes in the short average
# from its first; sum of the long one; average gain and loss; mean volume, NaN where too few are
# known; sessions of gain in a row; then a year's distances in ascending order.
_SHORT_MEAN: Final = 0
_SHORT_SQUARES: Final = 1
_LONG_SUM: Final = 2
_GAIN: Final = 3
_LOSS: Final = 4
_VOLUME: Final = 5
_STREAK: Final = 6
_DISTANCES: Final = 7
_DERIVED_FIELDS: Final = _DISTANCES + RANKED_SESSIONS


@inlined
def _long_sum(closes, row, last):  # type: ignore[no-untyped-def]
    """Sum of the long average's closes that ends with a day: an integer, so exact."""
    total = 0
    for day in range(last - LONG + 1, last + 1):
        total += closes[row, day & _DAY_MASK, 0]
    return total


@inlined
def _distance(price, total):  # type: ignore[no-untyped-def]
    """How far a price is from its average, as a fraction of that."""
    return (LONG * price - total) / total


@inlined
def _rank_distances(closes, row, count, moved_one, ordered):  # type: ignore[no-untyped-def]
    """A year's distances of finished days in order: the same bits whenever one is asked for."""
    newest = count - 1
    if moved_one and count > _LEAST_DAYS:
        gone = newest - RANKED_SESSIONS
        leaving = _distance(closes[row, gone & _DAY_MASK, 0], _long_sum(closes, row, gone))
        entering = _distance(closes[row, newest & _DAY_MASK, 0], _long_sum(closes, row, newest))
        sorted_replace(ordered, RANKED_SESSIONS, leaving, entering)
        return
    total = _long_sum(closes, row, newest)
    for held in range(RANKED_SESSIONS):
        day = newest - held
        price = closes[row, day & _DAY_MASK, 0]
        sorted_insert(ordered, held, _distance(price, total))
        total += closes[row, (day - LONG) & _DAY_MASK, 0] - price


@inlined
def _gained(now, then):  # type: ignore[no-untyped-def]
    """Whether a price is a percent or more above another; integers, compared without rounding."""
    return 100 * (now - then) >= GAIN_PCT * then


@inlined
def _derive(closes, volumes, row, count, own):  # type: ignore[no-untyped-def]
    """What the finished sessions contribute, apart from the ranked distances."""
    mean = 0.0
    squares = 0.0
    first = float(closes[row, (count - SHORT + 1) & _DAY_MASK, 0])
    for held in range(SHORT - 1):
        value = closes[row, (count - SHORT + 1 + held) & _DAY_MASK, 0] / first
        delta = value - mean
        mean += delta / (held + 1)
        squares += delta * (value - mean)
    own[_SHORT_MEAN] = mean
    own[_SHORT_SQUARES] = squares
    own[_LONG_SUM] = _long_sum(closes, row, count - 1) - closes[row, (count - LONG) & _DAY_MASK, 0]
    gain = 0.0
    loss = 0.0
    streak = 0
    for held in range(INDEX_CHANGES):
        day = count - INDEX_CHANGES + held
        now = closes[row, day & _DAY_MASK, 0]
        then = closes[row, (day - 1) & _DAY_MASK, 0]
        weight = min(held + 1, PERIOD)
        gain += (max(now - then, 0) - gain) / weight
        loss += (max(then - now, 0) - loss) / weight
        streak = streak + 1 if _gained(now, then) else 0
    own[_GAIN] = gain
    own[_LOSS] = loss
    own[_STREAK] = streak
    known = 0
    total = 0.0
    for day in range(count - VOLUMES, count):
        if volumes[row, day & _DAY_MASK, 0] >= 0:
            known += 1
            total += volumes[row, day & _DAY_MASK, 0]
    own[_VOLUME] = total / known if known >= LEAST_VOLUMES else np.nan


@inlined
def _count_signs(price, last, volume, first, own, row, values, observations):  # type: ignore[no-untyped-def]
    """Look at each sign with the session's price and volume, and write what was found."""
    delta = price / first - own[_SHORT_MEAN]
    squares = own[_SHORT_SQUARES] + delta * delta * (SHORT - 1) / SHORT
    deviation = np.sqrt(squares / (SHORT - 1))
    distance = delta * (SHORT - 1) / SHORT  # from the mean that holds the price itself
    signs = 1 if distance > 0.0 and distance >= DISTANCE_SD * deviation else 0
    far = _distance(price, own[_LONG_SUM] + price)
    percentile = 100.0 * mid_rank(own[_DISTANCES:], RANKED_SESSIONS, far)
    signs += 2 if percentile >= PERCENTILE else 0
    gain = own[_GAIN] + (max(price - last, 0) - own[_GAIN]) / PERIOD
    loss = own[_LOSS] + (max(last - price, 0) - own[_LOSS]) / PERIOD
    signs += 4 if gain > 0.0 and 100.0 * gain >= INDEX * (gain + loss) else 0
    known = volume >= 0 and not np.isnan(own[_VOLUME]) and own[_VOLUME] > 0.0
    signs += 8 if known and volume >= VOLUME_RATIO * own[_VOLUME] else 0
    streak = own[_STREAK] + 1.0 if _gained(price, last) else 0.0
    signs += 16 if streak >= STREAK_SESSIONS else 0
    total = 0
    for bit in range(5):
        total += (signs >> bit) & 1
    values[0, row] = total
    values[1, row] = signs
    values[2, row] = percentile
    observations[0, row] = 5 if known else 4
    observations[1, row] = observations[0, row]


@kernel(
    I8,
    array_of(I8, 2),
    array_of(I8, 2),
    array_of(I8, 3),
    array_of(I8, 3),
    array_of(I8),
    array_of(I4),
    array_of(I8),
    array_of(F8, 2),
    array_of(F8, 2),
    array_of(U1, 2),
    array_of(I4, 2),
)
def _day_pass(  # type: ignore[no-untyped-def]
    prices, volumes, closes, past_volumes, counts, rows, derived_for, derived, values, quality, observations
):
    for row in rows:
        count = counts[row]
        own = derived[row]
        if derived_for[row] != count and count >= _LEAST_DAYS:
            _rank_distances(closes, row, count, derived_for[row] == count - 1, own[_DISTANCES:])
            _derive(closes, past_volumes, row, count, own)
            derived_for[row] = count
        reason = blocked_by(prices, row)
        if reason == 0 and count < _LEAST_DAYS:
            reason = _NOT_READY
        for output in range(_OUTPUTS):
            values[output, row] = np.nan
            quality[output, row] = reason
            observations[output, row] = min(count, RANKED_SESSIONS)
        if reason == 0:
            last = closes[row, (count - 1) & _DAY_MASK, 0]
            first = float(closes[row, (count - SHORT + 1) & _DAY_MASK, 0])
            _count_signs(prices[0, row], last, volumes[0, row], first, own, row, values, observations)
    return len(rows)


class Overheating(DayFamily):
    """How many of the five signs hold, which (the sum of their numbers), and the distance's percentile."""

    name = "overheating"
    frequency = Frequency.DAY
    outputs = (
        Output("overheating_count", ""),
        Output("overheating_signs", ""),
        Output("ma200_distance_percentile", "252d"),
    )

    def __init__(self, pairs: int) -> None:
        super().__init__(pairs)
        self._derived_for: NDArray[np.int64] = np.full(pairs, NEVER_DERIVED, np.int64)
        self._derived = np.zeros((pairs, _DERIVED_FIELDS))

    def forget(self, rows: NDArray[np.int32]) -> None:
        """Derive anew what follows from finished days."""
        self._derived_for[rows] = NEVER_DERIVED

    def evaluate(self, step: DayStep, *, commit: bool) -> None:
        """Add the session to what the finished ones gave; there is no state."""
        _day_pass(
            step.prices,
            step.volumes,
            step.days.closes,
            step.days.volumes,
            step.days.counts,
            step.rows,
            self._derived_for,
            self._derived,
            self.values,
            self.quality,
            self.observations,
        )
