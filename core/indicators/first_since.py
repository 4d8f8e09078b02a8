"""Since when a close is the highest or lowest, for the numerator's price and for the ratio.

The result is the latest earlier session whose close was at least as high (or as low); ties count. It is
exact over the whole history unless `core.indicators.monotonic_stack` ran out of room; if a discarded close
could matter, the value is `not_ready`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.indicators.base import DayFamily, Output
from core.indicators.day_rows import put, put_unknown
from core.indicators.monotonic_stack import (
    GONE,
    POOL,
    RING_DAYS,
    SIZES,
    STACKS,
    close_of,
    commit_close,
    derive_ring,
    latest_before,
    latest_in_ring,
    place_of,
    sign_of_stack,
)
from core.indicators.passes import PAIRS, day_pass, derived, state
from core.kernels.codes import BENCHMARK, DAY_MASK, DAY_SLOTS, NOT_READY, NUMERATOR, OK
from core.kernels.jit import inlined
from core.kernels.returns import blocked_by

LEAST_SESSIONS: Final = 252
"""Minimum number of finished sessions for an extreme of the whole history."""

_OF_RATIO: Final = 2
"""Number of the ratio's first stack."""


@inlined
def _since_before(levels, sessions, marks, row, stack, value, count):
    """The session among closes older than the ring, 0 if there is none, and whether it is known."""
    position = latest_before(levels, row, stack, value, int(marks[SIZES + stack, row]))
    gone = marks[GONE + stack, row]
    beyond = gone == 0.0 or sign_of_stack(stack) * (value - gone) > 0.0
    if position > 0 or (position == 0 and beyond):
        return sessions[place_of(stack, position), row], True
    return 0.0, position < 0 and count >= LEAST_SESSIONS


@inlined
def _commit(closes, past_sessions, row, stack, value, count, ring, ends, levels, sessions, marks):
    """Push the session's close onto a stack; the ring's oldest entry moves to the older part."""
    leaving = 0.0
    leaving_session = 0.0
    oldest = ring[ends[0] & DAY_MASK]
    if ends[0] < ends[1] and oldest == count - RING_DAYS:
        leaving = close_of(closes, row, oldest, stack)
        leaving_session = float(past_sessions[row, oldest & DAY_MASK])
    commit_close(row, stack, value, leaving, leaving_session, levels, sessions, marks)


@day_pass(
    levels=state(2 * POOL, PAIRS),
    sessions=state(2 * POOL, PAIRS),
    marks=state(2 * STACKS, PAIRS),
    rings=derived(PAIRS, STACKS, DAY_SLOTS, dtype=np.int32),
    ends=derived(PAIRS, STACKS, 2, dtype=np.int64),
)
def _day_pass(
    prices, closes, past_sessions, counts, history_start, rows, session,
    derived_for, rings, ends, levels, sessions, marks, values, quality, observations, commit,
):  # fmt: skip
    for row in rows:
        count = counts[row]
        if derived_for[row] != count:
            moved_one = count > 0 and derived_for[row] == count - 1
            derive_ring(closes, row, count, moved_one, rings[row], ends[row])
            derived_for[row] = count
        blocked = blocked_by(prices, row)
        if blocked != OK:
            for output in range(2 * STACKS):
                put_unknown(values, quality, observations, output, row, blocked, count)
            continue
        for stack in range(STACKS):
            since_output = 2 * stack
            days_output = since_output + 1
            price = prices[NUMERATOR, row]
            value = float(price) if stack < _OF_RATIO else price / prices[BENCHMARK, row]
            head = ends[row, stack, 0]
            index = latest_in_ring(closes, row, stack, value, rings[row], head, ends[row, stack, 1])
            if index >= 0:
                since = float(past_sessions[row, index & DAY_MASK])
                known = True
            else:
                since, known = _since_before(levels, sessions, marks, row, stack, value, count)
            if known:
                start = since if since != 0.0 else float(history_start[row])
                put(values, quality, observations, since_output, row, since, count + 1)
                put(values, quality, observations, days_output, row, session - start, count + 1)
            else:
                put_unknown(values, quality, observations, since_output, row, NOT_READY, count + 1)
                put_unknown(values, quality, observations, days_output, row, NOT_READY, count + 1)
            if commit:
                _commit(
                    closes, past_sessions, row, stack, value, count, rings[row, stack], ends[row, stack],
                    levels, sessions, marks,
                )  # fmt: skip


class FirstSince(DayFamily):
    """The session since which a close is the highest or lowest, 0 if it is that of the whole history.

    `…_in_days` is how many calendar days ago that was, or the length of the history.
    """

    name = "first_since"
    outputs = tuple(
        output
        for series in ("numerator", "ratio")
        for side in ("highest", "lowest")
        for output in (
            Output(f"{series}_{side}_since", "", is_session=True),
            Output(f"{series}_{side}_in_days", ""),
        )
    )
    evaluation = _day_pass

    def adjust(self, rows: NDArray[np.int32], side: int, factor: float) -> None:
        """Restate prices, rounded like the ring's, and ratios, which depend on both legs."""
        levels, marks = self.arrays["levels"], self.arrays["marks"]
        gone = slice(GONE, GONE + _OF_RATIO)
        if side == NUMERATOR:
            levels[:POOL, rows] = np.floor(levels[:POOL, rows] * factor + 0.5)
            marks[gone, rows] = np.floor(marks[gone, rows] * factor + 0.5)
        scale = factor if side == NUMERATOR else 1.0 / factor
        levels[POOL:, rows] *= scale
        marks[GONE + _OF_RATIO :, rows] *= scale
