"""core.indicators.weeks: weekly closes above a resistance that stays where the run began."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.indicators.weeks import LONGEST_RUN, WEEKS, Weeks
from core.model.records import Quality
from core.model.sessions import day_to_date
from core.model.windows import ends_week
from tests.support.family_rig import FamilyRig, sessions

NAMES = [output.key for output in Weeks.outputs]
STEPS = 560
ENDS = [step for step in range(STEPS) if ends_week(sessions(), step)]
WEEK = WEEKS + LONGEST_RUN + 4


def value(rig: FamilyRig, key: str) -> float:
    return float(rig.family.values[NAMES.index(key), 0])


@pytest.fixture
def prices() -> NDArray[np.int64]:
    """Two years at 100, with one weekly close at 110 and a higher price inside a week."""
    prices = np.full((STEPS, 2, 1), 100 * 10**9, np.int64)
    prices[ENDS[WEEK - 20], 0] = 110 * 10**9
    prices[ENDS[WEEK - 10] - 1, 0] = 150 * 10**9
    return prices


def walk(rig: FamilyRig, until: int) -> None:
    rig.advance(until - rig.step_number - 1)
    rig.begin()
    rig.evaluate(commit=True)
    rig.end()


def test_a_run_counts_weekly_closes_above_the_level_it_began_with(prices: NDArray[np.int64]) -> None:
    for offset, close in ((0, 111), (1, 130), (2, 111), (3, 110), (4, 131)):
        prices[ENDS[WEEK + offset], 0] = close * 10**9
    rig = FamilyRig(Weeks, prices)
    walk(rig, ENDS[WEEK - 1])
    assert (value(rig, "weekly_closes_above"), value(rig, "resistance_price")) == (0, 110)
    assert value(rig, "resistance_distance_pct") == pytest.approx(100 * (100 / 110 - 1))
    for offset, run in ((0, 1), (1, 2), (2, 3), (3, 0)):
        walk(rig, ENDS[WEEK + offset])
        assert value(rig, "weekly_closes_above") == run
        assert value(rig, "resistance_price") == 110, "it stays where the run began"
    walk(rig, ENDS[WEEK + 4])
    assert (value(rig, "weekly_closes_above"), value(rig, "resistance_price")) == (1, 130)


def test_a_run_is_counted_up_to_half_a_year(prices: NDArray[np.int64]) -> None:
    rising = 120 + np.arange(STEPS - ENDS[WEEK])
    prices[ENDS[WEEK] :, 0, 0] = rising * 10**9
    rig = FamilyRig(Weeks, prices)
    for weeks, run in ((LONGEST_RUN - 1, LONGEST_RUN), (LONGEST_RUN + 3, LONGEST_RUN)):
        walk(rig, ENDS[WEEK + weeks])
        assert value(rig, "weekly_closes_above") == run


def test_a_week_counts_at_its_last_session_and_not_before(prices: NDArray[np.int64]) -> None:
    prices[ENDS[WEEK] + 1 :, 0] = 120 * 10**9
    rig = FamilyRig(Weeks, prices)
    walk(rig, ENDS[WEEK + 1] - 1)
    assert value(rig, "weekly_closes_above") == 0
    assert value(rig, "resistance_distance_pct") == pytest.approx(100 * (120 / 110 - 1))
    rig.begin()
    rig.evaluate(commit=False)
    assert value(rig, "weekly_closes_above") == 1, "as if the session ended now"
    rig.evaluate(commit=True)
    rig.end()
    walk(rig, ENDS[WEEK + 1] + 1)
    assert value(rig, "weekly_closes_above") == 1


def test_a_holiday_friday_makes_thursday_the_last_session() -> None:
    assert {day_to_date(sessions().session[step]).weekday() for step in ENDS} == {3, 4}


def test_a_week_without_its_last_session_is_closed_by_the_next_week(prices: NDArray[np.int64]) -> None:
    last = ENDS[WEEK + 2]
    prices[last - 1, 0] = 120 * 10**9
    rig = FamilyRig(Weeks, prices)
    walk(rig, last - 1)
    assert value(rig, "weekly_closes_above") == 0
    rig.begin({(0, 0): int(Quality.STALE)})
    rig.evaluate(commit=True)
    rig.end()
    for _ in range(2):
        rig.begin()
        rig.evaluate(commit=True)
        assert (value(rig, "weekly_closes_above"), value(rig, "resistance_price")) == (1, 110)
        rig.end()


def test_it_is_unknown_until_there_are_enough_completed_weeks(prices: NDArray[np.int64]) -> None:
    rig = FamilyRig(Weeks, prices)
    walk(rig, ENDS[WEEKS + LONGEST_RUN - 1])
    assert rig.family.quality[0, 0] == Quality.NOT_READY
    walk(rig, ENDS[WEEKS + LONGEST_RUN - 1] + 1)
    assert (rig.family.quality[:, 0] == Quality.OK).all()
    assert (rig.family.observations[:, 0] == WEEKS + LONGEST_RUN).all()
