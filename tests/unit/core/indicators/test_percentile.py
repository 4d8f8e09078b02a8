"""core.indicators.percentile: ranks among the 252 sessions before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.indicators.percentile import Percentile
from core.model.records import Quality
from tests.support.family_rig import FamilyRig

READY = 504


def bent(turn: float) -> NDArray[np.int64]:
    """A ratio that rises steadily, faster and faster or ever slower; one pair."""
    steps = np.arange(READY + 2)
    rate = 0.001 + turn * 1e-6 * steps
    prices = np.full((READY + 2, 2, 1), 100 * 10**9, np.int64)
    prices[:, 0, 0] = np.rint(1e11 * np.exp(np.cumsum(rate)))
    return prices


def test_it_is_ready_with_a_year_of_scores_that_reach_back_a_year() -> None:
    rig = FamilyRig(Percentile, bent(1))
    rig.advance(READY - 1)
    for quality, count in ((Quality.NOT_READY, 251), (Quality.OK, 252)):
        rig.begin()
        rig.evaluate(commit=False)
        assert (rig.family.quality[:, 0] == quality).all()
        assert (rig.family.observations[:, 0] == count).all()
        rig.end()


def test_the_strongest_score_is_99_and_the_weakest_1() -> None:
    for turn, rating, percentile in ((1, 99, 100), (-1, 1, 0)):
        rig = FamilyRig(Percentile, bent(turn))
        rig.advance(READY)
        rig.begin()
        rig.evaluate(commit=False)
        assert list(rig.family.values[:, 0]) == [rating, percentile, percentile]


def test_equal_scores_stand_in_the_middle() -> None:
    rig = FamilyRig(Percentile, np.full((READY + 1, 2, 1), 10**11, np.int64))
    rig.advance(READY)
    rig.begin()
    rig.evaluate(commit=False)
    assert list(rig.family.values[:, 0]) == [50, 50, 50]
