"""core.kernels.sorted_window: order statistics against sorting again."""

from __future__ import annotations

from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.kernels.sorted_window import (
    median_deviation,
    median_of,
    mid_rank,
    sorted_insert,
    sorted_place,
    sorted_replace,
)

numbers = st.integers(-6, 6).map(float)  # few values, so that many are equal
unhurried = settings(deadline=None)  # the first call compiles


def ordered(values: list[float]) -> np.ndarray:
    window = np.full(len(values) + 1, np.nan)
    for held, value in enumerate(values):
        sorted_insert(window, held, value)
    return window


@unhurried
@given(st.lists(numbers, min_size=1, max_size=40))
def test_inserting_one_by_one_sorts(values: list[float]) -> None:
    assert ordered(values)[:-1].tolist() == sorted(values)


@unhurried
@given(st.lists(numbers, min_size=1, max_size=40), numbers, st.data())
def test_replacing_keeps_the_order(values: list[float], new: float, data: st.DataObject) -> None:
    window = ordered(values)
    leaving = data.draw(st.integers(0, len(values) - 1))
    sorted_replace(window, len(values), values[leaving], new)
    kept = values[:leaving] + values[leaving + 1 :]
    assert window[:-1].tolist() == sorted([*kept, new])


@unhurried
@given(st.lists(numbers, min_size=1, max_size=40), numbers)
def test_ranks_count_equals_by_half(values: list[float], value: float) -> None:
    window, count = ordered(values), len(values)
    below, equal = sum(v < value for v in values), values.count(value)
    assert sorted_place(window, count, value) == below
    assert mid_rank(window, count, value) == (below + 0.5 * equal) / count


@unhurried
@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=40))
def test_medians_and_their_deviations(values: list[float]) -> None:
    window, count = ordered(values), len(values)
    centre = median(values)
    assert median_of(window, count) == pytest.approx(centre, rel=1e-15, abs=1e-300)
    distances = median(abs(v - centre) for v in values)
    assert median_deviation(window, count, centre) == pytest.approx(distances, rel=1e-12, abs=1e-12)
