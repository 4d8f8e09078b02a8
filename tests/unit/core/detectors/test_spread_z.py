"""spread_z: opens far out, ends near the middle, and holds in between."""

from __future__ import annotations

import math

import pytest

from core.detectors.spread_z import SpreadZ
from core.model.errors import CatalogueError
from core.model.records import Frequency, Quality
from tests.support.asked import asked


@pytest.mark.parametrize(
    ("z", "both", "ahead", "behind"),
    [
        (3.0, (1, 0), (1, 0), (0, 1)),
        (2.9, (0, 0), (0, 0), (0, 1)),
        (1.0, (0, 1), (0, 1), (0, 1)),
        (0.0, (0, 1), (0, 1), (0, 1)),
        (-1.0, (0, 1), (0, 1), (0, 1)),
        (-2.9, (0, 0), (0, 1), (0, 0)),
        (-3.0, (1, 0), (0, 1), (1, 0)),
        (50.0, (1, 0), (1, 0), (0, 1)),
    ],
)
def test_enter_and_leave_by_direction(
    z: float, both: tuple[int, int], ahead: tuple[int, int], behind: tuple[int, int]
) -> None:
    for direction, expected in ((0, both), (1, ahead), (-1, behind)):
        found = asked("spread_z", z, direction=direction)
        assert (found.enter, found.leave) == expected
        assert (found.invalid, found.level) == (0, 0.0)


@pytest.mark.parametrize("direction", [0, 1, -1])
def test_thresholds_see_ten_decimals(direction: int) -> None:
    sign = -1 if direction < 0 else 1
    assert asked("spread_z", sign * (3.0 - 4e-11), direction=direction).enter == 1
    assert asked("spread_z", sign * (3.0 - 6e-11), direction=direction).enter == 0
    assert asked("spread_z", sign * (1.0 + 4e-11), direction=direction).leave == 1
    assert asked("spread_z", sign * (1.0 + 6e-11), direction=direction).leave == 0


@pytest.mark.parametrize("frequency", [Frequency.DAY, Frequency.MINUTE])
def test_an_unknown_z_says_nothing(frequency: Frequency) -> None:
    found = asked("spread_z", math.nan, frequency=frequency)
    assert (found.enter, found.leave, found.quality) == (-1, -1, Quality.STALE)


@pytest.mark.parametrize(("sessions", "window"), [(1, "1d"), (5, "5d"), (21, "21d")])
def test_the_horizon_decides_what_is_read_and_told(sessions: int, window: str) -> None:
    parameters = {"horizon_sessions": float(sessions)}
    assert SpreadZ.input_keys(Frequency.DAY, parameters) == (f"relative_return_zscore:{window}",)
    told = SpreadZ.payload_keys(Frequency.DAY, parameters)
    assert all(key.endswith(f":{window}") for key in told.values())
    assert len(told) == 5


def test_every_minute_it_looks_at_a_quarter_of_an_hour() -> None:
    assert SpreadZ.input_keys(Frequency.MINUTE, {"horizon_sessions": 21.0}) == ("relative_return_zscore:15m",)
    told = SpreadZ.payload_keys(Frequency.MINUTE, {"horizon_sessions": 21.0})
    assert set(told.values()) == {
        "relative_return_zscore:15m",
        "relative_strength_percent:15m",
        "relative_strength_pp:15m",
    }


@pytest.mark.parametrize("exit_z", [2.0, 2.1])
def test_an_exit_at_or_beyond_the_entry_is_refused(exit_z: float) -> None:
    with pytest.raises(CatalogueError, match="not below"):
        SpreadZ.check({"enter_z": 2.0, "exit_z": exit_z})
    SpreadZ.check({"enter_z": 2.0, "exit_z": 1.9})


def test_both_thresholds_are_told() -> None:
    assert SpreadZ.threshold({"enter_z": 3.0, "exit_z": 1.0}) == {"zscore": 3.0, "zscore_exit": 1.0}
