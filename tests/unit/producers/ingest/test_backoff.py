"""Waits grow, are jittered and capped, and only real data makes them short again."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from producers.ingest.backoff import SLOW_RETRY_MIN_MS, Backoff


@given(st.integers(0, 2**32), st.integers(1, 200))
def test_every_wait_lies_below_its_bound(seed: int, count: int) -> None:
    backoff = Backoff(500, 30_000, 30_000, random=random.Random(seed).random)
    for attempt in range(count):
        assert 0 <= backoff.next_ms(slow=False) <= min(30_000, 500 * 2**attempt)


def test_a_server_that_accepts_and_throws_out_meets_no_hot_loop() -> None:
    """Regression: a wait reset by the handshake made 1,156 connections in two seconds (websockets 17)."""
    backoff = Backoff(500, 30_000, 30_000, random=lambda: 0.5)
    waits = []
    for _ in range(12):
        waits.append(backoff.next_ms(slow=False))
        backoff.note_data(900)
    assert waits[:3] == [250, 500, 1_000]
    assert waits[-1] == 15_000


def test_thirty_seconds_of_data_make_the_next_wait_short() -> None:
    backoff = Backoff(500, 30_000, 30_000, random=lambda: 0.5)
    for _ in range(9):
        backoff.next_ms(slow=False)
    backoff.note_data(29_999)
    assert backoff.next_ms(slow=False) == 15_000
    backoff.note_data(30_000)
    assert backoff.next_ms(slow=False) == 250


def test_a_slow_retry_is_never_quick() -> None:
    backoff = Backoff(500, 30_000, 30_000, random=lambda: 0.0)
    assert [backoff.next_ms(slow=True) for _ in range(3)] == [SLOW_RETRY_MIN_MS] * 3
