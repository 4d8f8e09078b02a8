"""Outcomes and cases apart, against loops that do it the long way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.research.forward_returns import HORIZONS_SESSIONS, NEVER, apart, forward_returns


def test_an_outcome_runs_from_the_next_close_and_is_known_at_its_end() -> None:
    random = np.random.default_rng(1)
    sessions = np.cumsum(random.integers(1, 4, 90)).astype(np.int32)
    numerator, benchmark = np.exp(random.normal(0, 0.02, (2, 90)).cumsum(axis=1))
    outcomes = forward_returns(sessions, numerator, benchmark)
    for row, horizon in enumerate(HORIZONS_SESSIONS):
        for entry in range(90):
            end = entry + 1 + horizon
            if end >= 90:
                assert np.isnan(outcomes.spread_pp[row, entry])
                assert outcomes.closed[row, entry] == NEVER
                continue
            first = 100 * (numerator[end] / numerator[entry + 1] - 1)
            second = 100 * (benchmark[end] / benchmark[entry + 1] - 1)
            assert outcomes.numerator_pct[row, entry] == pytest.approx(first, abs=1e-9)
            assert outcomes.benchmark_pct[row, entry] == pytest.approx(second, abs=1e-9)
            assert outcomes.spread_pp[row, entry] == pytest.approx(first - second, abs=1e-9)
            assert outcomes.closed[row, entry] == sessions[end]
        assert outcomes.known(row, int(sessions[horizon])) == 0
        assert outcomes.known(row, int(sessions[horizon + 1])) == 1


@pytest.mark.parametrize("length", [0, 1, 2, 3])
def test_a_short_history_has_no_outcome(length: int) -> None:
    closes = np.ones(length)
    outcomes = forward_returns(np.arange(length, dtype=np.int32), closes, closes)
    assert outcomes.spread_pp.shape == (len(HORIZONS_SESSIONS), length)
    assert np.isnan(outcomes.spread_pp[1:]).all()


@given(st.sets(st.integers(0, 400)), st.integers(1, 60))
def test_kept_cases_lie_apart_and_every_other_one_is_too_near(positions: set[int], least: int) -> None:
    given_positions = np.array(sorted(positions), np.int64)
    kept = apart(given_positions, least)
    assert (np.diff(kept) >= least).all()
    for position in given_positions:
        assert position in kept or ((kept < position) & (position - kept < least)).any()


@given(st.sets(st.integers(0, 200), min_size=1), st.integers(1, 60), st.integers(0, 200))
def test_later_cases_change_nothing_about_earlier_ones(positions: set[int], least: int, cut: int) -> None:
    every = np.array(sorted(positions), np.int64)
    kept = apart(every, least)
    assert np.array_equal(apart(every[every <= cut], least), kept[kept <= cut])
