"""Repeated trades: the same trade sent twice must count once, with memory that never grows.

A trade is known by instrument, exchange, kind, trade id and UTC day. Vendors number trades anew
each day, and a repetition carries the first sending's timestamp, so the day of that timestamp
belongs to the identity.

The table remembers 64-bit hashes in buckets of eight; in a full bucket the oldest makes room.
After a million other trades a repetition may pass; after a quarter of a million, one in a
thousand does. A genuine trade is taken for a repetition with a probability of about 6e-14.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.records import TickKind
from core.sessions import NANOSECONDS_PER_DAY

_WAYS: Final = 8

_MIX_1: Final = np.uint64(0x9E37_79B9_7F4A_7C15)
_MIX_2: Final = np.uint64(0xBF58_476D_1CE4_E5B9)
_MIX_3: Final = np.uint64(0x94D0_49BB_1331_11EB)


class Deduplicator:
    """Remembers the trades of late and says which are new.

    Args:
        bucket_bits: Two to this power buckets of eight trades; 17 holds a million in 8 MiB.
    """

    def __init__(self, bucket_bits: int = 17) -> None:
        self._shift = np.uint64(64 - bucket_bits)
        buckets = 1 << bucket_bits
        self._keys = np.zeros((buckets, _WAYS), np.uint64)
        self._next_way = np.zeros(buckets, np.uint8)
        self._owner = np.zeros(buckets, np.int32)
        self.repeated = 0
        """Trades refused as repetitions since the start."""

    def fresh(self, ticks: NDArray[np.void], venues: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Say which ticks are no repetitions, and remember them.

        Args:
            ticks: TICK (n,). Records without a trade id (0) and those that are neither trade,
                correction nor cancel are always new.
            venues: uint8 (n,), the exchange of each.

        Returns:
            Array (n,) bool.
        """
        fresh = np.ones(len(ticks), np.bool_)
        subject = (ticks["trade_id"] != 0) & (ticks["kind"] <= TickKind.CANCEL)
        keys = _identity(ticks, venues)
        rows = np.flatnonzero(subject)
        # A pass handles the first row of each bucket; rows that share one wait for the next pass.
        while len(rows):
            pending = keys[rows]
            buckets = (pending >> self._shift).astype(np.intp)
            first = self._first_of_each(buckets)
            seen = self._holds(pending, buckets)
            fresh[rows[first & seen]] = False
            learned = first & ~seen
            self._remember(pending[learned], buckets[learned])
            rows = rows[~first]
        self.repeated += len(fresh) - int(np.count_nonzero(fresh))
        return fresh

    def _first_of_each(self, buckets: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Say which rows are the first of their bucket."""
        positions = np.arange(len(buckets), dtype=np.int32)
        # Assigned backwards, so that of several rows the first is written last and stands.
        self._owner[buckets[::-1]] = positions[::-1]
        first: NDArray[np.bool_] = self._owner[buckets] == positions
        return first

    def _holds(self, keys: NDArray[np.uint64], buckets: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Say which keys stand in their bucket."""
        equal = np.take(self._keys, buckets, axis=0) == keys[:, None]
        # Eight flags are eight bytes: one comparison instead of a reduction over each row.
        held: NDArray[np.bool_] = equal.view(np.uint64)[:, 0] != 0
        return held

    def _remember(self, keys: NDArray[np.uint64], buckets: NDArray[np.intp]) -> None:
        """Store keys of distinct buckets, each over the oldest of its bucket."""
        ways = self._next_way[buckets]
        self._keys[buckets, ways] = keys
        self._next_way[buckets] = (ways + 1) % _WAYS


def _identity(ticks: NDArray[np.void], venues: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Mix what a trade is known by into 64 bits that are never 0, which marks an empty place.

    Source: the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
    """
    day = (ticks["ts_event"] // NANOSECONDS_PER_DAY).astype(np.uint64)
    scope = ticks["instrument_id"].astype(np.uint64) << np.uint64(32)
    scope |= day << np.uint64(16) | venues.astype(np.uint64) << np.uint64(8) | ticks["kind"]
    with np.errstate(over="ignore"):
        mixed = ticks["trade_id"] * _MIX_1 ^ _mixed(scope)
    return _mixed(mixed) | np.uint64(1)


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        values = (values ^ (values >> np.uint64(30))) * _MIX_2
        values = (values ^ (values >> np.uint64(27))) * _MIX_3
    return values ^ (values >> np.uint64(31))
