"""What daily families promise when finished days are restated, restored or taken back."""

from __future__ import annotations

import numpy as np
import pytest

from core.indicators import FAMILIES, DayFamily
from core.indicators.passes import DERIVED_FOR
from core.kernels.codes import DAY_SLOTS
from tests.support.family_rig import PAIRS, FamilyRig, random_walk, warm_rig

DAY_FAMILIES = [family for family in FAMILIES if issubclass(family, DayFamily)]
DERIVED_FAMILIES = [
    family
    for family in DAY_FAMILIES
    if DERIVED_FOR in family.evaluation.own and not family.evaluation.commits
]
"""Daily families that follow from the ring alone: no state, and figures kept for the rest of a session."""
LONGEST = DAY_SLOTS + 80
"""Sessions after which every slot of the ring has been written over."""

over_day_families = pytest.mark.parametrize("family", DAY_FAMILIES, ids=lambda family: family.name)
over_derived_families = pytest.mark.parametrize("family", DERIVED_FAMILIES, ids=lambda family: family.name)


def in_prices(key: str) -> bool:
    """Outputs that are prices, ratios of them or volumes, and so move with a split."""
    stems = ("numerator_price", "numerator_high:", "numerator_low:", "benchmark_price", "benchmark_high:")
    levels = ("average_volume", "resistance_price", "paired_")
    return key.startswith((*stems, "benchmark_low:", "ratio:", "ratio_high:", "ratio_low:", *levels))


@pytest.mark.parametrize("side", [0, 1], ids=["numerator", "benchmark"])
@over_day_families
def test_a_split_moves_nothing_but_prices(family: type[DayFamily], side: int) -> None:
    rig = warm_rig(family)
    rig.begin()
    rig.evaluate(commit=False)
    before = rig.family.values.copy()
    assert isinstance(rig.family, DayFamily)
    closes = rig.days.closes
    closes[:, :, side] = np.rint(closes[:, :, side] / 4).astype(np.int64)
    rig.days.volumes[:, :, side] *= 4
    rig.family.adjust(rig.rows, side, 0.25)
    rig.family.forget(rig.rows)
    rig.prices[rig.step_number, side] = np.rint(rig.prices[rig.step_number, side] / 4)
    rig.volumes[rig.step_number, side] *= 4
    rig.step_number -= 1
    rig.begin()
    rig.evaluate(commit=False)
    for number, output in enumerate(family.outputs):
        if not in_prices(output.key):
            np.testing.assert_allclose(
                rig.family.values[number], before[number], rtol=1e-6, atol=1e-6, err_msg=output.key
            )


@over_derived_families
def test_what_is_derived_anew_has_the_bits_of_what_went_along(family: type[DayFamily]) -> None:
    """A restored worker derives everything at once; one that never stopped went session by session."""
    rig = FamilyRig(family, random_walk(LONGEST, PAIRS))
    went_along = rig.family
    for step in range(LONGEST):
        rig.begin()
        rig.evaluate(commit=True)
        if step % 45 == 44 or step in (20, 21, 62, 63, 251, 252, 272, 273, 511, 512, 513):
            expected = rig.outputs()
            rig.family = family(PAIRS)
            rig.evaluate(commit=False)
            assert rig.outputs() == expected, step
            rig.family = went_along
        rig.end()


@over_day_families
def test_a_day_taken_back_and_committed_again_leaves_what_the_right_day_alone_does(
    family: type[DayFamily],
) -> None:
    right, corrected = warm_rig(family), warm_rig(family)
    right.advance(1)
    prices = corrected.prices[corrected.step_number + 1].copy()
    kept = {name: array.copy() for name, array in corrected.family.state().items()}
    corrected.prices[corrected.step_number + 1, 0] = np.rint(prices[0] * 1.07)
    corrected.begin()
    corrected.evaluate(commit=True)
    corrected.end()
    # 1. The day is taken back, 2. and committed with the price that was right.
    corrected.days.counts[:] -= 1
    for name, array in corrected.family.state().items():
        array[...] = kept[name]
    corrected.prices[corrected.step_number] = prices
    corrected.step_number -= 1
    corrected.advance(1)
    for rig in (right, corrected):
        rig.begin()
        rig.evaluate(commit=True)
    assert right.outputs() == corrected.outputs()
    assert right.state_bytes() == corrected.state_bytes()
