"""tests.bench.rebalance: how long a partition stood still, whoever had it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.bench.rebalance import PARTITIONS, pauses

MS = 1_000_000
END_MS = 1_000


def steps(first_ms: int, last_ms: int) -> np.ndarray:
    """A step every ten milliseconds, both ends included."""
    return np.arange(first_ms, last_ms + 1, 10, dtype=np.int64) * MS


def test_one_worker_all_the_time_is_told_from_several() -> None:
    stays = {partition: steps(0, END_MS) for partition in range(PARTITIONS - 1)}
    moves, takes = {PARTITIONS - 1: steps(0, 400)}, {PARTITIONS - 1: steps(650, END_MS)}
    assert pauses([stays | moves, takes], 0, END_MS * MS) == ([10.0] * (PARTITIONS - 1), [250.0])


def test_a_partition_that_comes_to_nobody_stands_still_to_the_end() -> None:
    stays, moves = pauses([{partition: steps(0, 300) for partition in range(PARTITIONS)}], 0, END_MS * MS)
    assert (stays, moves) == ([700.0] * PARTITIONS, [])


@pytest.mark.parametrize("member", [{}, {0: steps(0, END_MS)}])
def test_what_nobody_stepped_in_the_time_looked_at_stood_still_all_of_it(
    member: dict[int, np.ndarray],
) -> None:
    begin_ns, end_ns = 2 * END_MS * MS, 3 * END_MS * MS
    assert pauses([member], begin_ns, end_ns) == ([], [float(END_MS)] * PARTITIONS)
