"""core.partition.pair_days: rings of closes that outlive their 512 slots, and look-ups by session."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.kernels.codes import DAY_SLOTS
from core.model.records import Quality
from core.partition.pair_days import (
    PairDays,
    allocate_pair_days,
    append_days,
    find_bases,
    leg_prices,
    leg_volumes,
    ready_pairs,
    restate,
)
from core.partition.state import INSTRUMENT_STATE, SECOND_SLOTS

FIRST_SESSION = 10_000
PAIR = np.array([0], np.int32)


def append(
    days: PairDays, session: int, numerator: int, benchmark: int, rows: NDArray[np.int32] = PAIR
) -> int:
    prices = np.empty((2, len(days.counts)), np.int64)
    prices[0], prices[1] = numerator, benchmark
    volumes = np.full_like(prices, 7)
    volumes[1] = -int(Quality.GAP)
    grown: int = append_days(
        days.closes,
        days.volumes,
        days.traded,
        days.sessions,
        days.counts,
        days.history_start,
        rows,
        session,
        prices,
        volumes,
        np.array([[1], [0]], np.uint8) * np.ones_like(days.counts, np.uint8),
    )
    return grown


def look_up(
    days: PairDays, targets: list[int], lags: list[int], rows: NDArray[np.int32] = PAIR
) -> list[list[int]]:
    bases = np.full((len(targets), 2, len(days.counts)), -7, np.int64)
    found = find_bases(
        days.closes,
        days.sessions,
        days.counts,
        rows,
        np.array(targets, np.int32),
        np.array(lags, np.int32),
        bases,
    )
    assert found == (bases[:, 0, rows] > 0).sum()
    result: list[list[int]] = bases[:, :, rows[0]].tolist()
    return result


def test_a_fresh_ring_knows_nothing() -> None:
    days = allocate_pair_days(2)
    assert (days.counts.tolist(), days.history_start.tolist()) == ([0, 0], [0, 0])
    assert look_up(days, [FIRST_SESSION], [1]) == [[0, 0]]


def test_the_history_starts_with_the_first_day_of_both_legs() -> None:
    days = allocate_pair_days(1)
    assert append(days, FIRST_SESSION, 5, -int(Quality.NOT_READY)) == 0
    assert append(days, FIRST_SESSION + 1, 0, 5) == 0
    assert append(days, FIRST_SESSION + 2, 5, 7) == 1
    assert append(days, FIRST_SESSION + 3, 6, 8) == 1
    assert (days.counts[0], days.history_start[0]) == (2, FIRST_SESSION + 2)


def test_volumes_stand_beside_their_closes_and_are_unknown_before_them() -> None:
    days = allocate_pair_days(1)
    append(days, FIRST_SESSION, 5, 6)
    assert days.volumes[0, 0].tolist() == [7, -int(Quality.GAP)]
    assert (days.volumes[0, 1:] == -int(Quality.NOT_READY)).all()


def test_volume_of_a_session_so_far() -> None:
    """Known up to the very minute: a leg that is ahead, or of another calendar, has none."""
    state = np.zeros(4, INSTRUMENT_STATE)
    state["volume_minute"], state["volume_then"] = [7, 7, 8, 7], [50, -int(Quality.GAP), 60, 70]
    state["calendar"][3] = 1
    volumes = np.zeros((2, 3), np.int64)
    known = leg_volumes(
        state,
        7,
        np.array([0, 2, 3], np.int32),
        np.array([1, 0, 0], np.int32),
        np.arange(3, dtype=np.int32),
        volumes,
    )
    assert known == 3
    expected = [[50, -int(Quality.STALE), -int(Quality.NO_SESSION)], [-int(Quality.GAP), 50, 50]]
    assert volumes.tolist() == expected


def test_figures_restated_by_a_split() -> None:
    figures = np.array([300, 7, 0, -int(Quality.GAP), 2**62], np.int64)
    restate(figures, 1, 2)
    assert figures.tolist() == [150, 4, 0, -int(Quality.GAP), 2**61]
    restate(figures, 8, 1)
    assert figures.tolist() == [1_200, 32, 0, -int(Quality.GAP), -int(Quality.NOT_READY)]


def test_rows_not_asked_for_do_not_grow() -> None:
    days = allocate_pair_days(3)
    assert append(days, FIRST_SESSION, 5, 6, np.array([2, 0], np.int32)) == 2
    assert days.counts.tolist() == [1, 0, 1]


@pytest.mark.parametrize("length", [DAY_SLOTS - 1, DAY_SLOTS, DAY_SLOTS + 1, 3 * DAY_SLOTS + 17])
def test_the_ring_holds_the_latest_days_and_counts_all(length: int) -> None:
    days = allocate_pair_days(1)
    for number in range(length):
        append(days, FIRST_SESSION + number, 1_000 + number, 2_000 + number)
    assert (days.counts[0], days.history_start[0]) == (length, FIRST_SESSION)
    kept = min(length, DAY_SLOTS)
    for lag in (1, 2, 63, 252, kept - 1, kept):
        number = length - lag
        assert look_up(days, [FIRST_SESSION + number], [lag]) == [[1_000 + number, 2_000 + number]]
    assert look_up(days, [FIRST_SESSION + length - kept - 1], [kept + 1]) == [[0, 0]]


@settings(deadline=None, max_examples=60)
@given(
    present=st.lists(st.booleans(), min_size=1, max_size=700),
    lags=st.lists(st.integers(1, 260), min_size=1, max_size=8),
)
def test_a_session_is_found_exactly_where_the_ring_has_it(present: list[bool], lags: list[int]) -> None:
    """Holes anywhere: a window is that session or nothing, never a session further back."""
    days = allocate_pair_days(1)
    held: dict[int, int] = {}
    for number, has_it in enumerate(present):
        if has_it:
            append(days, FIRST_SESSION + number, 1_000 + number, 9_000 + number)
            held[FIRST_SESSION + number] = number
    now = FIRST_SESSION + len(present)
    kept = set(sorted(held)[-DAY_SLOTS:])
    expected = [
        [1_000 + held[now - lag], 9_000 + held[now - lag]] if now - lag in kept else [0, 0] for lag in lags
    ]
    assert look_up(days, [now - lag for lag in lags], lags) == expected


def test_a_window_before_the_calendar_finds_nothing() -> None:
    days = allocate_pair_days(1)
    append(days, 0, 5, 6)  # 1970-01-01 is a session as good as any
    assert look_up(days, [-1, 0], [3, 1]) == [[0, 0], [5, 6]]


def test_prices_of_both_legs_at_a_second() -> None:
    ring = np.full((SECOND_SLOTS, 3), -int(Quality.STALE), np.int64)
    second = 5 * SECOND_SLOTS + 3
    ring[3] = [50, 60, -int(Quality.GAP)]
    prices = np.zeros((2, 3), np.int64)
    numerators, benchmarks = np.array([0, 2, 0], np.int32), np.array([1, 1, 1], np.int32)
    known = leg_prices(ring, second, numerators, benchmarks, np.array([0, 1], np.int32), prices)
    assert known == 1
    assert prices.tolist() == [[50, -int(Quality.GAP), 0], [60, 60, 0]]


class TestReadyPairs:
    """One pair, or three of which some are done."""

    def setup_method(self) -> None:
        self.volumes: NDArray[np.int64] = np.full((2, 1), 33, np.int64)

    def legs(self, *legs: tuple[int, int, int, int]) -> NDArray[np.void]:
        """(calendar, session, final session, final close) of each instrument."""
        state = np.zeros(len(legs), INSTRUMENT_STATE)
        for row, (calendar, session, final_session, final_close) in enumerate(legs):
            state[row]["calendar"], state[row]["session"] = calendar, session
            state[row]["final_session"], state[row]["final_close"] = final_session, final_close
            state[row]["final_volume"] = 1_000 + row
        return state

    def ask(
        self, legs: NDArray[np.void], *, session: int = 20, done: int = 19, price: int = 11
    ) -> tuple[list[int], list[list[int]]]:
        prices = np.full((2, 1), price, np.int64)
        ready = np.full(1, -1, np.int32)
        count = ready_pairs(
            legs,
            np.array([0], np.int32),
            np.array([1], np.int32),
            PAIR,
            np.array([done], np.int32),
            session,
            prices,
            self.volumes,
            ready,
        )
        return ready[:count].tolist(), prices.tolist()

    def test_both_final(self) -> None:
        legs = self.legs((0, 20, 20, 500), (0, 20, 20, 600))
        assert self.ask(legs) == ([0], [[500], [600]])
        assert self.volumes.tolist() == [[1_000], [1_001]]

    @pytest.mark.parametrize("waiting", [0, 1])
    def test_one_still_waiting(self, waiting: int) -> None:
        facts = [(0, 20, 20, 500), (0, 20, 20, 600)]
        facts[waiting] = (0, 20, 19, 400)
        assert self.ask(self.legs(*facts))[0] == []

    def test_done_already(self) -> None:
        legs = self.legs((0, 20, 20, 500), (0, 20, 20, 600))
        assert self.ask(legs, done=20) == ([], [[11], [11]])

    def test_final_without_a_close(self) -> None:
        legs = self.legs((0, 20, 20, -int(Quality.STALE)), (0, 20, 20, 600))
        assert self.ask(legs) == ([0], [[-int(Quality.STALE)], [600]])

    def test_a_source_that_was_not_there_will_never_have_a_close(self) -> None:
        legs = self.legs((0, 21, 19, 500), (0, 20, 20, 600))
        assert self.ask(legs) == ([0], [[-int(Quality.NOT_READY)], [600]])
        assert self.volumes.tolist() == [[-int(Quality.NOT_READY)], [1_001]]

    def test_a_leg_of_another_calendar_brings_the_price_it_had(self) -> None:
        legs = self.legs((1, 20, 19, 500), (0, 20, 20, 600))
        assert self.ask(legs, price=77) == ([0], [[77], [600]])
        assert self.volumes.tolist() == [[-int(Quality.NO_SESSION)], [1_001]]

    def test_only_the_pairs_that_are_ready_stand_in_front(self) -> None:
        legs = self.legs((0, 20, 20, 500), (0, 20, 20, 600), (0, 20, 19, 1))
        prices, ready = np.zeros((2, 3), np.int64), np.full(3, -1, np.int32)
        rows = np.arange(3, dtype=np.int32)
        count = ready_pairs(
            legs,
            np.array([0, 2, 1], np.int32),
            np.array([1, 1, 0], np.int32),
            rows,
            np.full(3, 19, np.int32),
            20,
            prices,
            np.zeros((2, 3), np.int64),
            ready,
        )
        assert ready[:count].tolist() == [0, 2]
        assert prices[:, 2].tolist() == [600, 500]
