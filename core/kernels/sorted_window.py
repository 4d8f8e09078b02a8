"""A window kept in ascending order: ranks, medians and their deviations without sorting anew.

One value enters and one leaves a session, each by binary search and one shift. The order is derived
from a ring of closes and can be made again from it, so it is no state.
"""

from __future__ import annotations

from core.kernels.jit import inlined


@inlined
def sorted_place(values, count, value):
    """Number of the first `count` ascending values that are less than `value`."""
    low = 0
    high = count
    while low < high:
        middle = (low + high) // 2
        if values[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@inlined
def sorted_insert(values, count, value):
    """Put a value where it belongs.

    Args:
        values: float64 (> count,): the first `count` ascending; changed in place.
        count: Values held before.
        value: The new one.
    """
    place = sorted_place(values, count, value)
    for index in range(count, place, -1):
        values[index] = values[index - 1]
    values[place] = value


@inlined
def sorted_replace(values, count, old, new):
    """Let one value take the place of another that is held.

    Args:
        values: float64 (≥ count,): the first `count` ascending; changed in place.
        count: Values held.
        old: A value that is held, to the bit.
        new: The new one.
    """
    place = min(sorted_place(values, count, old), count - 1)
    while place + 1 < count and values[place + 1] < new:
        values[place] = values[place + 1]
        place += 1
    while place > 0 and values[place - 1] > new:
        values[place] = values[place - 1]
        place -= 1
    values[place] = new


@inlined
def mid_rank(values, count, value):
    """Share of values below, those equal counting half: in [0, 1].

    Args:
        values: float64 (≥ count,): the first `count` ascending.
        count: Values held, at least one.
        value: Whose rank is asked.

    Source:
        The mid-distribution function of E. Parzen, Journal of the American Statistical
        Association 99 (2004) 652-662.
    """
    below = sorted_place(values, count, value)
    equal = below
    while equal < count and values[equal] == value:
        equal += 1
    return (below + 0.5 * (equal - below)) / count


@inlined
def median_of(values, count):
    """Median of the first `count` ascending values, at least one."""
    half = count // 2
    if count % 2 == 1:
        return values[half]
    return 0.5 * (values[half - 1] + values[half])


@inlined
def median_deviation(values, count, centre):
    """Median of the distances of ascending values from `centre`: the two sides, merged outward.

    Args:
        values: float64 (≥ count,): the first `count` ascending.
        count: Values held, at least one.
        centre: Their median.

    Returns:
        The median absolute deviation, not scaled.

    Source:
        F. R. Hampel, Journal of the American Statistical Association 69 (1974) 383-393.
    """
    right = sorted_place(values, count, centre)
    left = right - 1
    before = 0.0
    distance = 0.0
    for _ in range(count // 2 + 1):
        before = distance
        if right >= count or (left >= 0 and centre - values[left] < values[right] - centre):
            distance = centre - values[left]
            left -= 1
        else:
            distance = values[right] - centre
            right += 1
    return distance if count % 2 == 1 else 0.5 * (before + distance)
