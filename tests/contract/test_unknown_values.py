"""What is unknown stays unknown in every indicator family, and no variance is constant, never infinite."""

from __future__ import annotations

import numpy as np
import pytest

from core.indicators import FAMILIES, DayFamily, IndicatorFamily
from core.kernels.codes import USABLE
from core.model.records import Quality
from tests.support.family_rig import GATED, PAIRS, FamilyRig, over_families, random_walk, warm_rig, warm_steps

pytestmark = pytest.mark.compiled

SIDES = ("high", "low")
FULL = {"relative_volume_tod:20d": Quality.TRADED_VOLUME}
"""Quality of a known value, where it is not ok."""
REASONS = [quality for quality in Quality if quality not in USABLE]


def uses(key: str) -> tuple[int, ...]:
    """Sides whose present price an output needs."""
    if key == "numerator_price":
        return (0,)
    if key == "benchmark_price":
        return (1,)
    finished = (
        "numerator_high:",
        "numerator_low:",
        "benchmark_high:",
        "benchmark_low:",
        "ratio_high:",
        "ratio_low:",
        "average_volume",
    )
    return () if key.startswith(finished) else (0, 1)


def needs_variance(key: str) -> bool:
    return key.startswith(
        (
            "beta",
            "correlation",
            "ew_",
            "relative_return_zscore",
            "robust_z",
            "volatility_ratio",
            "amihud",
            "cusum",
            "dickey_fuller",
            "random_walk",
            "half_life",
            "variance_ratio",
            "ma50_distance_sd",
        )
    )


@pytest.mark.parametrize("side", [0, 1], ids=["numerator", "benchmark"])
@pytest.mark.parametrize("reason", REASONS, ids=lambda reason: reason.label)
@over_families
def test_an_unknown_price_gives_nan_and_its_reason(
    family: type[IndicatorFamily], reason: Quality, side: int
) -> None:
    rig = warm_rig(family)
    rig.begin({(side, 1): int(reason)})
    rig.evaluate(commit=True)
    for number, output in enumerate(family.outputs):
        if side in uses(output.key):
            assert np.isnan(rig.family.values[number, 1]), output.key
            assert rig.family.quality[number, 1] == reason, output.key
        else:
            assert np.isfinite(rig.family.values[number, 1]), output.key
        if output.key not in GATED:
            assert np.isfinite(rig.family.values[number, [0, 2]]).all(), output.key


@pytest.mark.parametrize("side", [0, 1], ids=["numerator", "benchmark"])
@over_families
def test_a_price_of_zero_is_unknown_not_a_number(family: type[IndicatorFamily], side: int) -> None:
    rig = warm_rig(family)
    rig.begin({(side, 1): 0})
    rig.evaluate(commit=False)
    for number, output in enumerate(family.outputs):
        if side in uses(output.key):
            assert rig.family.quality[number, 1] == Quality.NOT_READY, output.key


@pytest.mark.parametrize("family", [f for f in FAMILIES if issubclass(f, DayFamily)], ids=lambda f: f.name)
def test_a_day_without_a_price_leaves_the_state_as_it_was(family: type[DayFamily]) -> None:
    rig = warm_rig(family)
    rig.begin({(0, 1): int(Quality.STALE)})
    before = {name: array[:, 1].tobytes() for name, array in rig.family.state().items()}
    rig.evaluate(commit=True)
    assert {name: array[:, 1].tobytes() for name, array in rig.family.state().items()} == before


@pytest.mark.parametrize(
    "family", [f for f in FAMILIES if not issubclass(f, DayFamily)], ids=lambda f: f.name
)
def test_an_unknown_price_never_enters_a_ring_family(family: type[IndicatorFamily]) -> None:
    """Whatever the reason is, everything after is the same as with any other reason."""
    rigs = [warm_rig(family), warm_rig(family)]
    for rig, reason in zip(rigs, (Quality.STALE, Quality.GAP), strict=True):
        rig.begin({(1, 1): int(reason)})
        rig.evaluate(commit=True)
        rig.end()
        rig.advance(60)
        rig.begin()
        rig.evaluate(commit=True)
    assert rigs[0].state_bytes() == rigs[1].state_bytes()
    assert rigs[0].family.values.tobytes() == rigs[1].family.values.tobytes()


@over_families
def test_a_number_stands_exactly_where_the_quality_is_ok(family: type[IndicatorFamily]) -> None:
    generator = np.random.default_rng(11)
    steps = warm_steps(family)
    rig = FamilyRig(family, random_walk(steps + 60, PAIRS))
    if rig.family.state():
        checked = steps + 60
    else:  # nothing changes between evaluations but the ring
        rig.advance(steps)
        checked = 60
    for _ in range(checked):
        holes = {
            (int(side), int(pair)): int(generator.choice(REASONS))
            for side, pair in zip(*np.nonzero(generator.random((2, PAIRS)) < 0.1), strict=True)
        }
        rig.begin(holes)
        rig.evaluate(commit=True)
        np.testing.assert_array_equal(np.isfinite(rig.family.values), np.isin(rig.family.quality, USABLE))
        np.testing.assert_array_equal(np.isnan(rig.family.values), ~np.isin(rig.family.quality, USABLE))
        rig.end()


@over_families
def test_constant_prices_give_constant_never_infinity(family: type[IndicatorFamily]) -> None:
    steps = warm_steps(family) + 1
    rig = FamilyRig(family, np.full((steps, 2, PAIRS), 2_300_000_000_000, np.int64))
    rig.advance(steps - 1)
    rig.begin()
    rig.evaluate(commit=True)
    for number, output in enumerate(family.outputs):
        values, quality = rig.family.values[number], rig.family.quality[number]
        if needs_variance(output.key):
            assert np.isnan(values).all(), output.key
            assert (quality == Quality.CONSTANT).all(), output.key
        else:
            assert np.isfinite(values).all(), output.key
            assert (quality == FULL.get(output.key, Quality.OK)).all(), output.key


@pytest.mark.parametrize("frozen", [0, 1], ids=["numerator", "benchmark"])
@over_families
def test_one_frozen_leg_never_gives_infinity(family: type[IndicatorFamily], frozen: int) -> None:
    """A leg that moved and then stopped: sums of squares must come to zero, not to a rest near it."""
    steps = warm_steps(family)
    prices = random_walk(2 * steps + 1, PAIRS)
    prices[steps:, frozen] = prices[steps, frozen]
    rig = FamilyRig(family, prices)
    rig.advance(2 * steps)
    rig.begin()
    rig.evaluate(commit=True)
    assert not np.isinf(rig.family.values).any()
    for number, output in enumerate(family.outputs):
        constant = (
            output.key.startswith(("correlation:", "correlation_low", "correlation_high"))
            or (output.key.startswith(("amihud", "beta", "volatility_ratio")) and frozen == 1)
            or (output.key == "ma50_distance_sd" and frozen == 0)
        )
        expected = [Quality.CONSTANT if constant else FULL.get(output.key, Quality.OK)]
        expected += [Quality.INCONCLUSIVE] if output.key in GATED else []
        assert np.isin(rig.family.quality[number], expected).all(), output.key
