"""nonconfirmation and strength_high: a new extreme that the other series does not confirm."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from core.detectors.nonconfirmation import NonConfirmation, StrengthHigh
from core.model.records import Frequency, Quality
from tests.support.asked import asked

HIGH: dict[str, Any] = {"direction": 1, "delta_pct": 0.5, "invalidation_pct": 2.0}
LOW: dict[str, Any] = {**HIGH, "direction": -1}


@pytest.mark.parametrize(
    ("leader", "follower", "enter", "leave"),
    [
        (101.0, 99.0, 1, 0),
        (100.0, 99.0, 0, 0),  # a tie is no new high
        (99.9, 99.0, 0, 0),
        (101.0, 99.5, 0, 0),  # exactly half a percent away is near enough
        (101.0, 99.499, 1, 0),
        (101.0, 100.0, 0, 0),
        (101.0, 100.1, 0, 1),  # the follower follows
        (99.0, 100.1, 0, 1),
    ],
)
def test_highs_and_lows_are_mirror_images(leader: float, follower: float, enter: int, leave: int) -> None:
    """Inputs: leader, its extreme, follower, its extreme."""
    found = asked("nonconfirmation", leader, 100.0, follower, 100.0, **HIGH)
    assert (found.enter, found.leave) == (enter, leave)
    found = asked("nonconfirmation", 200 - leader, 100.0, 200 - follower, 100.0, **LOW)
    assert (found.enter, found.leave) == (enter, leave)


@pytest.mark.parametrize(("leader", "invalid"), [(98.0, 0), (97.999, 1), (103.0, 0)])
def test_a_leader_that_falls_back_through_its_level(leader: float, invalid: int) -> None:
    assert asked("nonconfirmation", leader, 100.0, 99.0, 100.0, level=98.0, **HIGH).invalid == invalid
    mirrored = asked("nonconfirmation", 200 - leader, 100.0, 101.0, 100.0, level=102.0, **LOW)
    assert mirrored.invalid == invalid


def test_without_an_open_episode_nothing_is_invalid() -> None:
    """No level is no level of zero: a low above it would be invalid for ever."""
    assert asked("nonconfirmation", 99.0, 100.0, 101.0, 100.0, **LOW).invalid == 0


def test_the_level_an_opening_fixes() -> None:
    assert asked("nonconfirmation", 110.0, 100.0, 99.0, 100.0, **HIGH).level == pytest.approx(107.8)
    assert asked("nonconfirmation", 90.0, 100.0, 101.0, 100.0, **LOW).level == pytest.approx(91.8)


@pytest.mark.parametrize("scale", [2.6e-10, 1.0, 63_000.0])
def test_one_rounding_fits_every_size(scale: float) -> None:
    """A coin of a hundred-thousandth of a dollar against one of 60,000, and the other way round."""
    found = asked("strength_high", scale * (1 + 1e-9), scale, 50.0, 60.0, invalidation_pct=2.0)
    assert (found.enter, found.leave) == (1, 0)
    noise = scale * (1 + 3 * np.finfo(float).eps)
    assert asked("strength_high", noise, scale, 50.0, 60.0).enter == 0


@pytest.mark.parametrize("unknown", range(4))
@pytest.mark.parametrize("kind", ["nonconfirmation", "strength_high"])
def test_one_unknown_input_leaves_every_answer_unknown(kind: str, unknown: int) -> None:
    inputs = [101.0, 100.0, 90.0, 100.0]
    inputs[unknown] = math.nan
    found = asked(kind, *inputs, level=99.0)
    assert (found.enter, found.leave, found.invalid, found.quality) == (-1, -1, -1, Quality.STALE)


@pytest.mark.parametrize(
    ("leader", "direction", "keys"),
    [
        (1, 1, ("numerator_price", "numerator_high:63d", "benchmark_price", "benchmark_high:63d")),
        (2, -1, ("benchmark_price", "benchmark_low:63d", "numerator_price", "numerator_low:63d")),
    ],
)
def test_leader_and_direction_decide_what_is_read(leader: int, direction: int, keys: tuple[str, ...]) -> None:
    parameters = {"leader": float(leader), "direction": float(direction), "window_sessions": 63.0}
    assert NonConfirmation.input_keys(Frequency.DAY, parameters) == keys
    assert set(keys) <= set(NonConfirmation.payload_keys(Frequency.DAY, parameters).values())


def test_strength_reads_the_ratio_and_the_numerator() -> None:
    keys = StrengthHigh.input_keys(Frequency.DAY, {"window_sessions": 252.0})
    assert keys == ("ratio:1d", "ratio_high:252d", "numerator_price", "numerator_high:252d")


def instance(
    detector: type[NonConfirmation | StrengthHigh], **given: float
) -> NonConfirmation | StrengthHigh:
    parameters = {p.name: float(given.get(p.name, p.default)) for p in detector.parameters}
    column = (np.zeros(1), np.zeros(1, np.uint8))
    return detector(Frequency.DAY, parameters, lambda _: column)


@pytest.mark.parametrize(("leader", "factors"), [(1, (0.5, 1.0)), (2, (1.0, 0.5))])
def test_a_split_moves_the_level_of_the_leading_leg(leader: int, factors: tuple[float, float]) -> None:
    detector = instance(NonConfirmation, leader=leader)
    assert (detector.level_factor(0, 0.5), detector.level_factor(1, 0.5)) == factors


def test_a_split_moves_a_level_of_the_ratio_both_ways() -> None:
    detector = instance(StrengthHigh)
    assert (detector.level_factor(0, 0.5), detector.level_factor(1, 0.5)) == (0.5, 2.0)
