"""Amihud illiquidity: price move per currency unit traded, the numerator's over the benchmark's.

Over the 21 sessions before this one. The current session is excluded because its volume is incomplete
until the close, so the ratio would fall throughout the day. The quality says which volume it is
(`core.indicators.volume_kinds`).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from core.indicators.base import DayFamily, Output
from core.indicators.day_rows import put_judged
from core.indicators.passes import PAIRS, day_pass, derived
from core.indicators.volume_kinds import volume_quality, volume_reason
from core.kernels.codes import BENCHMARK, CONSTANT, DAY_MASK, NOT_READY, NUMERATOR, OK
from core.kernels.jit import inlined
from core.kernels.returns import blocked_by, simple_return

SESSIONS: Final = 21

_AMIHUD = 0  # the output
_RATIO, _REASON, _KIND, _FIELDS = range(4)  # derived


@inlined
def _derive(closes, past_volumes, past_traded, row, count, scale, own):
    """Compute the legs' ratio and which volume it rests on, or the latest reason why it is unknown."""
    own[_RATIO] = np.nan
    own[_REASON] = NOT_READY
    if count < SESSIONS + 1:
        return
    numerator = 0.0
    benchmark = 0.0
    summed = 0
    for day in range(count - 1, count - 1 - SESSIONS, -1):
        now = closes[row, day & DAY_MASK]
        then = closes[row, (day - 1) & DAY_MASK]
        traded = past_volumes[row, day & DAY_MASK]
        for side in range(2):
            if traded[side] <= 0:
                own[_REASON] = volume_reason(traded[side])
                return
            summed += past_traded[row, day & DAY_MASK, side]
        numerator += abs(simple_return(now[0], then[0])) / (float(now[0]) * traded[0])
        benchmark += abs(simple_return(now[1], then[1])) / (float(now[1]) * traded[1])
    own[_REASON] = CONSTANT
    if benchmark > 0.0:
        own[_RATIO] = numerator / benchmark * scale[NUMERATOR, row] / scale[BENCHMARK, row]
        own[_REASON] = OK
        own[_KIND] = volume_quality(2 * SESSIONS, summed)


@day_pass(ratios=derived(PAIRS, _FIELDS))
def _day_pass(
    prices,
    closes,
    past_volumes,
    past_traded,
    counts,
    rows,
    illiquidity_scale,
    derived_for,
    ratios,
    values,
    quality,
    observations,
):
    for row in rows:
        own = ratios[row]
        if derived_for[row] != counts[row]:
            _derive(closes, past_volumes, past_traded, row, counts[row], illiquidity_scale, own)
            derived_for[row] = counts[row]
        blocked = blocked_by(prices, row)
        reason = blocked if blocked != OK else int(own[_REASON])
        moved = min(max(counts[row] - 1, 0), SESSIONS)
        put_judged(values, quality, observations, _AMIHUD, row, own[_RATIO], reason, moved)
        if reason == OK:
            quality[_AMIHUD, row] = int(own[_KIND])


class Amihud(DayFamily):
    """Mean of |return| / traded value over 21 sessions, the numerator's over the benchmark's.

    Traded value is close times volume. Above one, the numerator is the less liquid leg.

    Source:
        Y. Amihud, Journal of Financial Markets 5 (2002) 31-56.
    """

    name = "amihud"
    outputs = (Output("amihud_ratio", "21d"),)
    evaluation = _day_pass
