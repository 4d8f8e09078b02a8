"""Money that came into the numerator's fund and left it over 65 sessions, and how unusual that is.

The window is the 65 sessions up to the newest one whose flow is known, and every one of them must
be known: a hole would make the sum smaller without saying so. Flows come with the history; after
five sessions without one the sum is stale. How long its sign has stood is told only in sessions that have
a flow.

The rank compares with the sums of five years, one in ten sessions: sums that share nine tenths of
their flows say nothing new about each other.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.indicators.base import DayFamily, DayStep, Output
from core.indicators.day_rows import RUN_FIELDS, put_sign_run, put_unknown
from core.kernels.jit import BOOL, F8, I4, I8, U1, array_of, inlined, kernel
from core.kernels.returns import blocked_by
from core.kernels.rolling import copy_fields
from core.model.records import Frequency, Quality
from core.model.universe_file import SERIES_CLASSES

SESSIONS: Final = 65
MOST_SESSIONS_WITHOUT: Final = 5
SLOTS: Final = SESSIONS + MOST_SESSIONS_WITHOUT
RANK_EVERY: Final = 10
RANKED_SUMS: Final = 126
"""Five years of them."""
LEAST_SUMS: Final = 20
"""Ten months of them."""

_ROLE: Final = SERIES_CLASSES.index("flow")
_NOT_READY: Final = int(Quality.NOT_READY)
_STALE: Final = int(Quality.STALE)
_GAP: Final = int(Quality.GAP)
# State of a pair: flows by day number, past sums, then how many sums there were, and the run.
_SUMS: Final = SLOTS
_KNOWN_SUMS: Final = SLOTS + RANKED_SUMS
_RUN: Final = _KNOWN_SUMS + 1
_SEEN: Final = _RUN + RUN_FIELDS
"""Day number of the first flow plus one, 0 before there is one."""
_STATE_FIELDS: Final = _SEEN + 1


@inlined
def _sum_to(flows, count, flow):  # type: ignore[no-untyped-def]
    """Sum of the window that ends at the newest flow, and why there is none.

    Args:
        flows: float64 (≥ SLOTS,): by day number, NaN where unknown.
        count: Number of the session in progress.
        flow: The session's own, NaN where unknown.

    Returns:
        The sum, and a Quality: 0 where it is known.
    """
    newest = count
    total = 0.0 if np.isnan(flow) else flow
    if np.isnan(flow):
        newest = count - 1
        while newest >= 0 and count - newest <= MOST_SESSIONS_WITHOUT and np.isnan(flows[newest % SLOTS]):
            newest -= 1
        if newest < 0 or count - newest > MOST_SESSIONS_WITHOUT:
            return total, _STALE
    if newest + 1 < SESSIONS:
        return total, _NOT_READY
    for day in range(min(newest, count - 1), newest - SESSIONS, -1):
        if np.isnan(flows[day % SLOTS]):
            return total, _GAP
        total += flows[day % SLOTS]
    return total, 0


@inlined
def _rank(state, total, held):  # type: ignore[no-untyped-def]
    """Mid-rank in percent among the past sums that are held."""
    score = 0.0
    for index in range(held):
        past = state[_SUMS + index]
        if past < total:
            score += 1.0
        elif past == total:
            score += 0.5
    return 100.0 * score / held


@kernel(
    I8,
    array_of(I8, 2),
    array_of(F8, 2),
    array_of(I8),
    array_of(I4),
    array_of(F8, 2),
    array_of(F8),
    array_of(F8, 2),
    array_of(U1, 2),
    array_of(I4, 2),
    BOOL,
)
def _day_pass(  # type: ignore[no-untyped-def]
    prices, series, counts, rows, state, run, values, quality, observations, commit
):
    for row in rows:
        own = state[row]
        count = counts[row]
        flow = series[_ROLE, row]
        seen = own[_SEEN]
        if seen == 0.0 and not np.isnan(flow):
            seen = count + 1.0
        total = 0.0
        reason = blocked_by(prices, row)
        if reason == 0 and (seen == 0.0 or count + 2 - seen < SESSIONS):
            reason = _NOT_READY
        if reason == 0:
            total, reason = _sum_to(own, count, flow)
        held = int(min(own[_KNOWN_SUMS], RANKED_SUMS))
        quality[0, row] = reason
        values[0, row] = total if reason == 0 else np.nan
        observations[0, row] = 0 if seen == 0.0 else min(count + 2 - int(seen), SESSIONS)
        ranked = reason if reason != 0 or held >= LEAST_SUMS else _NOT_READY
        quality[1, row] = ranked
        values[1, row] = _rank(own, total, held) if ranked == 0 else np.nan
        observations[1, row] = held
        copy_fields(run, own[_RUN:_SEEN])
        if reason == 0 and np.isnan(flow):  # the sum stands still, and so does the run of its sign
            put_unknown(values, quality, observations, 2, row, _STALE, SESSIONS)
        else:
            put_sign_run(2, row, run, total, reason, values, quality, observations)
        if commit and prices[0, row] > 0 and prices[1, row] > 0:
            own[count % SLOTS] = flow
            copy_fields(own[_RUN:_SEEN], run)
            own[_SEEN] = seen
            if reason == 0 and count % RANK_EVERY == 0:
                own[_SUMS + int(own[_KNOWN_SUMS]) % RANKED_SUMS] = total
                own[_KNOWN_SUMS] += 1.0
    return len(rows)


class Flow(DayFamily):
    """Flow of 65 sessions in currency, its rank in five years, and the run of its sign."""

    name = "flow"
    frequency = Frequency.DAY
    outputs = (Output("flow", "65d"), Output("flow_percentile", "65d"), Output("flow_sign_sessions", ""))

    def __init__(self, pairs: int) -> None:
        super().__init__(pairs)
        self._state = np.zeros((1, pairs, _STATE_FIELDS))
        self._state[..., :SLOTS] = np.nan
        self._run = np.zeros(RUN_FIELDS)

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Flows of the latest sessions, past sums, and the run of the sign."""
        return {"flows": self._state}

    def evaluate(self, step: DayStep, *, commit: bool) -> None:
        """Sum the latest flows, with the session's own where it is known."""
        _day_pass(
            step.prices,
            step.series,
            step.days.counts,
            step.rows,
            self._state[0],
            self._run,
            self.values,
            self.quality,
            self.observations,
            commit,
        )
