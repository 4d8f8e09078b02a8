"""Digits: quiet tapes, outliers that have left, and the exact forgetting of both.

The lesson behind it: running sums of squares lose their digits. A sum of squared prices near 2300
has 5 million in each term and a variance of a millionth to show, and a sum of squared returns
that once held a crash keeps the crash's rounding. Both are checked here against two passes of
`math.fsum` over the window alone, at every step and not only after a window was summed anew.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from core.indicators import IndicatorFamily
from core.indicators.beta import BetaDays, BetaHour
from core.indicators.zscore import ZScoreDays, ZScoreMinutes
from tests.oracles.comparison import Comparison
from tests.oracles.statistics import (
    beta_and_correlation,
    log_strength_change,
    simple_return,
    weighted_deviation,
)
from tests.support.family_rig import FamilyRig, random_walk

Prices = NDArray[np.int64]


def quiet_tape(steps: int, *, seed: int = 3, deviation: float = 0.001) -> Prices:
    """Around 2300 and 5500, moving by a tenth of a cent a step."""
    generator = np.random.default_rng(seed)
    moves = generator.normal(0, deviation, (steps, 2, 2))
    moves[:, 0] += 0.7 * moves[:, 1]
    levels = np.array([2300.0, 5500.0])[None, :, None]
    prices: Prices = np.rint((levels + np.cumsum(moves, axis=0)) * 1e9).astype(np.int64)
    return prices


def crash(prices: Prices, at: int, share: float) -> Prices:
    """One step at which both legs lose a share of their price, won back at the next."""
    shocked = prices.copy()
    shocked[at, 0] = np.rint(shocked[at, 0] * (1 - share)).astype(np.int64)
    shocked[at, 1] = np.rint(shocked[at, 1] * (1 - 0.6 * share)).astype(np.int64)
    return shocked


def returns_of(prices: Prices, first: int, last: int, side: int, pair: int) -> list[float]:
    """Simple returns that end at steps first … last."""
    line = [Fraction(int(p)) for p in prices[:, side, pair]]
    return [simple_return(line[step], line[step - 1]) for step in range(first, last + 1)]


def compare_beta(
    family: type[IndicatorFamily], prices: Prices, window: int, start: int, *, pairs: int = 2
) -> Comparison:
    """Run a beta family; at every step from `start` on, hold it against its own window alone."""
    rig = FamilyRig(family, prices)
    comparison = Comparison()
    for step in range(len(prices)):
        rig.begin()
        rig.evaluate(commit=True)
        rig.end()
        for pair in range(pairs if step >= start else 0):
            x = returns_of(prices, step - window + 1, step, 1, pair)
            y = returns_of(prices, step - window + 1, step, 0, pair)
            beta, correlation = beta_and_correlation(x, y)
            comparison.add("beta", step, rig.family.values[0, pair], beta)
            comparison.add("correlation", step, rig.family.values[1, pair], correlation)
    return comparison


BETAS = [pytest.param(BetaDays, 63, id="days"), pytest.param(BetaHour, 60, id="hour")]


@pytest.mark.parametrize(("family", "window"), BETAS)
def test_beta_keeps_its_digits_on_a_quiet_tape(family: type[IndicatorFamily], window: int) -> None:
    comparison = compare_beta(family, quiet_tape(260), window, start=window)
    print(comparison.report(f"{family.name}, price 2300, deviation 0.001"))
    assert not comparison.failures
    assert all(tally.ready == 2 * (260 - window) for tally in comparison.tallies.values())


def test_running_sums_of_squares_would_not() -> None:
    """What the tape is quiet enough for: the one-pass formula is wrong there by more than a millionth."""
    line = (quiet_tape(63)[:, 0, 0] / 1e9).tolist()
    one_pass = sum(p * p for p in line) - sum(line) ** 2 / len(line)
    mean = math.fsum(line) / len(line)
    two_pass = math.fsum((p - mean) ** 2 for p in line)
    assert abs(one_pass - two_pass) / two_pass > 1e-6


@pytest.mark.parametrize("share", [0.05, 0.5], ids=["crash of 5 %", "crash of 50 %"])
@pytest.mark.parametrize(("family", "window"), BETAS)
def test_an_outlier_that_has_left_the_window_leaves_no_trace(
    family: type[IndicatorFamily], window: int, share: float
) -> None:
    """At every step after it, not only once the window has been summed anew."""
    at = 90
    prices = crash(quiet_tape(at + 3 * window), at, share)
    comparison = compare_beta(family, prices, window, start=at + 1 + window)
    print(comparison.report(f"{family.name} after a crash of {share:.0%}"))
    assert not comparison.failures
    assert all(tally.ready > 200 for tally in comparison.tallies.values())


@pytest.mark.parametrize(("family", "window"), BETAS)
def test_a_window_with_the_outlier_in_it_is_right_too(family: type[IndicatorFamily], window: int) -> None:
    at = 90
    prices = crash(quiet_tape(at + window), at, 0.5)
    comparison = compare_beta(family, prices, window, start=window)
    assert not comparison.failures
    assert all(tally.ready == 2 * at for tally in comparison.tallies.values())


@pytest.mark.parametrize(("family", "window"), BETAS)
def test_nothing_drifts_over_thousands_of_steps(family: type[IndicatorFamily], window: int) -> None:
    steps = 500 if family is BetaHour else 2_000
    prices = random_walk(steps, 1, deviation=0.004)
    comparison = compare_beta(family, prices, window, start=steps - 70, pairs=1)
    assert not comparison.failures
    assert all(tally.ready == 70 for tally in comparison.tallies.values())


def test_sigma_of_days_keeps_its_digits_on_a_quiet_tape() -> None:
    prices = quiet_tape(320)
    rig = FamilyRig(ZScoreDays, prices)
    comparison = Comparison()
    for step in range(len(prices)):
        rig.begin()
        rig.evaluate(commit=True)
        rig.end()
        for number, horizon in enumerate((1, 5, 21)):
            if step % 7 or step - horizon < 60:
                continue
            expected = zscore(prices, step, horizon, half_life=63)
            comparison.add(f"z {horizon}", step, rig.family.values[number, 0], expected)
    print(comparison.report("z of days, price 2300, deviation 0.001"))
    assert not comparison.failures
    assert all(tally.ready > 30 for tally in comparison.tallies.values())


def test_sigma_of_minutes_keeps_its_digits_on_a_quiet_tape() -> None:
    prices = quiet_tape(300)
    rig = FamilyRig(ZScoreMinutes, prices)
    comparison = Comparison()
    for step in range(len(prices)):
        rig.begin()
        rig.evaluate(commit=True)
        if step >= 80 and step % 5 == 0:
            expected = zscore(prices, step, 15, half_life=120)
            comparison.add("z 15m", step, rig.family.values[0, 0], expected)
    print(comparison.report("z of minutes, price 2300, deviation 0.001"))
    assert not comparison.failures
    assert comparison.tallies["z 15m"].ready == 44


def zscore(prices: Prices, step: int, horizon: int, *, half_life: int) -> float:
    """By explicit weights, from the prices alone."""
    s = [Fraction(int(p)) for p in prices[: step + 1, 0, 0]]
    l = [Fraction(int(p)) for p in prices[: step + 1, 1, 0]]
    before = [log_strength_change(s[n], l[n], s[n - 1], l[n - 1]) for n in range(1, step - horizon + 1)]
    sigma = weighted_deviation(before, half_life)
    change = log_strength_change(s[step], l[step], s[step - horizon], l[step - horizon])
    return change / (sigma * math.sqrt(horizon))
