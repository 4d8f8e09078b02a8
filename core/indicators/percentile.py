"""Where a pair's strength stands among the values it had on the 252 sessions before.

`strength_percentile` ranks a raw score of the ratio from 1 to 99: its latest quarter counts 40 %, each of
the three before 20 %, as William O'Neil's relative strength rating weighs them. The rating ranks a
stock among all stocks; this ranks a pair in its own history. `relative_percentile` ranks the change
of the ratio over 21 and 252 sessions from 0 to 100. Sessions are those that both legs have.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from core.indicators.base import Output
from core.indicators.windows import WINDOW_PASS, WindowFamily
from core.kernels.jit import Kernel, inlined, kernel
from core.kernels.returns import blocked_by, log_excess
from core.kernels.sorted_window import mid_rank, sorted_insert, sorted_replace
from core.model.records import Frequency, Quality
from core.partition.pair_days import DAY_SLOTS

RANKED_SESSIONS: Final = 252
QUARTER: Final = 63
LOOK_BACK: Final = 252
"""Sessions the longest score reaches back."""

LATEST_WEIGHT: Final = 0.4
EARLIER_WEIGHT: Final = 0.2

_LEAST: Final = RANKED_SESSIONS + LOOK_BACK
_DAY_MASK: Final = DAY_SLOTS - 1
_NOT_READY: Final = int(Quality.NOT_READY)
_SCORES: Final = 3
"""Raw strength, change over 21 sessions, change over 252."""


@inlined
def _quarter(s_now, l_now, then):  # type: ignore[no-untyped-def]
    """Return of the ratio over a quarter."""
    r_s = (s_now - then[0]) / then[0]
    r_l = (l_now - then[1]) / then[1]
    return (r_s - r_l) / (1.0 + r_l)


@inlined
def _score(closes, row, score, index, s_now, l_now):  # type: ignore[no-untyped-def]
    """A score of day number `index`, whose prices are given: the same bits whenever it is asked."""
    if score > 0:
        then = closes[row, (index - (21 if score == 1 else LOOK_BACK)) & _DAY_MASK]
        return log_excess(s_now, l_now, then[0], then[1])
    total = 0.0
    for quarter in range(4):
        then = closes[row, (index - QUARTER * (quarter + 1)) & _DAY_MASK]
        total += (LATEST_WEIGHT if quarter == 0 else EARLIER_WEIGHT) * _quarter(s_now, l_now, then)
        s_now = then[0]
        l_now = then[1]
    return total


@inlined
def _past_score(closes, row, score, index):  # type: ignore[no-untyped-def]
    """A score of a finished day."""
    close = closes[row, index & _DAY_MASK]
    return _score(closes, row, score, index, close[0], close[1])


@kernel(*WINDOW_PASS)
def _day_pass(  # type: ignore[no-untyped-def]
    prices, closes, counts, rows, derived_for, derived, values, quality, observations
):
    for row in rows:
        count = counts[row]
        ready = count >= _LEAST
        moved_one = ready and count > _LEAST and derived_for[row] == count - 1
        blocked = blocked_by(prices, row)
        for score in range(_SCORES):
            past = derived[row, score * RANKED_SESSIONS : (score + 1) * RANKED_SESSIONS]
            if ready and derived_for[row] != count:
                if moved_one:
                    leaving = _past_score(closes, row, score, count - RANKED_SESSIONS - 1)
                    sorted_replace(past, RANKED_SESSIONS, leaving, _past_score(closes, row, score, count - 1))
                else:
                    for held in range(RANKED_SESSIONS):
                        index = count - RANKED_SESSIONS + held
                        sorted_insert(past, held, _past_score(closes, row, score, index))
            values[score, row] = np.nan
            quality[score, row] = blocked
            observations[score, row] = min(RANKED_SESSIONS, max(0, count - LOOK_BACK))
            if blocked == 0 and not ready:
                quality[score, row] = _NOT_READY
            elif blocked == 0:
                now = _score(closes, row, score, count, prices[0, row], prices[1, row])
                rank = mid_rank(past, RANKED_SESSIONS, now)
                values[score, row] = min(99.0, 1.0 + np.floor(99.0 * rank)) if score == 0 else 100.0 * rank
        derived_for[row] = count
    return len(rows)


class Percentile(WindowFamily):
    """Percentile of the strength score, and of the ratio's change over a month and a year."""

    name = "percentile"
    frequency = Frequency.DAY
    outputs = (
        Output("strength_percentile", ""),
        Output("relative_percentile", "21d"),
        Output("relative_percentile", "252d"),
    )
    derived_fields = _SCORES * RANKED_SESSIONS

    @property
    def window_pass(self) -> Kernel:
        """Ranks among the scores of finished days."""
        return _day_pass
