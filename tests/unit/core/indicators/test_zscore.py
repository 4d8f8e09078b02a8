"""core.indicators.zscore: a shock is not measured with itself."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.indicators.zscore import LEAST_RETURNS, MINUTE_HORIZON, ZScoreDays, ZScoreMinutes
from core.model.records import Quality
from tests.support.family_rig import FamilyRig, random_walk


def shocked(family: type, steps: int, factor: float) -> np.ndarray:
    """Z after a numerator's jump in the last step."""
    prices = random_walk(steps, 1, deviation=0.002)
    prices[-1, 0] = np.rint(prices[-2, 0] * factor)
    prices[-1, 1] = prices[-2, 1]
    rig = FamilyRig(family, prices)
    rig.advance(steps - 1)
    rig.begin()
    rig.evaluate(commit=True)
    values: np.ndarray = rig.family.values[:, 0].copy()
    return values


def test_a_shock_twice_as_large_has_twice_the_z() -> None:
    """It would not, if the shock stood in its own sigma."""
    small, large = (shocked(ZScoreDays, 120, math.exp(move))[0] for move in (0.05, 0.10))
    assert large / small == pytest.approx(2.0, rel=1e-6)
    assert small > 10


def test_minutes_measure_their_horizon_the_same_way() -> None:
    prices = random_walk(120, 1, deviation=0.002)
    prices[-MINUTE_HORIZON:, 0] = prices[-MINUTE_HORIZON - 1, 0]
    prices[-MINUTE_HORIZON:, 1] = prices[-MINUTE_HORIZON - 1, 1]
    found = []
    for move in (0.01, 0.02):
        prices[-1, 0] = np.rint(prices[-2, 0] * math.exp(move))
        rig = FamilyRig(ZScoreMinutes, prices)
        rig.advance(119)
        rig.begin()
        rig.evaluate(commit=True)
        found.append(rig.family.values[0, 0])
    assert found[1] / found[0] == pytest.approx(2.0, rel=1e-6)


def test_the_benchmark_ahead_is_negative() -> None:
    assert shocked(ZScoreDays, 120, math.exp(-0.05))[0] < -10


@pytest.mark.parametrize(("horizon", "row"), [(1, 0), (5, 1), (21, 2)])
def test_sigma_needs_sixty_returns_before_the_horizon(horizon: int, row: int) -> None:
    prices = random_walk(LEAST_RETURNS + horizon + 1, 1)
    rig = FamilyRig(ZScoreDays, prices)
    rig.advance(LEAST_RETURNS + horizon - 1)
    rig.begin()
    rig.evaluate(commit=True)
    assert (rig.family.quality[row, 0], rig.family.observations[row, 0]) == (Quality.NOT_READY, 59)
    rig.end()
    rig.begin()
    rig.evaluate(commit=True)
    assert (rig.family.quality[row, 0], rig.family.observations[row, 0]) == (Quality.OK, 60)


def test_sigma_of_minutes_goes_on_over_the_night_but_the_horizon_restarts() -> None:
    prices = random_walk(180, 1)
    rig = FamilyRig(ZScoreMinutes, prices)
    rig.advance(90)
    before = rig.family.state()["moments"].copy()
    rig.family.restart(rig.rows)
    np.testing.assert_array_equal(rig.family.state()["moments"], before)
    rig.open_again()
    qualities = []
    for _ in range(MINUTE_HORIZON + 2):
        rig.begin()
        rig.evaluate(commit=True)
        qualities.append(int(rig.family.quality[0, 0]))
    assert qualities == [Quality.NOT_READY] * MINUTE_HORIZON + [Quality.OK] * 2
    # One return has left the horizon since; the night's own has not entered.
    assert rig.family.observations[0, 0] == before[0, 0] + 1


def test_a_base_that_was_unknown_leaves_z_unknown_and_sigma_as_it_was() -> None:
    rig = FamilyRig(ZScoreMinutes, random_walk(140, 1))
    rig.advance(100)
    rig.begin({(0, 0): int(Quality.STALE)})
    rig.evaluate(commit=True)
    rig.advance(MINUTE_HORIZON - 1)
    before = rig.family.state()["moments"].copy()
    rig.begin()
    rig.evaluate(commit=True)
    assert rig.family.quality[0, 0] == Quality.NOT_READY
    np.testing.assert_array_equal(rig.family.state()["moments"], before)
