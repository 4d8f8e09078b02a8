"""Divergences between the price and a second line at pivot points.

A pivot high is a close that none of the five sessions before exceeds and none of the five after
reaches; a pivot low is the opposite. A pivot is therefore known five sessions later, and a divergence is
reported in that session, not at the pivot. Each pivot is compared with the previous one of its kind, at
most 60 sessions earlier:

    1  regular bullish   lower low of the price, higher low of the second line
    2  regular bearish   higher high, lower high
    4  hidden bullish    higher low, lower low
    8  hidden bearish    lower high, higher high

The second line is Wilder's index over 14 sessions of the numerator's price (`pivot_divergence`), or
the ratio (`pivot_divergence_ratio`). During a session the result is provisional.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.indicators.base import DayFamily, Output
from core.indicators.day_rows import put_judged
from core.indicators.passes import PAIRS, day_pass, scratch, state
from core.kernels.codes import DAY_MASK, NOT_READY, NUMERATOR, OK
from core.kernels.jit import inlined
from core.kernels.returns import blocked_by
from core.kernels.rolling import copy_fields

SIDE_SESSIONS: Final = 5
"""Sessions before and after a pivot that it must exceed."""
MOST_SESSIONS_APART: Final = 60
PERIOD: Final = 14
LEAST_CHANGES: Final = PERIOD + 100
"""Minimum number of changes behind the index for a comparison."""

REGULAR_BULLISH, REGULAR_BEARISH, HIDDEN_BULLISH, HIDDEN_BEARISH, NO_DIVERGENCE = 1.0, 2.0, 4.0, 8.0, 0.0

_HIGHS, _LOWS = 1, -1
_READY_CHANGES: Final = LEAST_CHANGES + MOST_SESSIONS_APART + SIDE_SESSIONS
# State of a pair: number of price changes, average gain and loss; day number plus one (0 if none) and index
# of the latest high and low; the index of the latest sessions by day number.
_CHANGES, _GAIN, _LOSS, _HIGH, _HIGH_INDEX, _LOW, _LOW_INDEX, _LATEST = range(8)
_STATE_FIELDS: Final = _LATEST + SIDE_SESSIONS
_TO_INDEX, _TO_RATIO = range(2)  # outputs


@inlined
def _index_with(own, change):
    """Update the averages with a change; return Wilder's index, NaN if there are too few changes.

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
def _stands_out(closes, row, pivot, present, sign):
    """Whether a day's close is a pivot: a high if `sign` is _HIGHS, a low if it is _LOWS."""
    price = closes[row, pivot & DAY_MASK, 0]
    if sign * (present - price) >= 0:
        return False
    for away in range(1, SIDE_SESSIONS + 1):
        if sign * (closes[row, (pivot - away) & DAY_MASK, 0] - price) > 0:
            return False
        if away < SIDE_SESSIONS and sign * (closes[row, (pivot + away) & DAY_MASK, 0] - price) >= 0:
            return False
    return True


@inlined
def _kind(sign, price_change, line_change):
    """Bit of the divergence; 0 if both lines agree."""
    if sign * price_change > 0 and sign * line_change < 0:
        return REGULAR_BEARISH if sign == _HIGHS else REGULAR_BULLISH
    if sign * price_change < 0 and sign * line_change > 0:
        return HIDDEN_BEARISH if sign == _HIGHS else HIDDEN_BULLISH
    return NO_DIVERGENCE


@inlined
def _compare(closes, row, pivot, own, sign, found):
    """Compare a pivot with the previous one, then store it as the previous one."""
    place = _HIGH if sign == _HIGHS else _LOW
    index = own[_LATEST + pivot % SIDE_SESSIONS]
    before = int(own[place]) - 1
    if before >= 0 and pivot - before <= MOST_SESSIONS_APART:
        now = closes[row, pivot & DAY_MASK]
        then = closes[row, before & DAY_MASK]
        found[_TO_INDEX] = _kind(sign, now[0] - then[0], index - own[place + 1])
        found[_TO_RATIO] = _kind(sign, now[0] - then[0], now[0] / now[1] - then[0] / then[1])
    own[place] = pivot + 1.0
    own[place + 1] = index


@day_pass(pivots=state(1, PAIRS, _STATE_FIELDS), work=scratch(_STATE_FIELDS), found=scratch(2))
def _day_pass(prices, closes, counts, rows, pivots, work, found, values, quality, observations, commit):
    for row in rows:
        count = counts[row]
        pivot = count - SIDE_SESSIONS
        copy_fields(work, pivots[0, row])
        found[_TO_INDEX] = NO_DIVERGENCE
        found[_TO_RATIO] = NO_DIVERGENCE
        blocked = blocked_by(prices, row)
        price = prices[NUMERATOR, row]
        if blocked == OK and pivot >= SIDE_SESSIONS:
            for sign in (_HIGHS, _LOWS):
                if _stands_out(closes, row, pivot, price, sign):
                    _compare(closes, row, pivot, work, sign, found)
        if blocked == OK and count > 0:
            change = float(price - closes[row, (count - 1) & DAY_MASK, NUMERATOR])
            work[_LATEST + count % SIDE_SESSIONS] = _index_with(work, change)
        changes = work[_CHANGES]
        reason = NOT_READY if blocked == OK and changes < _READY_CHANGES else blocked
        for output in (_TO_INDEX, _TO_RATIO):
            put_judged(values, quality, observations, output, row, found[output], reason, int(changes))
        if commit and blocked == OK:
            copy_fields(pivots[0, row], work)


class Pivots(DayFamily):
    """Divergences that became known in the session: the bits of their kinds, or 0."""

    name = "pivots"
    outputs = (Output("pivot_divergence", ""), Output("pivot_divergence_ratio", ""))
    evaluation = _day_pass

    def adjust(self, rows: NDArray[np.int32], side: int, factor: float) -> None:
        """Restate average gains and losses, which are differences of the numerator's prices."""
        if side == NUMERATOR:
            self.arrays["pivots"][0, rows, _GAIN : _LOSS + 1] *= factor
