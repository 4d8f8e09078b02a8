"""core.research.claim_periods: completed periods by the calendar, and runs of them."""

from __future__ import annotations

from datetime import date

import numpy as np

from core.model.sessions import session_day
from core.research.claim_periods import completed_periods, longest_run

MONDAY = session_day(date(2024, 7, 1))
TWO_WEEKS = np.array([MONDAY + day for day in (0, 1, 2, 3, 4, 7, 8, 9, 10, 11)], np.int64)


def test_a_week_is_complete_when_the_next_session_is_in_another() -> None:
    weeks = completed_periods(TWO_WEEKS, np.append(TWO_WEEKS, MONDAY + 14), "week")
    assert (weeks.rows.tolist(), weeks.numbers.tolist()) == ([4, 9], [0, 1])
    until_thursday = completed_periods(TWO_WEEKS[:-1], TWO_WEEKS, "week")
    assert until_thursday.rows.tolist() == [4]


def test_a_week_without_its_last_close_is_left_out_and_leaves_a_gap() -> None:
    three = np.concatenate([TWO_WEEKS, TWO_WEEKS[:5] + 14])
    calendar = np.append(three, MONDAY + 21)
    weeks = completed_periods(three[three != MONDAY + 11], calendar, "week")
    assert weeks.numbers.tolist() == [0, 2]
    sessions = completed_periods(three[three != MONDAY + 11], calendar, "session")
    assert sessions.numbers.tolist() == [*range(9), *range(10, 15)]


def test_the_longest_run_is_the_latest_of_several() -> None:
    numbers = np.array([1, 2, 5, 8, 9, 20])
    assert numbers[longest_run(numbers)].tolist() == [8, 9]
    assert numbers[longest_run(np.array([1, 2, 3, 8, 9]))].tolist() == [1, 2, 5]
    assert longest_run(np.array([], np.int64)) == slice(0, 0)
