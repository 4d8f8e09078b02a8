"""core.research.claim_members: what members traded together, and why that may be unknown."""

from __future__ import annotations

import numpy as np
import pytest

from core.research.claim_members import MembersDay, MemberVolumes, members_day

FIRST = 19_500
RNG = np.random.default_rng(3)
VOLUMES = RNG.uniform(1e5, 1e6, (25, 10))


def of(volumes: np.ndarray, sessions: np.ndarray | None = None) -> MemberVolumes:
    days = np.arange(FIRST, FIRST + len(volumes)) if sessions is None else sessions
    return MemberVolumes(days.astype(np.int64), volumes)


def test_the_sum_is_over_members_known_on_every_session() -> None:
    volumes = VOLUMES.copy()
    volumes[3, 2] = np.nan  # before the window of 20
    volumes[10, 4] = np.nan
    day = members_day(of(volumes), FIRST + 24, 20)
    used = [member for member in range(10) if member != 4]
    assert isinstance(day, MembersDay)
    assert (day.members, day.members_used) == (10, 9)
    assert day.volume == pytest.approx(VOLUMES[24, used].sum())
    assert day.average == pytest.approx(VOLUMES[4:24, used].sum(axis=1).mean())


def test_what_the_file_lacks_is_named() -> None:
    holed, thin = VOLUMES.copy(), VOLUMES.copy()
    holed[10] = np.nan
    thin[10, :3] = np.nan
    without_one = np.delete(np.arange(FIRST, FIRST + 26), 12)
    for volumes, day, reason in (
        (of(VOLUMES), FIRST + 25, "the members' file ends on 2023-06-16"),
        (of(VOLUMES), FIRST - 1, "the members' file begins on 2023-05-23"),
        (
            of(VOLUMES),
            FIRST + 19,
            "the members' file has 19 sessions before 2023-06-11; the average needs 20",
        ),
        (of(VOLUMES, without_one), FIRST + 12, "2023-06-04 is no session"),
        (of(holed), FIRST + 24, "the members' file has no volume on 2023-06-02"),
        (of(thin), FIRST + 24, "only 7 of 10 members have a volume on every one of the 21 sessions"),
    ):
        told = members_day(volumes, day, 20)
        assert isinstance(told, str)
        assert reason in told
