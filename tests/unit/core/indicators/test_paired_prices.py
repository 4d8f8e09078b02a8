"""core.indicators.paired_prices: a leg's price is known only where both legs have one."""

from __future__ import annotations

import numpy as np
import pytest

from core.indicators.paired_prices import PairedPrices
from core.model.records import Quality
from tests.support.family_rig import FamilyRig


def evaluated(numerator: int, benchmark: int) -> FamilyRig:
    rig = FamilyRig(PairedPrices, np.array([[[numerator], [benchmark]]], np.int64))
    rig.begin()
    rig.evaluate(commit=False)
    return rig


def test_both_legs_are_shown_where_both_are_known() -> None:
    family = evaluated(100 * 10**9, 250 * 10**9).family
    assert family.values[:, 0].tolist() == [100.0, 250.0]
    assert family.quality[:, 0].tolist() == [Quality.OK, Quality.OK]


@pytest.mark.parametrize(
    ("numerator", "benchmark", "reason"),
    [
        (-int(Quality.HALTED), 10**9, Quality.HALTED),
        (10**9, -int(Quality.GAP), Quality.GAP),
        (-int(Quality.HALTED), -int(Quality.GAP), Quality.HALTED),
        (10**9, -1, Quality.NOT_READY),
        (0, 10**9, Quality.NOT_READY),
    ],
)
def test_neither_is_where_one_is_not(numerator: int, benchmark: int, reason: Quality) -> None:
    family = evaluated(numerator, benchmark).family
    assert np.isnan(family.values[:, 0]).all()
    assert family.quality[:, 0].tolist() == [reason, reason]
