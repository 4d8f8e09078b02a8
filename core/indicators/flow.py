"""Net flow of the numerator's fund over 65 sessions, and its percentile rank.

The window is the 65 sessions up to the newest one with a known flow. All of them must be known, because
a gap would bias the sum. Flows come with the daily history; after five sessions without one the sum is
stale. The run of its sign is known only in sessions that have a flow.

The rank is among the sums of five years, sampled every ten sessions, because sums of adjacent sessions
share most of their flows. It is unknown until there are that many.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from core.indicators.base import DayFamily, Output
from core.indicators.day_rows import RUN_FIELDS, put_judged, put_sign_run, put_unknown
from core.indicators.passes import PAIRS, day_pass, scratch, state
from core.kernels.codes import GAP, NOT_READY, OK, STALE
from core.kernels.jit import inlined
from core.kernels.returns import blocked_by
from core.kernels.rolling import copy_fields
from core.model.universe_file import SERIES_CLASSES

SESSIONS: Final = 65
MOST_SESSIONS_WITHOUT: Final = 5
SLOTS: Final = SESSIONS + MOST_SESSIONS_WITHOUT
RANK_EVERY: Final = 10
RANKED_SUMS: Final = 126
"""Five years of them."""

_ROLE: Final = SERIES_CLASSES.index("flow")
_FLOW, _PERCENTILE, _SIGN_SESSIONS = range(3)  # outputs
# State of a pair: flows by day number, past sums, then how many sums there were, and the run.
_SUMS: Final = SLOTS
_KNOWN_SUMS: Final = SLOTS + RANKED_SUMS
_RUN: Final = _KNOWN_SUMS + 1
_SEEN: Final = _RUN + RUN_FIELDS
"""Day number of the first flow plus one, 0 before there is one."""
_STATE_FIELDS: Final = _SEEN + 1


@inlined
def _sum_to(flows, count, flow):
    """Sum of the window that ends at the newest flow, or why it is unknown.

    Args:
        flows: float64 (≥ SLOTS,): by day number, NaN where unknown.
        count: Number of the session in progress.
        flow: The session's flow, NaN where unknown.

    Returns:
        The sum, and a Quality: OK where it is known.
    """
    newest = count
    total = 0.0 if np.isnan(flow) else flow
    if np.isnan(flow):
        newest = count - 1
        while newest >= 0 and count - newest <= MOST_SESSIONS_WITHOUT and np.isnan(flows[newest % SLOTS]):
            newest -= 1
        if newest < 0 or count - newest > MOST_SESSIONS_WITHOUT:
            return total, STALE
    if newest + 1 < SESSIONS:
        return total, NOT_READY
    for day in range(min(newest, count - 1), newest - SESSIONS, -1):
        if np.isnan(flows[day % SLOTS]):
            return total, GAP
        total += flows[day % SLOTS]
    return total, OK


@inlined
def _rank(state, total, held):
    """Mid-rank in percent among the stored past sums."""
    score = 0.0
    for index in range(held):
        past = state[_SUMS + index]
        if past < total:
            score += 1.0
        elif past == total:
            score += 0.5
    return 100.0 * score / held


@day_pass(flows=state(1, PAIRS, _STATE_FIELDS), run=scratch(RUN_FIELDS))
def _day_pass(prices, series, counts, rows, flows, run, values, quality, observations, commit):
    for row in rows:
        own = flows[0, row]
        count = counts[row]
        flow = series[_ROLE, row]
        seen = own[_SEEN]
        if seen == 0.0 and not np.isnan(flow):
            seen = count + 1.0
        total = 0.0
        blocked = blocked_by(prices, row)
        reason = blocked
        if reason == OK and (seen == 0.0 or count + 2 - seen < SESSIONS):
            reason = NOT_READY
        if reason == OK:
            total, reason = _sum_to(own, count, flow)
        summed = 0 if seen == 0.0 else min(count + 2 - int(seen), SESSIONS)
        put_judged(values, quality, observations, _FLOW, row, total, reason, summed)
        held = int(min(own[_KNOWN_SUMS], RANKED_SUMS))
        ranked = NOT_READY if reason == OK and held < RANKED_SUMS else reason
        percentile = _rank(own, total, held) if ranked == OK else np.nan
        put_judged(values, quality, observations, _PERCENTILE, row, percentile, ranked, held)
        copy_fields(run, own[_RUN:_SEEN])
        if reason == OK and np.isnan(flow):  # the sum and the run of its sign do not change
            put_unknown(values, quality, observations, _SIGN_SESSIONS, row, STALE, SESSIONS)
        else:
            put_sign_run(_SIGN_SESSIONS, row, run, total, reason, values, quality, observations)
        if commit and blocked == OK:
            own[count % SLOTS] = flow
            copy_fields(own[_RUN:_SEEN], run)
            own[_SEEN] = seen
            if reason == OK and count % RANK_EVERY == 0:
                own[_SUMS + int(own[_KNOWN_SUMS]) % RANKED_SUMS] = total
                own[_KNOWN_SUMS] += 1.0


class Flow(DayFamily):
    """Flow of 65 sessions in currency, its rank in five years, and the run of its sign."""

    name = "flow"
    outputs = (Output("flow", "65d"), Output("flow_percentile", "65d"), Output("flow_sign_sessions", ""))
    evaluation = _day_pass

    def __init__(self, pairs: int) -> None:
        super().__init__(pairs)
        self.arrays["flows"][..., :SLOTS] = np.nan
