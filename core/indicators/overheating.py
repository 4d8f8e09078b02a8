"""Overheating of the numerator: how many of five signs hold, and which.

    1  two standard deviations or more above its average over 50 sessions
    2  distance from its average over 200 sessions at or above the 95th percentile of the past year's
    4  Wilder's index over 14 sessions at or above 70
    8  volume at least twice the plain mean of the 63 sessions before
    16 five sessions in a row with a gain of one percent or more

An unknown volume, as for an index, does not count as a sign; `observations` is the number of signs that
could be evaluated. Where volume is among them, the quality says which (`core.indicators.volume_kinds`).
The index is computed from the ring of closes: its seed is 240 changes old and its weight is below a
ten-millionth of a point.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from core.indicators.base import DayFamily, Output
from core.indicators.day_rows import put, put_all_unknown
from core.indicators.passes import PAIRS, day_pass, derived
from core.indicators.volume_kinds import volume_quality
from core.kernels.codes import DAY_MASK, NOT_READY, NUMERATOR, OK
from core.kernels.jit import inlined
from core.kernels.returns import blocked_by
from core.kernels.sorted_window import mid_rank, sorted_insert, sorted_replace

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

_COUNT, _SIGNS, _PERCENTILE = range(3)  # outputs
_ABOVE_AVERAGE, _FAR_ABOVE_LONG, _INDEX_HIGH, _VOLUME_HIGH, _STREAK_LONG = 1, 2, 4, 8, 16  # signs
_MOST_SIGNS: Final = 5
_LEAST_DAYS: Final = RANKED_SESSIONS + LONG - 1
# Derived from the finished sessions: mean and squares of the short average's closes, relative to its
# first; sum of the long average; average gain and loss; mean volume, NaN if too few are known; number of
# volumes in it, and of those summed from trades; consecutive sessions of gain; then a year's distances in
# ascending order.
_SHORT_MEAN, _SHORT_SQUARES, _LONG_SUM, _GAIN, _LOSS = range(5)
_VOLUME, _VOLUMES, _TRADED, _STREAK, _DISTANCES = range(5, 10)
_DERIVED_FIELDS: Final = _DISTANCES + RANKED_SESSIONS


@inlined
def _long_sum(closes, row, last):
    """Sum of the long average's closes up to a day, as an exact integer."""
    total = 0
    for day in range(last - LONG + 1, last + 1):
        total += closes[row, day & DAY_MASK, 0]
    return total


@inlined
def _distance(price, total):
    """Distance of a price from its average, as a fraction of the average."""
    return (LONG * price - total) / total


@inlined
def _rank_distances(closes, row, count, moved_one, ordered):
    """Sort a year's distances of finished days; recomputed distances have the same bits."""
    newest = count - 1
    if moved_one and count > _LEAST_DAYS:
        gone = newest - RANKED_SESSIONS
        leaving = _distance(closes[row, gone & DAY_MASK, 0], _long_sum(closes, row, gone))
        entering = _distance(closes[row, newest & DAY_MASK, 0], _long_sum(closes, row, newest))
        sorted_replace(ordered, RANKED_SESSIONS, leaving, entering)
        return
    total = _long_sum(closes, row, newest)
    for held in range(RANKED_SESSIONS):
        day = newest - held
        price = closes[row, day & DAY_MASK, 0]
        sorted_insert(ordered, held, _distance(price, total))
        total += closes[row, (day - LONG) & DAY_MASK, 0] - price


@inlined
def _gained(now, then):
    """Whether a price is at least one percent above another; integers, compared without rounding."""
    return 100 * (now - then) >= GAIN_PCT * then


@inlined
def _derive(closes, past_volumes, past_traded, row, count, own):
    """Derive everything from the finished sessions except the ranked distances."""
    mean = 0.0
    squares = 0.0
    first = float(closes[row, (count - SHORT + 1) & DAY_MASK, 0])
    for held in range(SHORT - 1):
        value = closes[row, (count - SHORT + 1 + held) & DAY_MASK, 0] / first
        delta = value - mean
        mean += delta / (held + 1)
        squares += delta * (value - mean)
    own[_SHORT_MEAN] = mean
    own[_SHORT_SQUARES] = squares
    own[_LONG_SUM] = _long_sum(closes, row, count - 1) - closes[row, (count - LONG) & DAY_MASK, 0]
    gain = 0.0
    loss = 0.0
    streak = 0
    for held in range(INDEX_CHANGES):
        day = count - INDEX_CHANGES + held
        now = closes[row, day & DAY_MASK, 0]
        then = closes[row, (day - 1) & DAY_MASK, 0]
        weight = min(held + 1, PERIOD)
        gain += (max(now - then, 0) - gain) / weight
        loss += (max(then - now, 0) - loss) / weight
        streak = streak + 1 if _gained(now, then) else 0
    own[_GAIN] = gain
    own[_LOSS] = loss
    own[_STREAK] = streak
    known = 0
    traded = 0
    total = 0.0
    for day in range(count - VOLUMES, count):
        if past_volumes[row, day & DAY_MASK, 0] > 0:
            known += 1
            traded += past_traded[row, day & DAY_MASK, 0]
            total += past_volumes[row, day & DAY_MASK, 0]
    own[_VOLUMES] = known
    own[_TRADED] = traded
    own[_VOLUME] = total / known if known >= LEAST_VOLUMES else np.nan


@inlined
def _find_signs(price, last, volume, first, own):
    """Evaluate each sign with the session's price and volume.

    Args:
        price: The session's price.
        last: The previous close.
        volume: The session's volume, zero or negative if unknown.
        first: The short average's first close.
        own: float64 (_DERIVED_FIELDS,).

    Returns:
        The sum of the signs that hold, the long distance's percentile, whether the volume could be evaluated.
    """
    delta = price / first - own[_SHORT_MEAN]
    squares = own[_SHORT_SQUARES] + delta * delta * (SHORT - 1) / SHORT
    deviation = np.sqrt(squares / (SHORT - 1))
    distance = delta * (SHORT - 1) / SHORT  # from the mean that includes the price itself
    signs = _ABOVE_AVERAGE if distance > 0.0 and distance >= DISTANCE_SD * deviation else 0
    far = _distance(price, own[_LONG_SUM] + price)
    percentile = 100.0 * mid_rank(own[_DISTANCES:], RANKED_SESSIONS, far)
    signs += _FAR_ABOVE_LONG if percentile >= PERCENTILE else 0
    gain = own[_GAIN] + (max(price - last, 0) - own[_GAIN]) / PERIOD
    loss = own[_LOSS] + (max(last - price, 0) - own[_LOSS]) / PERIOD
    signs += _INDEX_HIGH if gain > 0.0 and 100.0 * gain >= INDEX * (gain + loss) else 0
    known = volume > 0 and not np.isnan(own[_VOLUME])
    signs += _VOLUME_HIGH if known and volume >= VOLUME_RATIO * own[_VOLUME] else 0
    streak = own[_STREAK] + 1.0 if _gained(price, last) else 0.0
    signs += _STREAK_LONG if streak >= STREAK_SESSIONS else 0
    return signs, percentile, known


@inlined
def _count_of(signs):
    """Number of signs in a sum."""
    total = 0
    for bit in range(_MOST_SIGNS):
        total += (signs >> bit) & 1
    return total


@day_pass(finished=derived(PAIRS, _DERIVED_FIELDS))
def _day_pass(
    prices, volumes, traded, closes, past_volumes, past_traded, counts, rows,
    derived_for, finished, values, quality, observations,
):  # fmt: skip
    for row in rows:
        count = counts[row]
        own = finished[row]
        if derived_for[row] != count and count >= _LEAST_DAYS:
            _rank_distances(closes, row, count, derived_for[row] == count - 1, own[_DISTANCES:])
            _derive(closes, past_volumes, past_traded, row, count, own)
            derived_for[row] = count
        reason = blocked_by(prices, row)
        if reason == OK and count < _LEAST_DAYS:
            reason = NOT_READY
        if reason != OK:
            put_all_unknown(values, quality, observations, row, reason, min(count, RANKED_SESSIONS))
            continue
        last = closes[row, (count - 1) & DAY_MASK, NUMERATOR]
        first = float(closes[row, (count - SHORT + 1) & DAY_MASK, NUMERATOR])
        signs, percentile, known = _find_signs(
            prices[NUMERATOR, row], last, volumes[NUMERATOR, row], first, own
        )
        looked_at = _MOST_SIGNS if known else _MOST_SIGNS - 1
        put(values, quality, observations, _COUNT, row, float(_count_of(signs)), looked_at)
        put(values, quality, observations, _SIGNS, row, float(signs), looked_at)
        if known:
            kind = volume_quality(int(own[_VOLUMES]) + 1, int(own[_TRADED]) + traded[NUMERATOR, row])
            quality[_COUNT, row] = kind
            quality[_SIGNS, row] = kind
        put(values, quality, observations, _PERCENTILE, row, percentile, RANKED_SESSIONS)


class Overheating(DayFamily):
    """How many of the five signs hold, which (the sum of their numbers), and the distance's percentile."""

    name = "overheating"
    outputs = (
        Output("overheating_count", ""),
        Output("overheating_signs", ""),
        Output("ma200_distance_percentile", "252d"),
    )
    evaluation = _day_pass
