"""opposite_day: one leg up by so much, the other down."""

from __future__ import annotations

import math

import pytest

from core.detectors.opposite_day import OppositeDay
from core.model.records import Quality
from tests.support.asked import asked


@pytest.mark.parametrize(
    ("numerator", "benchmark", "enter"),
    [
        (3.572, -0.876, 1),  # 2024-07-11
        (4.663, -1.176, 1),  # 2008-10-10
        (3.0, -0.1, 1),  # at least
        (2.999, -0.1, 0),
        (3.5, 0.0, 0),  # unchanged is not down
        (3.5, 0.2, 0),
        (-3.5, 0.2, 0),
        (-3.5, -0.2, 0),
    ],
)
def test_up(numerator: float, benchmark: float, enter: int) -> None:
    assert asked("opposite_day", numerator, benchmark).enter == enter
    assert asked("opposite_day", -numerator, -benchmark, direction=-1).enter == enter
    assert asked("opposite_day", -numerator, -benchmark).enter == (
        1 if numerator <= -3 and benchmark > 0 else 0
    )


@pytest.mark.parametrize(("short_by", "enter"), [(4e-11, 1), (6e-11, 0)])
@pytest.mark.parametrize("direction", [1, -1])
def test_the_threshold_sees_ten_decimals(direction: int, short_by: float, enter: int) -> None:
    found = asked("opposite_day", direction * (3.0 - short_by), -direction * 0.5, direction=direction)
    assert found.enter == enter


@pytest.mark.parametrize(("fall", "enter"), [(4e-11, 0), (6e-11, 1)])
def test_a_fall_in_the_last_bits_is_none(fall: float, enter: int) -> None:
    assert asked("opposite_day", 3.5, -fall).enter == enter
    assert asked("opposite_day", -3.5, fall, direction=-1).enter == enter


@pytest.mark.parametrize("inputs", [(math.nan, -1.0), (5.0, math.nan), (math.nan, math.nan)])
def test_an_unknown_leg_says_nothing(inputs: tuple[float, float]) -> None:
    found = asked("opposite_day", *inputs)
    assert (found.enter, found.quality) == (-1, Quality.STALE)


def test_it_is_over_with_its_session() -> None:
    found = asked("opposite_day", 5.0, -5.0)
    assert OppositeDay.point
    assert (found.leave, found.invalid, found.level) == (0, 0, 0.0)


@pytest.mark.parametrize(("direction", "threshold"), [(1, 3.0), (-1, -3.0)])
def test_the_threshold_is_told_with_its_sign(direction: int, threshold: float) -> None:
    told = OppositeDay.threshold({"direction": direction, "instrument_return_pct": 3.0})
    assert told == {"instrument_return_pct": threshold}
