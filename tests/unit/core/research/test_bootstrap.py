"""The resample matrix: what it must have in common with the classic stationary bootstrap."""

from __future__ import annotations

import numpy as np
import pytest

from core.research.bootstrap import resample_counts


def classic(values: np.ndarray, resamples: int, mean_block: float, seed: int) -> np.ndarray:
    """Politis and Romano's own recipe, an observation at a time: jump with probability p, else continue."""
    random = np.random.default_rng(seed)
    length = len(values)
    position = random.integers(0, length, resamples)
    total = values[position].copy()
    for _ in range(length - 1):
        jump = random.random(resamples) < 1 / mean_block
        position = np.where(jump, random.integers(0, length, resamples), (position + 1) % length)
        total += values[position]
    return total / length


def test_a_longer_history_begins_with_the_counts_of_a_shorter() -> None:
    long = resample_counts(1_000, seed=3, resamples=20, mean_block=30)
    for length in (1, 30, 255, 256, 257, 999):
        assert np.array_equal(resample_counts(length, seed=3, resamples=20, mean_block=30), long[:length])


def test_seeds_give_different_counts_and_one_seed_the_same() -> None:
    first, again, other = (resample_counts(300, seed=seed, resamples=50) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_counts_have_mean_and_variance_one_and_forget_at_the_rate_of_the_blocks() -> None:
    mean_block = 20
    counts = resample_counts(2_000, seed=5, resamples=400, mean_block=mean_block)
    assert counts.min() >= 0
    assert counts.mean() == pytest.approx(1.0, abs=0.02)
    assert counts.var() == pytest.approx(1.0, abs=0.03)
    assert counts[0].var() == pytest.approx(1.0, abs=0.2)
    for lag in (1, 10, 40):
        product = np.mean((counts[:-lag] - 1.0) * (counts[lag:] - 1.0))
        assert product == pytest.approx((1 - 1 / mean_block) ** lag, abs=0.03)


def test_intervals_agree_with_the_classic_stationary_bootstrap() -> None:
    random = np.random.default_rng(11)
    noise = random.standard_t(4, 3_000)
    values = np.convolve(noise, np.ones(20) / 20, mode="valid")
    counts = resample_counts(len(values), seed=1, resamples=2_000, mean_block=40)
    means = values @ counts / counts.sum(axis=0)
    expected = classic(values, 2_000, 40, seed=2)
    spread = expected.std()
    assert means.mean() == pytest.approx(values.mean(), abs=0.1 * spread)
    assert means.std() == pytest.approx(spread, rel=0.1)
    for level in (0.025, 0.975):
        assert np.quantile(means, level) == pytest.approx(np.quantile(expected, level), abs=0.25 * spread)
