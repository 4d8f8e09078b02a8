"""core.indicators.volume_by_time: volume so far against the same time of day before."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.indicators.base import RingStep
from core.indicators.volume_by_time import HALF_HOURS, SESSIONS, VolumeByTime
from core.model.records import Quality
from core.model.scale import default_pair_scales
from core.partition.state import MINUTE_SLOTS

OPENED = 28_000_000
DAY_MINUTES = 1_440
UNIT = 10**9


class Watched:
    """One pair, half hour by half hour; all between does not matter to the family."""

    def __init__(self) -> None:
        self.family = VolumeByTime(1)
        self._ring: NDArray[np.int64] = np.full((MINUTE_SLOTS, 2), 100 * UNIT, np.int64)
        self._volumes: NDArray[np.int64] = np.zeros((2, 1), np.int64)

    def minute(self, session: int, minute: int, volume: int) -> tuple[float, int, int]:
        """Close a minute of a session; value, quality and observations."""
        self._volumes[0, 0] = volume
        zero, one = np.array([0], np.int32), np.array([1], np.int32)
        now = OPENED + session * DAY_MINUTES + minute
        step = RingStep(zero, self._ring, now, minute, zero, one, self._volumes, default_pair_scales(1))
        self.family.evaluate(step, commit=True)
        family = self.family
        return float(family.values[0, 0]), int(family.quality[0, 0]), int(family.observations[0, 0])

    def session(self, number: int, volumes: NDArray[np.int64]) -> None:
        """Watch a session to its end."""
        for half_hour, volume in enumerate(volumes):
            self.minute(number, 30 * half_hour + 29, int(volume))


@pytest.fixture
def past() -> NDArray[np.int64]:
    """Volumes by half hour of 23 sessions."""
    traded = np.random.default_rng(8).integers(1_000, 9_000, (23, HALF_HOURS))
    volumes: NDArray[np.int64] = np.cumsum(traded, axis=1) * UNIT
    return volumes


@pytest.fixture
def watched(past: NDArray[np.int64]) -> Watched:
    watched = Watched()
    for number, volumes in enumerate(past):
        watched.session(number, volumes)
    return watched


def test_it_is_the_share_of_the_plain_mean_of_twenty_sessions(
    watched: Watched, past: NDArray[np.int64]
) -> None:
    for half_hour in range(HALF_HOURS):
        expected = 5_000 / (past[-SESSIONS:, half_hour].mean() / UNIT)
        found = watched.minute(23, 30 * half_hour + 29, 5_000 * UNIT)
        assert found == (pytest.approx(expected, rel=1e-12), Quality.TRADED_VOLUME, SESSIONS)
        assert watched.minute(23, 30 * half_hour + 45, 7_000 * UNIT) == found, "until the next half hour ends"


def test_before_the_first_half_hour_and_after_the_last_it_is_not_ready(watched: Watched) -> None:
    assert watched.minute(23, 28, 5_000 * UNIT)[1] == Quality.NOT_READY
    assert watched.minute(23, 29, 5_000 * UNIT)[1] == Quality.TRADED_VOLUME
    assert watched.minute(23, 30 * (HALF_HOURS + 1) - 1, 5_000 * UNIT)[1] == Quality.NOT_READY


def test_unknown_sessions_are_left_out_and_a_tenth_may_be_missing(past: NDArray[np.int64]) -> None:
    past[[5, 9], :4] = -int(Quality.GAP)
    watched = Watched()
    for number, volumes in enumerate(past[:20]):
        watched.session(number, volumes)
    known = [number for number in range(20) if number not in (5, 9)]
    expected = 5_000 / (past[known, 0].mean() / UNIT)
    assert watched.minute(20, 29, 5_000 * UNIT) == (
        pytest.approx(expected, rel=1e-12),
        Quality.TRADED_VOLUME,
        18,
    )
    watched.session(20, np.full(2, -int(Quality.GAP), np.int64))
    watched.minute(21, 29, 5_000 * UNIT)
    assert watched.minute(21, 59, 5_000 * UNIT)[1:] == (Quality.NOT_READY, 17)


def test_a_half_hour_without_a_known_volume_says_why(watched: Watched) -> None:
    value, quality, _ = watched.minute(23, 29, -int(Quality.GAP))
    assert (np.isnan(value), quality) == (True, Quality.GAP)
    assert watched.minute(23, 40, 9_000 * UNIT)[1] == Quality.NOT_READY


def test_a_volume_of_zero_is_unknown_then_and_now(watched: Watched) -> None:
    value, quality, _ = watched.minute(23, 29, 0)
    assert (np.isnan(value), quality) == (True, Quality.NO_VOLUME)
    empty = Watched()
    for number in range(SESSIONS):
        empty.session(number, np.zeros(1, np.int64))
    assert empty.minute(SESSIONS, 29, 5_000 * UNIT)[1:] == (Quality.NOT_READY, 0)


def test_a_split_restates_what_is_held(watched: Watched) -> None:
    row: NDArray[np.int32] = np.array([0], np.int32)
    before = watched.minute(23, 29, 5_000 * UNIT)
    watched.family.adjust(row, 1, 0.5)
    watched.family.adjust(row, 0, 0.5)
    assert watched.minute(23, 29, 10_000 * UNIT) == (pytest.approx(before[0], rel=1e-12), *before[1:])
