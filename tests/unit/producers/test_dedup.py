"""A repeated trade counts once, and a new one always counts."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.records import TICK, TickKind
from producers.dedup import Deduplicator
from tests.support.feed_samples import NOON_NS

DAY_NS = 86_400 * 10**9


def records(*rows: tuple[int, int, int, int, int]) -> tuple[NDArray[np.void], NDArray[np.uint8]]:
    """Rows of (instrument, venue, trade id, kind, day)."""
    ticks = np.zeros(len(rows), TICK)
    instruments, venues, numbers, kinds, days = np.array(rows, np.int64).reshape(-1, 5).T
    ticks["instrument_id"], ticks["trade_id"], ticks["kind"] = instruments, numbers, kinds
    ticks["ts_event"] = NOON_NS + days * DAY_NS
    return ticks, venues.astype(np.uint8)


rows = st.tuples(
    st.integers(1, 3),
    st.integers(65, 66),
    st.integers(0, 5),
    st.sampled_from(list(TickKind)),
    st.integers(0, 1),
)


@given(st.lists(rows, max_size=80), st.integers(min_value=1, max_value=80))
def test_it_agrees_with_a_set(sequence: list[tuple[int, int, int, int, int]], cut: int) -> None:
    deduplicator = Deduplicator(bucket_bits=6)
    fresh: list[bool] = []
    for start in range(0, len(sequence), cut):
        fresh += deduplicator.fresh(*records(*sequence[start : start + cut])).tolist()
    seen: set[tuple[int, ...]] = set()
    expected = []
    for row in sequence:
        subject = row[2] != 0 and row[3] <= TickKind.CANCEL
        expected.append(not subject or row not in seen)
        seen.add(row)
    assert fresh == expected
    assert deduplicator.repeated == expected.count(False)


def test_the_last_hundred_thousand_trades_are_all_remembered() -> None:
    deduplicator = Deduplicator()
    everything = [(1, 68, number, 0, 0) for number in range(1, 100_001)]
    ticks, venues = records(*everything)
    for start in range(0, len(ticks), 2_000):
        assert deduplicator.fresh(ticks[start : start + 2_000], venues[start : start + 2_000]).all()
    assert not deduplicator.fresh(ticks, venues).any()


def test_no_new_trade_is_taken_for_an_old_one_when_the_memory_is_full() -> None:
    deduplicator = Deduplicator(bucket_bits=4)
    ticks, venues = records(*[(1, 68, number, 0, 0) for number in range(1, 20_001)])
    assert deduplicator.fresh(ticks, venues).all()
    assert deduplicator.repeated == 0


def test_one_trade_over_and_over() -> None:
    fresh = Deduplicator().fresh(*records(*[(1, 68, 7, 0, 0)] * 50))
    assert fresh.tolist() == [True] + [False] * 49
