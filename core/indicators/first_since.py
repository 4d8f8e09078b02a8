"""Since when a close was last as high, or as low: of the numerator's price and of the ratio.

The answer is the latest earlier session whose close was at least as high (or as low); ties count. It is
exact for all history as long as `core.indicators.monotonic_stack` has had room; a value that would have met a
close that was given up is `not_ready`, never wrong.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.indicators.base import DayFamily, DayStep, Output
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
from core.indicators.windows import NEVER_DERIVED
from core.kernels.jit import BOOL, F8, I4, I8, U1, array_of, kernel
from core.kernels.returns import blocked_by
from core.model.records import Frequency, Quality
from core.partition.pair_days import DAY_SLOTS

LEAST_SESSIONS: Final = 252
"""Finished sessions before anything is said to be of all history."""

_DAY_MASK: Final = DAY_SLOTS - 1
_NOT_READY: Final = int(Quality.NOT_READY)


@kernel(
    I8,
    array_of(I8, 2),
    array_of(I8, 3),
    array_of(I4, 2),
    array_of(I8),
    array_of(I4),
    array_of(I4),
    I8,
    array_of(I8),
    array_of(I4, 3),
    array_of(I8, 3),
    array_of(F8, 2),
    array_of(F8, 2),
    array_of(F8, 2),
    array_of(F8, 2),
    array_of(U1, 2),
    array_of(I4, 2),
    BOOL,
)
def _day_pass(  # type: ignore[no-untyped-def]
    prices,
    closes,
    days,
    counts,
    history_start,
    rows,
    session,
    derived_for,
    rings,
    ends,
    levels,
    sessions,
    marks,
    values,
    quality,
    observations,
    commit,
):
    for row in rows:
        count = counts[row]
        if derived_for[row] != count:
            moved_one = count > 0 and derived_for[row] == count - 1
            derive_ring(closes, row, count, moved_one, rings[row], ends[row])
            derived_for[row] = count
        blocked = blocked_by(prices, row)
        for stack in range(STACKS):
            output = 2 * stack
            if blocked != 0:
                put_unknown(values, quality, observations, output, row, blocked, count)
                put_unknown(values, quality, observations, output + 1, row, blocked, count)
                continue
            value = float(prices[0, row]) if stack < 2 else prices[0, row] / prices[1, row]
            head = ends[row, stack, 0]
            index = latest_in_ring(closes, row, stack, value, rings[row], head, ends[row, stack, 1])
            known = True
            since = 0.0
            if index >= 0:
                since = float(days[row, index & _DAY_MASK])
            else:
                position = latest_before(levels, row, stack, value, int(marks[SIZES + stack, row]))
                gone = marks[GONE + stack, row]
                beyond = gone == 0.0 or sign_of_stack(stack) * (value - gone) > 0.0
                if position > 0 or (position == 0 and beyond):
                    since = sessions[place_of(stack, position), row]
                else:
                    known = position < 0 and count >= LEAST_SESSIONS
            if known:
                start = since if since > 0.0 else float(history_start[row])
                put(values, quality, observations, output, row, since, count + 1)
                put(values, quality, observations, output + 1, row, session - start, count + 1)
            else:
                put_unknown(values, quality, observations, output, row, _NOT_READY, count + 1)
                put_unknown(values, quality, observations, output + 1, row, _NOT_READY, count + 1)
            if commit:
                leaving = 0.0
                leaving_session = 0.0
                oldest = rings[row, stack, head & _DAY_MASK]
                if head < ends[row, stack, 1] and oldest == count - RING_DAYS:
                    leaving = close_of(closes, row, oldest, stack)
                    leaving_session = float(days[row, oldest & _DAY_MASK])
                commit_close(row, stack, value, leaving, leaving_session, levels, sessions, marks)
    return len(rows)


class FirstSince(DayFamily):
    """The session since which a close is the highest or lowest, 0 where it is so of all history.

    `…_in_days` is how many calendar days ago that was; of all history, how long the history is.
    """

    name = "first_since"
    frequency = Frequency.DAY
    outputs = tuple(
        output
        for series in ("numerator", "ratio")
        for side in ("highest", "lowest")
        for output in (
            Output(f"{series}_{side}_since", "", is_session=True),
            Output(f"{series}_{side}_in_days", ""),
        )
    )

    def __init__(self, pairs: int) -> None:
        super().__init__(pairs)
        self._levels = np.zeros((2 * POOL, pairs))
        self._sessions = np.zeros((2 * POOL, pairs))
        self._marks = np.zeros((2 * STACKS, pairs))
        self._derived_for: NDArray[np.int64] = np.full(pairs, NEVER_DERIVED, np.int64)
        self._rings: NDArray[np.int32] = np.zeros((pairs, STACKS, DAY_SLOTS), np.int32)
        self._ends: NDArray[np.int64] = np.zeros((pairs, STACKS, 2), np.int64)

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Closes older than the ring that nothing since has reached, when they were, and how many."""
        return {"levels": self._levels, "sessions": self._sessions, "marks": self._marks}

    def adjust(self, rows: NDArray[np.int32], side: int, factor: float) -> None:
        """Prices are rounded as the ring's are; ratios move with either leg."""
        gone = slice(GONE, GONE + 2)
        if side == 0:
            self._levels[:POOL, rows] = np.floor(self._levels[:POOL, rows] * factor + 0.5)
            self._marks[gone, rows] = np.floor(self._marks[gone, rows] * factor + 0.5)
        scale = factor if side == 0 else 1.0 / factor
        self._levels[POOL:, rows] *= scale
        self._marks[GONE + 2 :, rows] *= scale

    def forget(self, rows: NDArray[np.int32]) -> None:
        """Derive the ring's part anew: finished days have changed."""
        self._derived_for[rows] = NEVER_DERIVED

    def evaluate(self, step: DayStep, *, commit: bool) -> None:
        """Search the ring's closes, then the older ones."""
        days = step.days
        _day_pass(
            step.prices,
            days.closes,
            days.sessions,
            days.counts,
            days.history_start,
            step.rows,
            step.session,
            self._derived_for,
            self._rings,
            self._ends,
            self._levels,
            self._sessions,
            self._marks,
            self.values,
            self.quality,
            self.observations,
            commit,
        )
