"""Monotonic stacks: the closes that no later close has reached, for "first since" lookups.

Only such closes can be the latest one at least as high (or as low) as the current close. They are ordered,
so a lookup is a binary search. This is the monotonic stack of D. Lemire's "Streaming maximum-minimum
filter" (Nordic Journal of Computing 13 (2006) 328-339), over the whole history instead of a window.

A pair has four: highs and lows of the numerator, highs and lows of the ratio. Each has two parts. The
part within the day ring is derived from the ring. Older closes are state: 35 years of history leave at most
341 of them, so each series has a pool of POOL entries, highs from the left and lows from the right. When
they meet, the longer side discards its second-oldest entry. The oldest is the record of the whole history
and is always kept.
"""

from __future__ import annotations

from typing import Final

from core.kernels.codes import DAY_MASK, DAY_SLOTS
from core.kernels.jit import inlined

POOL: Final = 224
"""Maximum number of closes older than the ring per series, highs and lows together."""

STACKS: Final = 4
SIZES: Final = 0
GONE: Final = STACKS
"""Marks: size of each stack's older part, then the most extreme entry that each has discarded, or 0."""

RING_DAYS: Final = DAY_SLOTS - 1
"""One less than the number of slots: a day that is undone has already overwritten the oldest."""


@inlined
def close_of(closes, row, index, stack):
    """Close of a ring entry in a stack's series."""
    close = closes[row, index & DAY_MASK]
    return float(close[0]) if stack < 2 else close[0] / close[1]


@inlined
def sign_of_stack(stack):
    """1 for a stack of highs, -1 for one of lows."""
    return 1.0 if stack % 2 == 0 else -1.0


@inlined
def place_of(stack, position):
    """Index of an older entry of a stack in its series' pool."""
    return stack // 2 * POOL + (position if stack % 2 == 0 else POOL - 1 - position)


@inlined
def derive_ring(closes, row, count, moved_one, ring, ends):
    """Bring a pair's ring stacks up to `count` finished days.

    Args:
        closes: int64 (pairs, 512, 2).
        row: The pair.
        count: Finished days.
        moved_one: The stacks are up to date for one day less.
        ring: int32 (stacks, 512): day numbers, by position.
        ends: int64 (stacks, 2): first position, and the one after the last.
    """
    oldest = max(0, count - RING_DAYS)
    first = count - 1 if moved_one else oldest
    for stack in range(STACKS):
        if not moved_one:
            ends[stack, 0] = 0
            ends[stack, 1] = 0
        head = ends[stack, 0]
        tail = ends[stack, 1]
        sign = sign_of_stack(stack)
        for index in range(first, count):
            value = sign * close_of(closes, row, index, stack)
            while tail > head:
                if sign * close_of(closes, row, ring[stack, (tail - 1) & DAY_MASK], stack) > value:
                    break
                tail -= 1
            ring[stack, tail & DAY_MASK] = index
            tail += 1
        while head < tail and ring[stack, head & DAY_MASK] < oldest:
            head += 1
        ends[stack, 0] = head
        ends[stack, 1] = tail


@inlined
def latest_in_ring(closes, row, stack, value, ring, head, tail):
    """Number of the latest day of the ring whose close reaches `value`, or -1."""
    sign = sign_of_stack(stack)
    low = head - 1
    high = tail - 1
    while low < high:  # positions up to `low` reach it, those after `high` do not
        middle = (low + high + 1) // 2
        if sign * close_of(closes, row, ring[stack, middle & DAY_MASK], stack) >= sign * value:
            low = middle
        else:
            high = middle - 1
    return ring[stack, low & DAY_MASK] if low >= head else -1


@inlined
def latest_before(levels, row, stack, value, size):
    """Position of the latest older entry that reaches `value`, or -1."""
    sign = sign_of_stack(stack)
    low = -1
    high = size - 1
    while low < high:
        middle = (low + high + 1) // 2
        if sign * levels[place_of(stack, middle), row] >= sign * value:
            low = middle
        else:
            high = middle - 1
    return low


@inlined
def _give_up_one(levels, sessions, marks, row, stack):
    """Discard the second-oldest entry of a stack."""
    size = int(marks[SIZES + stack, row])
    if marks[GONE + stack, row] == 0.0:  # later ones are less extreme
        marks[GONE + stack, row] = levels[place_of(stack, 1), row]
    for position in range(1, size - 1):
        levels[place_of(stack, position), row] = levels[place_of(stack, position + 1), row]
        sessions[place_of(stack, position), row] = sessions[place_of(stack, position + 1), row]
    marks[SIZES + stack, row] = size - 1


@inlined
def commit_close(row, stack, value, leaving, leaving_session, levels, sessions, marks):
    """Drop older entries that `value` reaches; add the entry that leaves the ring, if `leaving` is not 0."""
    sign = sign_of_stack(stack)
    if marks[GONE + stack, row] != 0.0 and sign * value >= sign * marks[GONE + stack, row]:
        marks[GONE + stack, row] = 0.0
    size = int(marks[SIZES + stack, row])
    while size > 0 and sign * levels[place_of(stack, size - 1), row] <= sign * value:
        size -= 1
    marks[SIZES + stack, row] = size
    if leaving == 0.0 or sign * leaving <= sign * value:
        return
    other = stack + 1 - 2 * (stack % 2)
    if marks[SIZES + stack, row] + marks[SIZES + other, row] >= POOL:
        longer = marks[SIZES + stack, row] >= marks[SIZES + other, row]
        _give_up_one(levels, sessions, marks, row, stack if longer else other)
    place = place_of(stack, int(marks[SIZES + stack, row]))
    levels[place, row] = leaving
    sessions[place, row] = leaving_session
    marks[SIZES + stack, row] += 1.0
