"""Percentile of a pair's strength among its values of the previous 252 sessions.

`strength_percentile` ranks a score of the ratio from 1 to 99: the latest quarter counts 40 %, each of the
three before it 20 %, as in William O'Neil's relative strength rating. That rating ranks a stock among all
stocks; this ranks a pair within its own history. `relative_percentile` ranks the change of the ratio over
21 and 252 sessions from 0 to 100. Only sessions with both legs count.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from core.indicators.base import DayFamily, Output
from core.indicators.day_rows import put_judged
from core.indicators.passes import PAIRS, day_pass, derived
from core.kernels.codes import BENCHMARK, DAY_MASK, NOT_READY, NUMERATOR, OK
from core.kernels.jit import inlined
from core.kernels.returns import blocked_by, log_excess
from core.kernels.sorted_window import mid_rank, sorted_insert, sorted_replace

RANKED_SESSIONS: Final = 252
QUARTER: Final = 63
MONTH: Final = 21
LOOK_BACK: Final = 252
"""Sessions covered by the longest score."""

LATEST_WEIGHT: Final = 0.4
EARLIER_WEIGHT: Final = 0.2

_LEAST: Final = RANKED_SESSIONS + LOOK_BACK
_STRENGTH, _MONTH, _YEAR, _SCORES = range(4)  # scores, and the outputs that rank them


@inlined
def _quarter(s_now, l_now, then):
    """Return of the ratio over a quarter."""
    r_s = (s_now - then[0]) / then[0]
    r_l = (l_now - then[1]) / then[1]
    return (r_s - r_l) / (1.0 + r_l)


@inlined
def _score(closes, row, score, index, s_now, l_now):
    """Score of day number `index` at given prices; recomputed scores have the same bits."""
    if score != _STRENGTH:
        then = closes[row, (index - (MONTH if score == _MONTH else LOOK_BACK)) & DAY_MASK]
        return log_excess(s_now, l_now, then[0], then[1])
    total = 0.0
    for quarter in range(4):
        then = closes[row, (index - QUARTER * (quarter + 1)) & DAY_MASK]
        total += (LATEST_WEIGHT if quarter == 0 else EARLIER_WEIGHT) * _quarter(s_now, l_now, then)
        s_now = then[0]
        l_now = then[1]
    return total


@inlined
def _past_score(closes, row, score, index):
    """Score of a finished day."""
    close = closes[row, index & DAY_MASK]
    return _score(closes, row, score, index, close[0], close[1])


@inlined
def _order(closes, row, score, count, moved_one, past):
    """Sort the scores of the latest finished days."""
    if moved_one:
        leaving = _past_score(closes, row, score, count - RANKED_SESSIONS - 1)
        sorted_replace(past, RANKED_SESSIONS, leaving, _past_score(closes, row, score, count - 1))
        return
    for held in range(RANKED_SESSIONS):
        sorted_insert(past, held, _past_score(closes, row, score, count - RANKED_SESSIONS + held))


@day_pass(past_scores=derived(PAIRS, _SCORES, RANKED_SESSIONS))
def _day_pass(prices, closes, counts, rows, derived_for, past_scores, values, quality, observations):
    for row in rows:
        count = counts[row]
        ready = count >= _LEAST
        reason = blocked_by(prices, row)
        if reason == OK and not ready:
            reason = NOT_READY
        for score in range(_SCORES):
            past = past_scores[row, score]
            if ready and derived_for[row] != count:
                _order(closes, row, score, count, count > _LEAST and derived_for[row] == count - 1, past)
            ranked = min(RANKED_SESSIONS, max(0, count - LOOK_BACK))
            value = np.nan
            if reason == OK:
                now = _score(closes, row, score, count, prices[NUMERATOR, row], prices[BENCHMARK, row])
                rank = mid_rank(past, RANKED_SESSIONS, now)
                value = min(99.0, 1.0 + np.floor(99.0 * rank)) if score == _STRENGTH else 100.0 * rank
            put_judged(values, quality, observations, score, row, value, reason, ranked)
        derived_for[row] = count


class Percentile(DayFamily):
    """Percentile of the strength score, and of the ratio's change over a month and a year."""

    name = "percentile"
    outputs = (
        Output("strength_percentile", ""),
        Output("relative_percentile", "21d"),
        Output("relative_percentile", "252d"),
    )
    evaluation = _day_pass
