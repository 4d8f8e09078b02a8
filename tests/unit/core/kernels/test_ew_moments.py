"""core.kernels.ew_moments: weighted moments against explicit weights, intervals against their definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.kernels.ew_moments import (
    EW2_COUNT,
    EW2_FIELDS,
    EW2_XX,
    EW2_XY,
    NORMAL_95,
    decay_of,
    effective_count,
    ew2_correlation,
    ew2_update,
    fisher_bound,
)
from tests.oracles.statistics import weighted_beta_and_correlation

returns = st.floats(-0.5, 1.0, allow_subnormal=False).map(lambda value: round(value, 6))


@settings(deadline=None)
@given(st.lists(st.tuples(returns, returns), min_size=2, max_size=60), st.sampled_from([3, 21, 126]))
def test_updates_are_explicit_weights(observations: list[tuple[float, float]], half_life: int) -> None:
    row = np.zeros(EW2_FIELDS)
    for x, y in observations:
        ew2_update(row, x, y, decay_of(half_life))
    xs, ys = zip(*observations, strict=True)
    beta, correlation = weighted_beta_and_correlation(xs, ys, half_life)
    assert row[EW2_COUNT] == len(observations)
    if row[EW2_XX] > 1e-9 and beta is not None:
        assert row[EW2_XY] / row[EW2_XX] == pytest.approx(beta, rel=1e-9, abs=1e-9)
    if correlation is not None and np.isfinite(ew2_correlation(row)):
        assert ew2_correlation(row) == pytest.approx(correlation, rel=1e-6, abs=1e-6)


def test_what_never_moved_has_no_correlation() -> None:
    row = np.zeros(EW2_FIELDS)
    for y in (0.01, -0.02, 0.03):
        ew2_update(row, 0.0, y, decay_of(21))
    assert math.isnan(ew2_correlation(row))


def test_weights_are_worth_as_many_observations_as_their_squares_say() -> None:
    weights = [0.5 ** (age / 63) for age in range(6_000)]
    worth = math.fsum(weights) ** 2 / math.fsum(w * w for w in weights)
    assert effective_count(63) == pytest.approx(worth, rel=1e-12)


@pytest.mark.parametrize("correlation", [-0.95, 0.0, 0.8])
def test_an_interval_is_symmetric_on_fishers_scale(correlation: float) -> None:
    low, high = (fisher_bound(correlation, 63.0, side * NORMAL_95) for side in (-1, 1))
    assert low < correlation < high
    assert math.atanh(high) - math.atanh(low) == pytest.approx(2 * NORMAL_95 / math.sqrt(60), rel=1e-12)


@pytest.mark.parametrize("correlation", [-1.0, 1.0])
def test_a_perfect_correlation_has_no_width(correlation: float) -> None:
    assert fisher_bound(correlation, 63.0, NORMAL_95) == correlation


def test_no_correlation_has_no_interval() -> None:
    assert math.isnan(fisher_bound(math.nan, 63.0, NORMAL_95))
