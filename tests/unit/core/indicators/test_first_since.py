"""core.indicators.first_since: since when a close was last as high, or as low."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.indicators.first_since import FirstSince
from core.indicators.monotonic_stack import POOL
from core.kernels.codes import DAY_SLOTS
from core.model.records import Quality
from tests.support.family_rig import FamilyRig, sessions

NAMES = [output.key for output in FirstSince.outputs]
STEPS = 1_250
SERIES = ("numerator_highest", "numerator_lowest", "ratio_highest", "ratio_lowest")


def coarse_waves(steps: int) -> NDArray[np.int64]:
    """Whole prices that come back after years, so that ties are common; one pair."""
    noise = np.random.default_rng(3).integers(-3, 4, (steps, 2, 1))
    waves = 60 * np.sin(np.arange(steps) / 130)[:, None, None] * np.array([1.0, 0.2])[None, :, None]
    prices: NDArray[np.int64] = (100 + np.rint(waves).astype(np.int64) + noise) * 10**9
    return prices


def by_search(prices: NDArray[np.int64], step: int) -> list[float]:
    """Sessions of all four, by looking back one close at a time."""
    columns = (prices[: step + 1, 0, 0], prices[: step + 1, 0, 0] / prices[: step + 1, 1, 0])
    found = []
    for column in columns:
        for reached in (column[:-1] >= column[-1], column[:-1] <= column[-1]):
            entries = np.flatnonzero(reached)
            found.append(float(sessions().session[entries[-1]]) if len(entries) else 0.0)
    return found


def sessions_found(rig: FamilyRig) -> list[float]:
    return [float(rig.family.values[NAMES.index(f"{series}_since"), 0]) for series in SERIES]


def test_it_agrees_with_a_search_through_all_history_also_after_a_restart() -> None:
    prices = coarse_waves(STEPS)
    rig = FamilyRig(FirstSince, prices)
    older = 0
    for step in range(STEPS):
        if step % 97 == 96:  # derived parts are recomputed, state is copied
            successor = FirstSince(1)
            for name, array in successor.state().items():
                array[...] = rig.family.state()[name]
            rig.family = successor
        rig.begin()
        rig.evaluate(commit=True)
        if step >= 252:
            expected = by_search(prices, step)
            assert sessions_found(rig) == expected, step
            earliest = sessions().session[step - DAY_SLOTS] if step >= DAY_SLOTS else 0
            older += sum(0 < session < earliest for session in expected)
        rig.end()
    assert older > 20, "the older part has been asked too"


def test_days_are_counted_from_that_session_or_from_the_history_s_start() -> None:
    prices = np.full((262, 2, 1), 100 * 10**9, np.int64)
    prices[100, 0] = 120 * 10**9
    prices[260, 0] = 110 * 10**9
    prices[261, 0] = 130 * 10**9
    rig = FamilyRig(FirstSince, prices)
    rig.advance(260)
    row = NAMES.index("numerator_highest_in_days")
    for step, since in ((260, 100), (261, 0)):
        rig.begin()
        rig.evaluate(commit=True)
        calendar = sessions().session
        assert rig.family.values[row, 0] == calendar[step] - calendar[since]
        assert rig.family.values[row - 1, 0] == (calendar[100] if since else 0)
        rig.end()


def test_nothing_is_of_all_history_before_a_year_of_it() -> None:
    prices = (100 + np.arange(254, dtype=np.int64))[:, None, None] * np.array([10**9, 0])[None, :, None]
    prices[:, 1] = 100 * 10**9
    rig = FamilyRig(FirstSince, prices)
    rig.advance(251)
    for quality in (Quality.NOT_READY, Quality.OK):
        rig.begin()
        rig.evaluate(commit=True)
        assert rig.family.quality[NAMES.index("numerator_highest_since"), 0] == quality
        assert rig.family.quality[NAMES.index("numerator_lowest_since"), 0] == Quality.OK
        rig.end()


@pytest.fixture(scope="module")
def risen() -> FamilyRig:
    """A numerator that rose every session, for longer than there is room to remember each close."""
    steps = DAY_SLOTS + POOL + 100
    prices = np.full((steps + 2, 2, 1), 100 * 10**9, np.int64)
    prices[:, 0, 0] = (1_000 + np.arange(steps + 2)) * 10**9
    rig = FamilyRig(FirstSince, prices)
    rig.advance(steps)
    return rig


@pytest.mark.parametrize(
    ("fall_to", "quality", "since"),
    [
        (1_700, Quality.OK, 700),
        (1_150, Quality.OK, 150),
        (1_050, Quality.NOT_READY, None),
        (1_000, Quality.OK, 0),
        (999, Quality.OK, None),
    ],
    ids=["in the ring", "older", "given up", "the record itself", "below all"],
)
def test_what_was_given_up_is_unknown_and_never_wrong(
    risen: FamilyRig, fall_to: int, quality: Quality, since: int | None
) -> None:
    step = risen.step_number + 1
    risen.prices[step, 0] = fall_to * 10**9
    risen.begin()
    risen.evaluate(commit=False)
    risen.step_number -= 1
    row = NAMES.index("numerator_lowest_since")
    assert risen.family.quality[row, 0] == quality
    if quality == Quality.OK:
        expected = 0 if since is None else sessions().session[since]
        assert risen.family.values[row, 0] == expected


def test_it_is_known_again_once_a_close_has_passed_what_was_given_up(risen: FamilyRig) -> None:
    kept = {name: array.copy() for name, array in risen.family.state().items()}
    step = risen.step_number + 1
    risen.prices[step, 0] = 1_050 * 10**9
    risen.prices[step + 1, 0] = 1_049 * 10**9
    risen.advance(1)
    risen.begin()
    risen.evaluate(commit=False)
    row = NAMES.index("numerator_lowest_since")
    assert risen.family.quality[row, 0] == Quality.NOT_READY
    risen.step_number -= 2
    risen.days.counts[:] -= 1
    for name, array in risen.family.state().items():
        array[...] = kept[name]
    risen.prices[step, 0] = 1_000 * 10**9
    risen.prices[step + 1, 0] = 1_001 * 10**9
    risen.advance(1)
    risen.begin()
    risen.evaluate(commit=False)
    assert risen.family.quality[row, 0] == Quality.OK
    assert risen.family.values[row, 0] == sessions().session[step]
