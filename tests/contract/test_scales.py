"""What a family says does not depend on the scales of its legs."""

from __future__ import annotations

import numpy as np
import pytest

from core.indicators import IndicatorFamily
from core.kernels.codes import USABLE
from core.model.scale import pair_scales
from tests.support.family_rig import PAIRS, FamilyRig, over_families, random_walk, warm_steps

pytestmark = pytest.mark.compiled

FINER, COARSER = 100, 1_000
"""The numerator's prices are in 1e-11 and the benchmark's in 1e-6; volumes the other way round."""


def rigs(family: type[IndicatorFamily], steps: int) -> tuple[FamilyRig, FamilyRig]:
    """One family on the same market twice: in the default scale, and in two others."""
    prices = random_walk(steps, PAIRS)
    prices[:, 1] -= prices[:, 1] % COARSER
    default, scaled = FamilyRig(family, prices), FamilyRig(family, prices.copy())
    scaled.scales = pair_scales([[-11] * PAIRS, [-6] * PAIRS], [[-6] * PAIRS, [-11] * PAIRS])
    scaled.prices[:, 0] *= FINER
    scaled.prices[:, 1] //= COARSER
    scaled.volumes[:, 0] //= COARSER
    scaled.volumes[:, 1] *= FINER
    return default, scaled


@over_families
def test_values_are_the_same_in_other_scales(family: type[IndicatorFamily]) -> None:
    steps = warm_steps(family)
    default, scaled = rigs(family, steps + 3)
    known = 0
    for rig in (default, scaled):
        rig.advance(steps)
    for _ in range(3):
        for rig in (default, scaled):
            rig.begin()
            rig.evaluate(commit=True)
            rig.end()
        np.testing.assert_allclose(scaled.family.values, default.family.values, rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(scaled.family.quality, default.family.quality)
        known += int(np.isin(default.family.quality, USABLE).sum())
    assert known > 0
