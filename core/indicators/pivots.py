"""Divergences between turning points: the price goes further than what should carry it.

A pivot high is a close that none of the five sessions before exceeds and none of the five after
reaches; a pivot low the mirror. So it is known five sessions later, and what follows from it is
shown in that session, never at the pivot. Each is compared with the pivot of its kind before it,
60 sessions away at the most:

    1  regular bullish   lower low of the price, higher low of the other line
    2  regular bearish   higher high, lower high
    4  hidden bullish    higher low, lower low
    8  hidden bearish    lower high, higher high

The other line is Wilder's index over 14 sessions of the numerator's price (`pivot_divergence`), or
the ratio (`pivot_divergence_ratio`). In the session in progress a pivot is as provisional as its price.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.indicators.base import DayFamily, DayStep, Output
from core.kernels.jit import BOOL, F8, I4, I8, U1, array_of, inlined, kernel
from core.kernels.returns import blocked_by
from core.kernels.rolling import copy_fields
from core.model.records import Frequency, Quality
from core.partition.pair_days import DAY_SLOTS

SIDE_SESSIONS: Final = 5
"""Sessions a pivot must stand out from, before it and after."""
MOST_SESSIONS_APART: Final = 60
PERIOD: Final = 14
LEAST_CHANGES: Final = PERIOD + 100
"""Changes the index must rest on before it is compared."""

_DAY_MASK: Final = DAY_SLOTS - 1
_NOT_READY: Final = int(Quality.NOT_READY)
_READY_CHANGES: Final = LEAST_CHANGES + MOST_SESSIONS_APART + SIDE_SESSIONS
# State of a pair: changes of the price, average gain and loss; the latest high's and low's day number
# plus one (0 before there is one) and index; the index of the latest sessions by day number.
_CHANGES: Final = 0
_GAIN: Final = 1
_LOSS: Final = 2
_HIGH: Final = 3
_LOW: Final = 5
_LATEST: Final = 7
_STATE_FIELDS: Final = _LATEST + SIDE_SESSIONS


@inlined
def _index_with(own, change):  # type: ignore[no-untyped-def]
    """Fold a change into the averages; Wilder's index, NaN before enough of them.

    Source:
        J. Welles Wilder, "New Concepts in Technical Trading Systems" (1978).
    """
    own[_CHANGES] += 1.0
    weight = min(own[_CHANGES], float(PERIOD))
    own[_GAIN] += (max(change, 0.0) - own[_GAIN]) / weight
    own[_LOSS] += (max(-change, 0.0) - own[_LOSS]) / weight
    if own[_CHANGES] < LEAST_CHANGES:
        return np.nan
    total = own[_GAIN] + own[_LOSS]
    return 100.0 * (own[_GAIN] / total) if total > 0.0 else 50.0


@inlined
def _stands_out(closes, row, pivot, present, sign):  # type: ignore[no-untyped-def]
    """Whether a day's close is a pivot: a high where `sign` is 1, a low where it is -1."""
    price = closes[row, pivot & _DAY_MASK, 0]
    if sign * (present - price) >= 0:
        return False
    for away in range(1, SIDE_SESSIONS + 1):
        if sign * (closes[row, (pivot - away) & _DAY_MASK, 0] - price) > 0:
            return False
        if away < SIDE_SESSIONS and sign * (closes[row, (pivot + away) & _DAY_MASK, 0] - price) >= 0:
            return False
    return True


@inlined
def _kind(sign, price_change, line_change):  # type: ignore[no-untyped-def]
    """The bit of a divergence, 0 where both lines agree."""
    if sign * price_change > 0 and sign * line_change < 0:
        return 2.0 if sign > 0 else 1.0
    if sign * price_change < 0 and sign * line_change > 0:
        return 8.0 if sign > 0 else 4.0
    return 0.0


@inlined
def _compare(closes, row, pivot, own, sign, found):  # type: ignore[no-untyped-def]
    """Compare a pivot with the one before, then let it take that one's place."""
    place = _HIGH if sign > 0 else _LOW
    index = own[_LATEST + pivot % SIDE_SESSIONS]
    before = int(own[place]) - 1
    if before >= 0 and pivot - before <= MOST_SESSIONS_APART:
        now = closes[row, pivot & _DAY_MASK]
        then = closes[row, before & _DAY_MASK]
        found[0] = _kind(sign, now[0] - then[0], index - own[place + 1])
        found[1] = _kind(sign, now[0] - then[0], now[0] / now[1] - then[0] / then[1])
    own[place] = pivot + 1.0
    own[place + 1] = index


@kernel(
    I8,
    array_of(I8, 2),
    array_of(I8, 3),
    array_of(I8),
    array_of(I4),
    array_of(F8, 2),
    array_of(F8),
    array_of(F8),
    array_of(F8, 2),
    array_of(U1, 2),
    array_of(I4, 2),
    BOOL,
)
def _day_pass(  # type: ignore[no-untyped-def]
    prices, closes, counts, rows, state, work, found, values, quality, observations, commit
):
    for row in rows:
        count = counts[row]
        pivot = count - SIDE_SESSIONS
        copy_fields(work, state[row])
        found[0] = 0.0
        found[1] = 0.0
        reason = blocked_by(prices, row)
        if reason == 0 and pivot >= SIDE_SESSIONS:
            for sign in (1, -1):
                if _stands_out(closes, row, pivot, prices[0, row], sign):
                    _compare(closes, row, pivot, work, sign, found)
        if reason == 0 and count > 0:
            change = float(prices[0, row] - closes[row, (count - 1) & _DAY_MASK, 0])
            work[_LATEST + count % SIDE_SESSIONS] = _index_with(work, change)
        changes = work[_CHANGES]
        for output in range(2):
            quality[output, row] = _NOT_READY if reason == 0 and changes < _READY_CHANGES else reason
            values[output, row] = found[output] if quality[output, row] == 0 else np.nan
            observations[output, row] = int(changes)
        if commit and reason == 0:
            copy_fields(state[row], work)
    return len(rows)


class Pivots(DayFamily):
    """Divergences that became known in the session: the bit of the kind, 0 where there is none."""

    name = "pivots"
    frequency = Frequency.DAY
    outputs = (Output("pivot_divergence", ""), Output("pivot_divergence_ratio", ""))

    def __init__(self, pairs: int) -> None:
        super().__init__(pairs)
        self._state = np.zeros((1, pairs, _STATE_FIELDS))
        self._work = np.zeros(_STATE_FIELDS)
        self._found = np.zeros(2)

    def state(self) -> dict[str, NDArray[np.float64]]:
        """The index's averages and latest values, and the latest pivots."""
        return {"pivots": self._state}

    def adjust(self, rows: NDArray[np.int32], side: int, factor: float) -> None:
        """Average gains and losses are differences of the numerator's prices."""
        if side == 0:
            self._state[0, rows, _GAIN : _LOSS + 1] *= factor

    def evaluate(self, step: DayStep, *, commit: bool) -> None:
        """Look for a pivot five sessions back, and compare it with the one before."""
        _day_pass(
            step.prices,
            step.days.closes,
            step.days.counts,
            step.rows,
            self._state[0],
            self._work,
            self._found,
            self.values,
            self.quality,
            self.observations,
            commit,
        )
