"""core.model.windows: a window names the session it starts from."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from core.model.sessions import Calendar, build_calendar, day_to_date, session_day
from core.model.windows import DAY_WINDOWS, SESSION_WINDOWS, TO_DATE_WINDOWS, window_targets


@pytest.fixture(scope="module")
def xnys() -> Calendar:
    return build_calendar("XNYS", date(2019, 1, 1), date(2024, 12, 31))


def base(calendar: Calendar, day: date, window: str) -> date | None:
    row = calendar.row_of(session_day(day))
    target = window_targets(calendar)[row, DAY_WINDOWS.index(window)]
    return None if target < 0 else day_to_date(int(calendar.session[target]))


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ("1d", date(2024, 7, 10)),
        ("5d", date(2024, 7, 3)),  # over Independence Day and a weekend
        ("21d", date(2024, 6, 10)),
        ("63d", date(2024, 4, 10)),
        ("252d", date(2023, 7, 11)),
        ("week", date(2024, 7, 5)),
        ("month", date(2024, 6, 28)),
        ("year", date(2023, 12, 29)),
    ],
)
def test_the_eleventh_of_july(xnys: Calendar, window: str, expected: date) -> None:
    assert base(xnys, date(2024, 7, 11), window) == expected


@pytest.mark.parametrize(
    ("day", "window", "expected"),
    [
        (date(2024, 7, 8), "week", date(2024, 7, 5)),  # Monday: the week begins
        (date(2024, 7, 12), "week", date(2024, 7, 5)),  # Friday: still that week
        (date(2024, 9, 3), "week", date(2024, 8, 30)),  # Tuesday after Labor Day is the week's first session
        (date(2024, 7, 1), "month", date(2024, 6, 28)),
        (date(2024, 6, 28), "month", date(2024, 5, 31)),
        (date(2024, 1, 2), "year", date(2023, 12, 29)),
        (date(2024, 1, 2), "month", date(2023, 12, 29)),
        (date(2024, 1, 2), "week", date(2023, 12, 29)),
        (date(2021, 1, 4), "year", date(2020, 12, 31)),
        (
            date(2020, 12, 31),
            "week",
            date(2020, 12, 24),
        ),  # a week across the end of a year: half day before it
    ],
)
def test_edges_of_weeks_months_and_years(xnys: Calendar, day: date, window: str, expected: date) -> None:
    assert base(xnys, day, window) == expected


def test_every_session_by_counting_days(xnys: Calendar) -> None:
    targets = window_targets(xnys)
    days = [day_to_date(int(session)) for session in xnys.session]
    starts = {
        "week": lambda day: day - timedelta(days=day.weekday()),
        "month": lambda day: day.replace(day=1),
        "year": lambda day: day.replace(month=1, day=1),
    }
    assert targets.shape == (len(days), len(DAY_WINDOWS))
    assert targets.dtype == np.int32
    for row, day in enumerate(days):
        for column, (_, sessions) in enumerate(SESSION_WINDOWS):
            assert targets[row, column] == max(row - sessions, -1)
        for column, window in enumerate(TO_DATE_WINDOWS, start=len(SESSION_WINDOWS)):
            start = starts[window](day)
            before = [earlier for earlier in range(max(0, row - 260), row) if days[earlier] < start]
            assert targets[row, column] == (before[-1] if before else -1)


def test_before_the_calendar_there_is_nothing(xnys: Calendar) -> None:
    targets = window_targets(xnys)
    assert (targets[0] == -1).all()
    assert (targets[251, : len(SESSION_WINDOWS)] >= -1).all()
    assert targets[251, DAY_WINDOWS.index("252d")] == -1
    assert targets[252, DAY_WINDOWS.index("252d")] == 0


def test_days_of_a_market_that_never_closes() -> None:
    calendar = build_calendar("24/7", date(2024, 2, 20), date(2024, 3, 10))
    assert base(calendar, date(2024, 3, 1), "1d") == date(2024, 2, 29)
    assert base(calendar, date(2024, 3, 1), "month") == date(2024, 2, 29)
    assert base(calendar, date(2024, 3, 4), "week") == date(2024, 3, 3)  # Monday after Sunday
    assert base(calendar, date(2024, 3, 3), "week") == date(2024, 2, 25)
    assert base(calendar, date(2024, 3, 3), "year") is None
