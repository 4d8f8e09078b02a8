"""core.kernels.rolling: windows of returns against two passes of fsum, whatever went in and out before."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.kernels.rolling import (
    COMOMENT_FIELDS,
    COUNT,
    EW_COUNT,
    EW_FIELDS,
    EW_MEAN,
    EW_VARIANCE,
    EW_WEIGHT,
    MEAN_X,
    MEAN_Y,
    PEAK_XX,
    PEAK_YY,
    SINCE_RESUM,
    SUM_XX,
    SUM_XY,
    SUM_YY,
    WORN_SHARE,
    beta_of,
    comoments_add,
    comoments_remove,
    comoments_replace,
    comoments_worn,
    correlation_of,
    ew_update,
)
from tests.oracles.statistics import beta_and_correlation, weighted_deviation

returns = st.floats(-0.5, 1.0, allow_subnormal=False).map(lambda value: round(value, 9))
points = st.tuples(returns, returns)
unhurried = settings(deadline=None)  # the first call compiles


def sums(observations: list[tuple[float, float]]) -> dict[int, float]:
    """Fields of a co-moment row, in two passes."""
    count = len(observations)
    mean_x = math.fsum(x for x, _ in observations) / count
    mean_y = math.fsum(y for _, y in observations) / count
    return {
        COUNT: count,
        MEAN_X: mean_x,
        MEAN_Y: mean_y,
        SUM_XX: math.fsum((x - mean_x) ** 2 for x, _ in observations),
        SUM_YY: math.fsum((y - mean_y) ** 2 for _, y in observations),
        SUM_XY: math.fsum((x - mean_x) * (y - mean_y) for x, y in observations),
    }


def assert_holds(row: np.ndarray, observations: list[tuple[float, float]]) -> None:
    """Rounding is judged against the largest sum the row has held since it was empty."""
    for field, expected in sums(observations).items():
        floor = 1e-13 * (1.0 + row[PEAK_XX] + row[PEAK_YY])
        assert row[field] == pytest.approx(expected, rel=1e-12, abs=floor), field


def filled(observations: list[tuple[float, float]]) -> np.ndarray:
    row = np.zeros(COMOMENT_FIELDS)
    for x, y in observations:
        comoments_add(row, x, y)
    return row


@unhurried
@given(st.lists(points, min_size=1, max_size=80))
def test_adding_is_a_two_pass_sum(observations: list[tuple[float, float]]) -> None:
    assert_holds(filled(observations), observations)


@unhurried
@given(st.lists(points, min_size=2, max_size=80), st.data())
def test_removing_undoes_adding(observations: list[tuple[float, float]], data: st.DataObject) -> None:
    row = filled(observations)
    leaving = data.draw(st.integers(1, len(observations) - 1))
    for x, y in observations[:leaving]:
        comoments_remove(row, x, y)
    assert_holds(row, observations[leaving:])


@unhurried
@given(st.lists(points, min_size=1, max_size=20))
def test_removing_everything_leaves_exact_zeros(observations: list[tuple[float, float]]) -> None:
    row = filled(observations)
    row[SINCE_RESUM] = 7.0
    for x, y in observations:
        comoments_remove(row, x, y)
    assert row[:SINCE_RESUM].tolist() == [0.0] * SINCE_RESUM
    assert row[SINCE_RESUM] == 7.0


@unhurried
@given(st.lists(points, min_size=2, max_size=120), st.integers(2, 40))
def test_replacing_is_the_window_that_remains(observations: list[tuple[float, float]], window: int) -> None:
    window = min(window, len(observations))
    row = filled(observations[:window])
    for left, entered in zip(observations, observations[window:], strict=False):
        comoments_replace(row, *left, *entered)
    assert_holds(row, observations[-window:])


@unhurried
@given(st.lists(points, min_size=3, max_size=60), st.integers(3, 30))
def test_replacing_equals_removing_and_adding(observations: list[tuple[float, float]], window: int) -> None:
    window = min(window, len(observations))
    replaced, rolled = filled(observations[:window]), filled(observations[:window])
    for left, entered in zip(observations, observations[window:], strict=False):
        comoments_replace(replaced, *left, *entered)
        comoments_remove(rolled, *left)
        comoments_add(rolled, *entered)
    floor = 1e-12 * (1.0 + replaced[PEAK_XX] + replaced[PEAK_YY])
    np.testing.assert_allclose(replaced[: SUM_XY + 1], rolled[: SUM_XY + 1], rtol=1e-11, atol=floor)


def test_a_window_that_has_shrunk_a_thousandfold_is_worn() -> None:
    quiet = [(1e-6 * (-1) ** n, 2e-6 * (-1) ** n) for n in range(62)]
    row = filled([(0.5, 0.4), *quiet])
    assert not comoments_worn(row)
    comoments_replace(row, 0.5, 0.4, 1e-6, 2e-6)
    assert row[SUM_XX] < WORN_SHARE * row[PEAK_XX]
    assert comoments_worn(row)
    assert not comoments_worn(filled([*quiet, (1e-6, 2e-6)]))


@pytest.mark.parametrize("axis", [0, 1], ids=["benchmark", "numerator"])
def test_one_worn_leg_is_enough(axis: int) -> None:
    shock = (0.001, 1.0) if axis else (1.0, 0.001)
    around = [(0.001, 0.001), (-0.001, -0.001)] * 30
    row = filled([shock, *around])
    comoments_remove(row, *shock)
    assert comoments_worn(row)


def test_an_empty_row_and_a_constant_one_are_not_worn() -> None:
    assert not comoments_worn(np.zeros(COMOMENT_FIELDS))
    assert not comoments_worn(filled([(0.0, 0.0)] * 10))


@unhurried
@given(st.lists(points, min_size=3, max_size=80))
def test_beta_and_correlation_are_those_of_the_oracle(observations: list[tuple[float, float]]) -> None:
    row = filled(observations)
    beta, correlation = beta_and_correlation([x for x, _ in observations], [y for _, y in observations])
    if beta is not None and row[SUM_XX] > 1e-9:
        floor = 1e-14 * math.sqrt((1.0 + row[SUM_YY]) / row[SUM_XX])
        assert beta_of(row, 3) == pytest.approx(beta, rel=1e-9, abs=floor)
    if correlation is not None and min(row[SUM_XX], row[SUM_YY]) > 1e-9:
        assert correlation_of(row, 3) == pytest.approx(correlation, rel=1e-9, abs=1e-9)
        assert -1.0 <= correlation_of(row, 3) <= 1.0


def test_too_few_observations_say_nothing() -> None:
    row = filled([(0.01, 0.02), (0.02, 0.01)])
    assert math.isnan(beta_of(row, 3))
    assert math.isnan(correlation_of(row, 3))
    assert beta_of(row, 2) == pytest.approx(-1.0)
    assert correlation_of(row, 2) == pytest.approx(-1.0)


def test_a_leg_that_never_moved_has_no_beta_and_no_correlation() -> None:
    benchmark_still = filled([(0.0, 0.01), (0.0, 0.02)])
    assert math.isnan(beta_of(benchmark_still, 2))
    assert math.isnan(correlation_of(benchmark_still, 2))
    numerator_still = filled([(0.01, 0.0), (0.02, 0.0)])
    assert beta_of(numerator_still, 2) == 0.0
    assert math.isnan(correlation_of(numerator_still, 2))


def test_rounding_never_takes_a_correlation_beyond_one() -> None:
    row = np.zeros(COMOMENT_FIELDS)
    row[COUNT], row[SUM_XX], row[SUM_YY] = 3, 1.0, 1.0
    for sum_xy, expected in ((1.0 + 1e-15, 1.0), (-1.0 - 1e-15, -1.0)):
        row[SUM_XY] = sum_xy
        assert correlation_of(row, 2) == expected


@settings(deadline=None, max_examples=60)
@given(st.lists(returns, min_size=1, max_size=150), st.sampled_from([5, 63, 120]))
def test_exponential_weights_are_the_explicit_ones(values: list[float], half_life: int) -> None:
    decay = 0.5 ** (1 / half_life)
    row = np.zeros(EW_FIELDS)
    for value in values:
        ew_update(row, value, decay)
    weights = [0.5 ** ((len(values) - 1 - n) / half_life) for n in range(len(values))]
    total = math.fsum(weights)
    mean = math.fsum(w * v for w, v in zip(weights, values, strict=True)) / total
    assert row[EW_COUNT] == len(values)
    assert row[EW_WEIGHT] == pytest.approx(total, rel=1e-12)
    assert row[EW_MEAN] == pytest.approx(mean, rel=1e-11, abs=1e-14)
    expected = weighted_deviation(values, half_life) ** 2
    assert row[EW_VARIANCE] == pytest.approx(expected, rel=1e-10, abs=1e-16)


def test_a_first_value_has_no_variance_and_a_constant_series_never_gets_any() -> None:
    row = np.zeros(EW_FIELDS)
    for count in range(1, 40):
        ew_update(row, 0.013, 0.99)
        assert (row[EW_COUNT], row[EW_VARIANCE]) == (count, 0.0)
        assert row[EW_MEAN] == 0.013


def test_weights_grow_to_their_limit() -> None:
    row = np.zeros(EW_FIELDS)
    seen = []
    for _ in range(2_000):
        ew_update(row, 0.0, 0.9)
        seen.append(float(row[EW_WEIGHT]))
    assert all(earlier <= later for earlier, later in pairwise(seen))
    assert seen[-1] == pytest.approx(10.0)
