"""core.indicators.extremes: highs and lows of the sessions before this one."""

from __future__ import annotations

import numpy as np
import pytest

from core.indicators.extremes import WINDOWS, Extremes
from core.kernels.codes import DAY_SLOTS
from core.model.records import Quality
from tests.support.family_rig import FamilyRig, random_walk

NAMES = [output.key for output in Extremes.outputs]


def value(rig: FamilyRig, key: str) -> float:
    return float(rig.family.values[NAMES.index(key), 0])


def test_the_session_itself_does_not_count() -> None:
    prices = np.full((70, 2, 1), 100 * 10**9, np.int64)
    prices[65, 0] = 150 * 10**9
    rig = FamilyRig(Extremes, prices)
    rig.advance(65)
    rig.begin()
    assert value(rig, "numerator_high:63d") == 100.0
    rig.end()
    rig.begin()
    assert value(rig, "numerator_high:63d") == 150.0
    assert value(rig, "ratio_high:63d") == 1.5
    assert value(rig, "benchmark_high:63d") == value(rig, "numerator_low:63d") == 100.0


@pytest.mark.parametrize("window", WINDOWS)
def test_an_extreme_leaves_with_its_session(window: int) -> None:
    prices = np.full((window + 20, 2, 1), 100 * 10**9, np.int64)
    prices[10, 1] = 50 * 10**9
    rig = FamilyRig(Extremes, prices)
    rig.advance(window + 10)
    rig.begin()
    assert value(rig, f"benchmark_low:{window}d") == 50.0
    rig.end()
    rig.begin()
    assert value(rig, f"benchmark_low:{window}d") == 100.0


@pytest.mark.parametrize("window", WINDOWS)
def test_they_are_ready_with_the_full_window(window: int) -> None:
    rig = FamilyRig(Extremes, random_walk(window + 2, 1))
    rig.advance(window - 1)
    rig.begin()
    row = NAMES.index(f"ratio_low:{window}d")
    assert (rig.family.quality[row, 0], rig.family.observations[row, 0]) == (Quality.NOT_READY, window - 1)
    rig.end()
    rig.begin()
    assert (rig.family.quality[row, 0], rig.family.observations[row, 0]) == (Quality.OK, window)


def test_they_hold_beyond_the_ring() -> None:
    prices = random_walk(DAY_SLOTS + 130, 1)
    rig = FamilyRig(Extremes, prices)
    rig.advance(DAY_SLOTS + 129)
    rig.begin()
    before = prices[-253:-1, 0, 0]
    assert value(rig, "numerator_high:252d") == before.max() / 1e9
    assert value(rig, "numerator_low:63d") == before[-63:].min() / 1e9


def test_evaluating_moves_nothing() -> None:
    rig = FamilyRig(Extremes, random_walk(70, 1))
    rig.advance(69)
    rig.begin()
    before = rig.outputs()
    rig.evaluate(commit=True)
    assert rig.outputs() == before
