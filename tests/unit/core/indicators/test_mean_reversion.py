"""core.indicators.mean_reversion: mean reversion is distinguished from a random walk."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.indicators.mean_reversion import CHANGES, MeanReversion
from core.model.records import Quality
from tests.support.family_rig import FamilyRig

MANY = 400
TAU, REJECTED, HALF_LIFE, RATIO, Z = range(5)


def evaluated(persistence: float, *, seed: int = 3) -> FamilyRig:
    """Many ratios that keep a share of yesterday's level, after a year."""
    generator = np.random.default_rng(seed)
    level = np.zeros(MANY)
    levels: list[NDArray[np.float64]] = []
    for _ in range(CHANGES + 1):
        level = persistence * level + generator.normal(0, 0.01, MANY)
        levels.append(level)
    prices = np.full((CHANGES + 1, 2, MANY), 100 * 10**9, np.int64)
    prices[:, 0] = np.rint(1e11 * np.exp(np.array(levels)))
    rig = FamilyRig(MeanReversion, prices)
    rig.advance(CHANGES)
    rig.begin()
    rig.evaluate(commit=True)
    return rig


def test_a_random_walk_is_rejected_one_time_in_twenty() -> None:
    family = evaluated(1.0).family
    assert 0.02 < family.values[REJECTED].mean() < 0.08
    unknown = family.values[REJECTED] == 0
    assert (family.quality[HALF_LIFE, unknown] == Quality.INCONCLUSIVE).all()
    assert np.isnan(family.values[HALF_LIFE, unknown]).all()
    assert 0.02 < (np.abs(family.values[Z]) > 1.96).mean() < 0.08
    assert abs(family.values[RATIO].mean() - 1.0) < 0.03


def test_a_level_that_comes_back_is_known_with_its_half_life() -> None:
    family = evaluated(0.9).family
    assert family.values[REJECTED].mean() > 0.9
    assert 5.0 < np.nanmedian(family.values[HALF_LIFE]) < 6.6  # ln 2 / -ln 0.9, a little short
    assert family.values[RATIO].mean() < 0.95


def test_what_turns_round_within_a_session_has_no_half_life() -> None:
    family = evaluated(-0.4).family
    assert (family.values[REJECTED] == 1).all()
    assert (family.quality[HALF_LIFE] == Quality.INCONCLUSIVE).mean() > 0.95
