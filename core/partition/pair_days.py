"""Daily closes and volumes of every pair, on the sessions that both legs have.

One ring per pair, because pairs have different days: one leg may be younger, or lack a close.
The latest 512 days are kept, enough for 252 sessions and any year to date.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.kernels.codes import DAY_MASK, DAY_SLOTS, NO_SESSION, NOT_READY, STALE
from core.kernels.jit import I4, I8, U1, array_of, kernel
from core.model.scale import LARGEST_INTEGER
from core.partition.state import INSTRUMENT_STATE


@dataclass(frozen=True, slots=True)
class PairDays:
    """Rings of daily closes and volumes.

    Args:
        closes: int64 (pairs, 512, 2): numerator and benchmark, each in its leg's units.
        volumes: int64 (pairs, 512, 2): the same sessions in the legs' units, minus a Quality if unknown.
        traded: uint8 (pairs, 512, 2): 1 where the volume is a sum of trades received live, 0 where published.
        sessions: int32 (pairs, 512): days since 1970-01-01.
        counts: int64 (pairs,): total days appended.
        history_start: int32 (pairs,): first session appended, 0 before.
    """

    closes: NDArray[np.int64]
    volumes: NDArray[np.int64]
    traded: NDArray[np.uint8]
    sessions: NDArray[np.int32]
    counts: NDArray[np.int64]
    history_start: NDArray[np.int32]


def allocate_pair_days(pairs: int) -> PairDays:
    """Empty rings for a number of pairs."""
    return PairDays(
        closes=np.zeros((pairs, DAY_SLOTS, 2), np.int64),
        volumes=np.full((pairs, DAY_SLOTS, 2), -NOT_READY, np.int64),
        traded=np.zeros((pairs, DAY_SLOTS, 2), np.uint8),
        sessions=np.zeros((pairs, DAY_SLOTS), np.int32),
        counts=np.zeros(pairs, np.int64),
        history_start=np.zeros(pairs, np.int32),
    )


@kernel(
    I8,
    array_of(I8, 3),
    array_of(I8, 3),
    array_of(U1, 3),
    array_of(I4, 2),
    array_of(I8),
    array_of(I4),
    array_of(I4),
    I4,
    array_of(I8, 2),
    array_of(I8, 2),
    array_of(U1, 2),
)
def append_days(
    closes, ring_volumes, ring_traded, sessions, counts, history_start, rows, session, prices, volumes, traded
):  # fmt: skip
    """Append one session to the rings of the given pairs.

    Args:
        closes: int64 (pairs, 512, 2).
        ring_volumes: int64 (pairs, 512, 2).
        ring_traded: uint8 (pairs, 512, 2).
        sessions: int32 (pairs, 512).
        counts: int64 (pairs,).
        history_start: int32 (pairs,).
        rows: int32 (n,): pairs to append to; those without two prices are skipped.
        session: Days since 1970-01-01.
        prices: int64 (2, pairs): closes of both legs.
        volumes: int64 (2, pairs): volumes of both legs, minus a Quality where unknown.
        traded: uint8 (2, pairs): 1 where the volume is a sum of trades received live.

    Returns:
        Number of rings that grew.
    """
    grown = 0
    for row in rows:
        if prices[0, row] <= 0 or prices[1, row] <= 0:
            continue
        count = counts[row]
        slot = count & DAY_MASK
        closes[row, slot, 0] = prices[0, row]
        closes[row, slot, 1] = prices[1, row]
        ring_volumes[row, slot, 0] = volumes[0, row]
        ring_volumes[row, slot, 1] = volumes[1, row]
        ring_traded[row, slot, 0] = traded[0, row]
        ring_traded[row, slot, 1] = traded[1, row]
        sessions[row, slot] = session
        if count == 0:
            history_start[row] = session
        counts[row] = count + 1
        grown += 1
    return grown


@kernel(
    I8,
    array_of(I8, 3),
    array_of(I4, 2),
    array_of(I8),
    array_of(I4),
    array_of(I4),
    array_of(I4),
    array_of(I8, 3),
)
def find_bases(closes, sessions, counts, rows, targets, lags, bases):
    """Look up the closes from which each window starts.

    Args:
        closes: int64 (pairs, 512, 2).
        sessions: int32 (pairs, 512).
        counts: int64 (pairs,).
        rows: int32 (n,): pairs to look up.
        targets: int32 (windows,): session day from which each window starts.
        lags: int32 (windows,): number of sessions back.
        bases: int64 (windows, 2, pairs): written; 0 where the ring lacks that session.

    Returns:
        Number of bases found.
    """
    found = 0
    for row in rows:
        count = counts[row]
        oldest = max(0, count - DAY_SLOTS)
        for window in range(len(targets)):
            bases[window, 0, row] = 0
            bases[window, 1, row] = 0
            # A ring without gaps has the session exactly `lag` entries back; gaps only move it later.
            index = max(oldest, count - lags[window])
            while index < count and sessions[row, index & DAY_MASK] < targets[window]:
                index += 1
            if index < count and sessions[row, index & DAY_MASK] == targets[window]:
                bases[window, 0, row] = closes[row, index & DAY_MASK, 0]
                bases[window, 1, row] = closes[row, index & DAY_MASK, 1]
                found += 1
    return found


@kernel(I8, array_of(I8, 2), I8, array_of(I4), array_of(I4), array_of(I4), array_of(I8, 2))
def leg_prices(ring_prices, now, numerators, benchmarks, rows, prices):
    """Read both legs' prices at a closed second or minute.

    Args:
        ring_prices: int64 (slots, instruments), by absolute second or minute.
        now: The second or minute.
        numerators: int32 (pairs,).
        benchmarks: int32 (pairs,).
        rows: int32 (n,): pairs to read.
        prices: int64 (2, pairs): written; minus a Quality where unknown.

    Returns:
        Number of pairs with two prices.
    """
    known = 0
    ring = ring_prices[now & (ring_prices.shape[0] - 1)]
    for row in rows:
        prices[0, row] = ring[numerators[row]]
        prices[1, row] = ring[benchmarks[row]]
        if prices[0, row] > 0 and prices[1, row] > 0:
            known += 1
    return known


@kernel(I8, array_of(INSTRUMENT_STATE), I8, array_of(I4), array_of(I4), array_of(I4), array_of(I8, 2))
def leg_volumes(instruments, minute, numerators, benchmarks, rows, volumes):
    """Read both legs' volume of the session up to the end of a closed minute.

    Args:
        instruments: INSTRUMENT_STATE (rows,).
        minute: The minute. A leg whose source is a minute ahead of it is `stale`.
        numerators: int32 (pairs,).
        benchmarks: int32 (pairs,): the pair's session is the benchmark's.
        rows: int32 (n,): pairs to read.
        volumes: int64 (2, pairs): written; minus a Quality where unknown. A leg on another calendar
            has no volume of the pair's session.

    Returns:
        Number of known volumes.
    """
    known = 0
    for row in rows:
        for side in range(2):
            leg = instruments[numerators[row] if side == 0 else benchmarks[row]]
            if leg.calendar != instruments[benchmarks[row]].calendar:
                volumes[side, row] = -NO_SESSION
            elif leg.volume_minute != minute:
                volumes[side, row] = -STALE
            else:
                volumes[side, row] = leg.volume_then
                known += volumes[side, row] >= 0
    return known


@kernel(
    I8,
    array_of(INSTRUMENT_STATE),
    array_of(I4),
    array_of(I4),
    array_of(I4),
    array_of(I4),
    I4,
    array_of(I8, 2),
    array_of(I8, 2),
    array_of(I4),
)
def ready_pairs(instruments, numerators, benchmarks, rows, done, session, prices, volumes, ready):
    """Find the pairs whose legs' day bars of a session are both final.

    A leg on another calendar has no close of this session; its price at the session's close must
    already be in `prices`.

    Args:
        instruments: INSTRUMENT_STATE (rows,).
        numerators: int32 (pairs,).
        benchmarks: int32 (pairs,): the pair's session is the benchmark's.
        rows: int32 (n,): pairs of the block.
        done: int32 (pairs,): last session each pair has finished.
        session: The session in question.
        prices: int64 (2, pairs): final closes are written where a leg has one.
        volumes: int64 (2, pairs): the same for volumes.
        ready: int32 (≥ pairs,): filled from the front.

    Returns:
        Number of pairs ready.
    """
    count = 0
    for row in rows:
        if done[row] >= session:
            continue
        complete = True
        for side in range(2):
            leg = instruments[numerators[row] if side == 0 else benchmarks[row]]
            if leg.calendar != instruments[benchmarks[row]].calendar:
                volumes[side, row] = -NO_SESSION
                continue
            if leg.final_session == session:
                prices[side, row] = leg.final_close
                volumes[side, row] = leg.final_volume
            elif leg.session > session:
                prices[side, row] = -NOT_READY  # Its source was missing: there will be no close.
                volumes[side, row] = -NOT_READY
            else:
                complete = False
        if complete:
            ready[count] = row
            count += 1
    return count


def restate(
    figures: NDArray[np.int64], numerator: int, denominator: int, largest: int = LARGEST_INTEGER
) -> None:
    """Apply a split: multiply known figures by numerator / denominator, in place, rounding half up.

    Args:
        figures: int64 (n,): prices or volumes, in any units; zero and negative ones are unchanged.
        numerator: Numerator of the factor, 1e-9 units.
        denominator: Denominator of the factor, 1e-9 units.
        largest: A figure above it becomes unknown.
    """
    known = figures > 0
    exact = (figures[known].astype(object) * (2 * numerator) + denominator) // (2 * denominator)
    # An overflowing figure would wrap to a negative number, which would mean some other reason.
    figures[known] = np.where(exact <= largest, exact, -NOT_READY).astype(np.int64)
