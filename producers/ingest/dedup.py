"""Drops repeated trades, so that a trade sent twice counts once, in bounded memory.

A repeat equals an earlier record in everything the vendor sends: instrument, exchange, kind,
trade id, event time, price, size and what the trade may update. The trade id alone is not enough.
A trade may be corrected more than once, and a vendor may reuse an id for another trade.

A correction is two records, the trade withdrawn and its replacement. Both are new or both are
repeats: one half alone would make the volume wrong.

The table stores 64-bit hashes in buckets of eight; in a full bucket the oldest is evicted.
After a million other trades a repeat may pass; after a quarter of a million, one in a thousand
does. A genuine trade is mistaken for a repeat with a probability of about 6e-14.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.model.records import TickKind

_WAYS: Final = 8

_MIX_1: Final = np.uint64(0x9E37_79B9_7F4A_7C15)
_MIX_2: Final = np.uint64(0xBF58_476D_1CE4_E5B9)
_MIX_3: Final = np.uint64(0x94D0_49BB_1331_11EB)
_MIX_4: Final = np.uint64(0xD6E8_FEB8_6659_FD93)


class Deduplicator:
    """Remembers recent trades and identifies new ones.

    Args:
        bucket_bits: Log2 of the number of buckets of eight trades; 17 holds a million trades in 8 MiB.
    """

    def __init__(self, bucket_bits: int = 17) -> None:
        self._shift = np.uint64(64 - bucket_bits)
        buckets = 1 << bucket_bits
        self._keys = np.zeros((buckets, _WAYS), np.uint64)
        self._next_way = np.zeros(buckets, np.uint8)
        self._owner = np.zeros(buckets, np.int32)
        self.repeated = 0
        """Number of trades dropped as repeats since the start."""

    def fresh(self, ticks: NDArray[np.void], venues: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Return which ticks are new, and remember them.

        Args:
            ticks: TICK (n,). Records without a trade id (0) and those that are neither trade,
                correction nor cancel are always new. A correction directly follows its
                cancel, in the same call.
            venues: uint8 (n,), exchange of each tick.

        Returns:
            Array (n,) bool.
        """
        fresh = np.ones(len(ticks), np.bool_)
        subject = (ticks["trade_id"] != 0) & (ticks["kind"] <= TickKind.CANCEL)
        keys = _identity(ticks, venues)
        _join_corrections(ticks["kind"], keys, subject)
        rows = np.flatnonzero(subject)
        # A pass handles the first row of each bucket; rows that share a bucket wait for the next pass.
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
        """Return which rows are the first of their bucket."""
        positions = np.arange(len(buckets), dtype=np.int32)
        # Assigned backwards, so that of several rows the first is written last and wins.
        self._owner[buckets[::-1]] = positions[::-1]
        first: NDArray[np.bool_] = self._owner[buckets] == positions
        return first

    def _holds(self, keys: NDArray[np.uint64], buckets: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Return which keys are in their bucket."""
        equal = np.take(self._keys, buckets, axis=0) == keys[:, None]
        # Eight flags are eight bytes: one 64-bit comparison replaces a reduction over each row.
        held: NDArray[np.bool_] = equal.view(np.uint64)[:, 0] != 0
        return held

    def _remember(self, keys: NDArray[np.uint64], buckets: NDArray[np.intp]) -> None:
        """Store keys of distinct buckets, each replacing the oldest of its bucket."""
        ways = self._next_way[buckets]
        self._keys[buckets, ways] = keys
        self._next_way[buckets] = (ways + 1) % _WAYS


def _join_corrections(kinds: NDArray[np.uint8], keys: NDArray[np.uint64], subject: NDArray[np.bool_]) -> None:
    """Make the keys of both records of a correction depend on both, in place."""
    second = np.flatnonzero(kinds[1:] == TickKind.CORRECTION) + 1
    second = second[kinds[second - 1] == TickKind.CANCEL]
    if len(second) == 0:
        return
    withdrawn, replacement = keys[second - 1], keys[second]
    with np.errstate(over="ignore"):
        keys[second - 1] = _mixed(withdrawn + replacement * _MIX_2) | np.uint64(1)
        keys[second] = _mixed(replacement + withdrawn * _MIX_3) | np.uint64(1)
    subject[second - 1] &= subject[second]
    subject[second] = subject[second - 1]


def _identity(ticks: NDArray[np.void], venues: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Hash a record's identity to 64 bits; never 0, which marks an empty slot.

    Source: the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
    """
    scope = ticks["instrument_id"].astype(np.uint64) << np.uint64(32)
    scope |= venues.astype(np.uint64) << np.uint64(8)
    scope |= ticks["update"].astype(np.uint64) << np.uint64(16) | ticks["kind"]
    with np.errstate(over="ignore"):
        when = _mixed(ticks["ts_event"].view(np.uint64) * _MIX_2 ^ scope)
        what = ticks["price"].view(np.uint64) * _MIX_3 + ticks["size"].view(np.uint64) * _MIX_4
        mixed = (ticks["trade_id"] * _MIX_1 ^ when) + _mixed(what)
    return _mixed(mixed) | np.uint64(1)


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        values = (values ^ (values >> np.uint64(30))) * _MIX_2
        values = (values ^ (values >> np.uint64(27))) * _MIX_3
    return values ^ (values >> np.uint64(31))
