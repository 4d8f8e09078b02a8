"""Waits grow up to a limit, never fall below their share, and begin again after a reset."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from core.runtime.backoff import SLOW_RETRY_MIN_MS, Backoff, GrowingWait


@given(st.integers(0, 2**32), st.integers(1, 200), st.floats(0.0, 1.0))
def test_every_wait_lies_between_its_share_and_its_bound(seed: int, count: int, share: float) -> None:
    wait = GrowingWait(100, 5_000, random=random.Random(seed).random, least_share=share)
    for attempt in range(count):
        bound = min(5_000, 100 * 2**attempt)
        assert share * bound - 1e-6 <= wait.next_ms() <= bound + 1e-6


def test_a_reset_makes_the_next_wait_short() -> None:
    wait = GrowingWait(100, 5_000, random=lambda: 0.5, least_share=0.5)
    assert [wait.next_ms() for _ in range(8)] == [75, 150, 300, 600, 1_200, 2_400, 3_750, 3_750]
    wait.reset()
    assert wait.next_ms() == 75


@given(st.integers(0, 2**32), st.integers(1, 200))
def test_every_wait_before_a_connection_lies_below_its_bound(seed: int, count: int) -> None:
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
