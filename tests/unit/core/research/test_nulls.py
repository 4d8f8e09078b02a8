"""Null histories: what each keeps of the real pair, and what it leaves to chance."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.research.nulls import NULLS, degrees_of_freedom, null_closes
from core.research.rarity import expected_runs


@pytest.fixture(scope="module")
def closes() -> NDArray[np.float64]:
    random = np.random.default_rng(2)
    mixing = np.sqrt(6 / random.chisquare(6, 4_000))
    common, own = random.normal(0, 0.008, (2, 4_000)) * mixing
    steps = np.stack((common + 0.8 * own, common))
    walk = np.concatenate((np.zeros((2, 1)), steps.cumsum(axis=1)), axis=1)
    prices: NDArray[np.float64] = 100 * np.exp(walk)
    return prices


def returns(closes: np.ndarray) -> np.ndarray:
    steps: np.ndarray = np.diff(np.log(closes), axis=1)
    return steps


@pytest.mark.parametrize("name", NULLS)
def test_a_history_is_seeded_and_begins_where_the_real_one_does(name: str, closes: np.ndarray) -> None:
    first = null_closes(name, closes, seed=1, number=0)
    assert first.shape == closes.shape
    assert first[:, 0] == pytest.approx(closes[:, 0])
    assert np.array_equal(first, null_closes(name, closes, seed=1, number=0))
    assert not np.array_equal(first, null_closes(name, closes, seed=1, number=1))
    assert not np.array_equal(first, null_closes(name, closes, seed=2, number=0))


def test_a_coin_keeps_the_benchmark_and_the_distance(closes: np.ndarray) -> None:
    real, made = returns(closes), returns(null_closes("coin_flip", closes, seed=1, number=0))
    assert made[1] == pytest.approx(real[1], abs=1e-12)
    assert np.abs(made[0] - made[1]) == pytest.approx(np.abs(real[0] - real[1]), abs=1e-12)
    assert np.mean(made[0] > made[1]) == pytest.approx(0.5, abs=0.03)


def test_shuffling_keeps_every_day_and_no_order(closes: np.ndarray) -> None:
    real, made = returns(closes), returns(null_closes("shuffled", closes, seed=1, number=0))
    assert np.sort(made[0]) == pytest.approx(np.sort(real[0]), abs=1e-12)
    assert np.sort(made[0] - made[1]) == pytest.approx(np.sort(real[0] - real[1]), abs=1e-12)
    assert np.corrcoef(real[0], made[0])[0, 1] == pytest.approx(0, abs=0.06)


def test_blocks_keep_days_in_their_order(closes: np.ndarray) -> None:
    real, made = returns(closes), returns(null_closes("stationary_bootstrap", closes, seed=1, number=0))
    source = np.array([int(np.abs(real[0] - one).argmin()) for one in made[0]])
    assert real[:, source] == pytest.approx(made, abs=1e-12)
    follows = np.mean((source[1:] - source[:-1]) % real.shape[1] == 1)
    assert follows == pytest.approx(1 - 1 / 60, abs=0.01)


def test_the_student_pair_has_the_pairs_own_moments(closes: np.ndarray) -> None:
    real = returns(closes)
    made = np.concatenate(
        [returns(null_closes("student_t", closes, seed=1, number=number)) for number in range(10)], axis=1
    )
    assert made.mean(axis=1) == pytest.approx(real.mean(axis=1), abs=3e-4)
    assert np.cov(made) == pytest.approx(np.cov(real), rel=0.1)
    assert np.corrcoef(made)[0, 1] == pytest.approx(np.corrcoef(real)[0, 1], abs=0.02)
    assert degrees_of_freedom(made) == pytest.approx(degrees_of_freedom(real), rel=0.35)
    large = np.abs(made[1]) > 3 * made[1].std()
    assert np.abs(made[0][large]).mean() > 1.5 * np.abs(made[0]).mean()


def test_thin_tails_have_many_degrees_of_freedom() -> None:
    assert degrees_of_freedom(np.random.default_rng(1).uniform(-1, 1, (2, 1_000))) == 100.0


def test_a_ten_day_streak_comes_about_six_times_in_47_years_by_coin_flip() -> None:
    """The mean over many flipped histories agrees with the formula, and both with the known figure."""
    assert expected_runs(10, 47 * 252) == pytest.approx(5.8, abs=0.05)
    assert expected_runs(14, 47 * 252) == pytest.approx(0.36, abs=0.01)
    assert expected_runs(10, 9) == 0.0
    random, sessions, histories = np.random.default_rng(3), 47 * 252, 400
    ahead = random.integers(0, 2, (histories, sessions)).astype(bool)
    runs = np.zeros(histories)
    length = np.zeros(histories, int)
    for day in range(sessions):
        length = np.where(ahead[:, day], length + 1, 0)
        runs += length == 10
    error = runs.std(ddof=1) / np.sqrt(histories)
    assert abs(runs.mean() - expected_runs(10, sessions)) < 4 * error
