"""core.indicators.relative_strength: three names for three numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.indicators.relative_strength import (
    RelativeStrengthDays,
    RelativeStrengthHour,
    RelativeStrengthSeconds,
)
from core.model.records import Quality
from tests.support.family_rig import FamilyRig


def flat(steps: int) -> np.ndarray:
    return np.full((steps, 2, 1), 100 * 10**9, np.int64)


def test_log_percent_and_points_are_not_the_same_number() -> None:
    """31 % against 10 %: the strength line gains 19.1 %, the spread is 21 points."""
    prices = flat(2)
    prices[1, 0], prices[1, 1] = 131 * 10**9, 110 * 10**9
    rig = FamilyRig(RelativeStrengthDays, prices)
    rig.advance(1)
    rig.begin()
    rig.evaluate(commit=False)
    log, percent, points, numerator, benchmark = rig.family.values[:5, 0]
    assert percent == pytest.approx(100 * (1.31 / 1.10 - 1), rel=1e-14)
    assert points == pytest.approx(21.0, rel=1e-14)
    assert log == pytest.approx(math.log(1.31 / 1.10), rel=1e-14)
    assert (numerator, benchmark) == (pytest.approx(31.0), pytest.approx(10.0))


def test_prices_that_differ_by_the_last_unit_still_differ() -> None:
    prices = flat(2)
    prices[1, 0] += 1
    rig = FamilyRig(RelativeStrengthDays, prices)
    rig.advance(1)
    rig.begin()
    rig.evaluate(commit=False)
    assert rig.family.values[0, 0] == pytest.approx(1e-11, rel=1e-9)


@pytest.mark.parametrize(
    ("family", "windows"),
    [(RelativeStrengthSeconds, {60: 0, 300: 3, 900: 6}), (RelativeStrengthHour, {60: 0})],
)
def test_a_window_begins_with_the_session(family: type, windows: dict[int, int]) -> None:
    """At step n of the session a window of n steps is known, a longer one is not."""
    rig = FamilyRig(family, flat(902))
    for steps, output in windows.items():
        rig.advance(steps - 1 - rig.step_number)
        rig.evaluate(commit=True)
        assert rig.family.quality[output, 0] == Quality.NOT_READY
        rig.advance(1)
        rig.evaluate(commit=True)
        assert rig.family.quality[output : output + 3, 0].tolist() == [0, 0, 0]
        assert rig.family.values[output : output + 3, 0].tolist() == [0.0, 0.0, 0.0]


def test_a_window_reaches_back_exactly_so_many_steps() -> None:
    prices = flat(902)
    prices[100, 0] = 80 * 10**9
    rig = FamilyRig(RelativeStrengthSeconds, prices)
    for step, output in ((160, 1), (400, 4)):
        rig.advance(step - rig.step_number)
        rig.evaluate(commit=True)
        assert rig.family.values[output, 0] == pytest.approx(25.0)
        rig.advance(1)
        rig.evaluate(commit=True)
        assert rig.family.values[output, 0] == 0.0


@pytest.mark.parametrize("reason", [Quality.STALE, Quality.HALTED, Quality.GAP])
@pytest.mark.parametrize("side", [0, 1])
def test_a_price_that_was_unknown_then_leaves_the_window_unknown_now(side: int, reason: Quality) -> None:
    rig = FamilyRig(RelativeStrengthHour, flat(70))
    rig.advance(5)
    rig.begin({(side, 0): int(reason)})
    rig.advance(60)
    rig.evaluate(commit=True)
    assert rig.family.quality[:, 0].tolist() == [reason] * 3
    rig.advance(1)
    rig.evaluate(commit=True)
    assert rig.family.quality[:, 0].tolist() == [Quality.OK] * 3


def test_what_is_unknown_now_is_said_before_what_was_unknown_then() -> None:
    rig = FamilyRig(RelativeStrengthHour, flat(70))
    rig.advance(5)
    rig.begin({(0, 0): int(Quality.GAP)})
    rig.advance(59)
    rig.begin({(1, 0): int(Quality.HALTED)})
    rig.evaluate(commit=True)
    assert rig.family.quality[:, 0].tolist() == [Quality.HALTED] * 3
