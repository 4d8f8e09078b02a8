"""core.indicators.beta: windows of 63 sessions and of an hour."""

from __future__ import annotations

import numpy as np
import pytest

from core.indicators.beta import LEAST_MINUTES, MINUTES, SESSIONS, BetaDays, BetaHour
from core.kernels.rolling import COUNT
from core.model.records import Quality
from tests.oracles.statistics import beta_and_correlation
from tests.support.family_rig import FamilyRig, random_walk


def geared(steps: int, gearing: float) -> np.ndarray:
    """A numerator that moves by a multiple of what the benchmark moves."""
    moves = np.random.default_rng(2).normal(0, 0.01, steps)
    prices = np.empty((steps, 2, 1), np.int64)
    prices[:, 1, 0] = np.rint(1e12 * np.cumprod(1 + moves))
    prices[:, 0, 0] = np.rint(1e12 * np.cumprod(1 + gearing * moves))
    return prices


@pytest.mark.parametrize(("family", "least"), [(BetaDays, SESSIONS), (BetaHour, LEAST_MINUTES)])
@pytest.mark.parametrize("gearing", [2.0, 0.5, -1.0])
def test_a_numerator_geared_to_the_benchmark(family: type, least: int, gearing: float) -> None:
    rig = FamilyRig(family, geared(least + 1, gearing))
    rig.advance(least)
    rig.begin()
    rig.evaluate(commit=True)
    assert rig.family.values[0, 0] == pytest.approx(gearing, rel=1e-6)
    assert rig.family.values[1, 0] == pytest.approx(np.sign(gearing), rel=1e-9)
    assert rig.family.observations[0, 0] == least


@pytest.mark.parametrize(("family", "least"), [(BetaDays, SESSIONS), (BetaHour, LEAST_MINUTES)])
def test_one_return_too_few_is_not_ready(family: type, least: int) -> None:
    rig = FamilyRig(family, geared(least, 2.0))
    rig.advance(least - 1)
    rig.begin()
    rig.evaluate(commit=True)
    assert rig.family.quality[:2, 0].tolist() == [Quality.NOT_READY] * 2
    assert rig.family.observations[0, 0] == least - 1


def test_an_hour_restarts_at_the_open_for_the_rows_that_open() -> None:
    rig = FamilyRig(BetaHour, random_walk(80, 2))
    rig.advance(70)
    rig.family.restart(np.array([1], np.int32))
    assert rig.family.state()["moments"][:, COUNT].tolist() == [MINUTES, 0]
    rig.open_again()
    for since_open in range(LEAST_MINUTES + 1):
        rig.begin()
        rig.evaluate(commit=True, rows=np.array([1], np.int32))
        assert rig.family.observations[0, 1] == since_open
        ready = since_open >= LEAST_MINUTES
        assert rig.family.quality[0, 1] == (Quality.OK if ready else Quality.NOT_READY)


def test_minutes_whose_prices_are_unknown_are_left_out_on_both_ends() -> None:
    """A gap removes two returns; when it leaves the window, nothing is removed again."""
    prices = random_walk(160, 1)
    rig = FamilyRig(BetaHour, prices)
    holes = {30, 31, 75}
    for step in range(160):
        rig.begin({(0, 0): int(Quality.GAP)} if step in holes else None)
        rig.evaluate(commit=True)
        ends = [
            n for n in range(max(1, step - MINUTES + 1), step + 1) if n not in holes and n - 1 not in holes
        ]
        if step in holes:
            assert rig.family.quality[0, 0] == Quality.GAP
        elif len(ends) >= LEAST_MINUTES:
            returns = prices[1:, :, 0] / prices[:-1, :, 0] - 1
            x, y = ([float(returns[n - 1, side]) for n in ends] for side in (1, 0))
            beta, correlation = beta_and_correlation(x, y)
            assert rig.family.values[0, 0] == pytest.approx(beta, rel=1e-9)
            assert rig.family.values[1, 0] == pytest.approx(correlation, rel=1e-9)
            assert rig.family.observations[0, 0] == len(ends)


def test_a_session_without_a_price_is_passed_over_and_the_return_spans_it() -> None:
    prices = random_walk(90, 1)
    rig = FamilyRig(BetaDays, prices)
    hole = 40
    for step in range(90):
        rig.begin({(1, 0): int(Quality.STALE)} if step == hole else None)
        rig.evaluate(commit=True)
        rig.end()
    kept = np.delete(prices[:, :, 0], hole, axis=0)
    returns = (kept[1:] / kept[:-1] - 1)[-SESSIONS:]
    beta, correlation = beta_and_correlation(returns[:, 1].tolist(), returns[:, 0].tolist())
    assert rig.family.values[:2, 0].tolist() == [
        pytest.approx(beta, rel=1e-9),
        pytest.approx(correlation, rel=1e-9),
    ]
