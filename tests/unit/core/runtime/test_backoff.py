"""Waits grow up to a limit, never fall below their share, and begin again after a reset."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from core.runtime.backoff import GrowingWait


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
