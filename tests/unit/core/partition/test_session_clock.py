"""core.partition.session_clock: where an instant is in a calendar's sessions."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from core.model.errors import SessionError
from core.model.records import NANOSECONDS_PER_SECOND
from core.model.sessions import Calendar, build_calendar, day_to_date, session_day
from core.model.windows import NO_SESSION
from core.partition.session_clock import SessionClock


@pytest.fixture(scope="module")
def calendar() -> Calendar:
    """2024-07-03 is a half day, 07-04 has no session."""
    return build_calendar("XNYS", date(2024, 7, 2), date(2024, 7, 8))


def unix(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def test_before_anything_no_session_is_in_force(calendar: Calendar) -> None:
    clock = SessionClock(calendar, 900)
    assert clock.session == NO_SESSION
    assert clock.open_second == clock.close_second == clock.deadline_second > unix("2100-01-01")


@pytest.mark.parametrize(
    ("instant", "session"),
    [
        ("2024-07-01T00:00:00", "2024-07-02"),  # before the calendar
        ("2024-07-02T13:29:59", "2024-07-02"),
        ("2024-07-02T13:30:00", "2024-07-02"),
        ("2024-07-02T19:59:59", "2024-07-02"),
        ("2024-07-02T20:00:00", "2024-07-03"),  # at the close, the next one
        ("2024-07-03T16:59:59", "2024-07-03"),
        ("2024-07-03T17:00:00", "2024-07-05"),  # the half day is over at 13:00 in New York
        ("2024-07-06T12:00:00", "2024-07-08"),  # Saturday
    ],
)
def test_it_starts_in_the_session_that_runs_or_the_next(
    calendar: Calendar, instant: str, session: str
) -> None:
    clock = SessionClock(calendar, 900)
    clock.start_at(unix(instant))
    assert str(day_to_date(clock.session)) == session


def test_opens_closes_and_deadlines(calendar: Calendar) -> None:
    clock = SessionClock(calendar, 900)
    clock.start_at(unix("2024-07-03T00:00:00"))
    assert clock.open_second == unix("2024-07-03T13:30:00")
    assert clock.close_second == unix("2024-07-03T17:00:00")
    assert clock.deadline_second == clock.close_second + 900
    assert clock.next_open_ns == unix("2024-07-05T13:30:00") * NANOSECONDS_PER_SECOND


def test_past_the_last_session_none_is_in_force(calendar: Calendar) -> None:
    clock = SessionClock(calendar, 900)
    clock.start_at(unix("2024-07-08T14:00:00"))
    assert str(day_to_date(clock.session)) == "2024-07-08"
    assert clock.next_open_ns > unix("2100-01-01") * NANOSECONDS_PER_SECOND
    clock.enter(clock.row + 1)
    assert clock.session == NO_SESSION
    assert clock.open_second == clock.close_second == clock.deadline_second > unix("2100-01-01")
    clock.start_at(unix("2024-07-09T14:00:00"))
    assert clock.session == NO_SESSION


def test_it_resumes_by_the_session_whatever_range_the_calendar_has(calendar: Calendar) -> None:
    first = SessionClock(calendar, 900)
    first.start_at(unix("2024-07-05T15:00:00"))
    longer = SessionClock(build_calendar("XNYS", date(2020, 1, 1), date(2024, 12, 31)), 900)
    longer.resume(first.session)
    assert longer.session == first.session == session_day(date(2024, 7, 5))
    assert longer.row != first.row
    assert (longer.open_second, longer.close_second) == (first.open_second, first.close_second)


def test_it_resumes_to_no_session(calendar: Calendar) -> None:
    clock = SessionClock(calendar, 900)
    clock.start_at(unix("2024-07-05T15:00:00"))
    clock.resume(NO_SESSION)
    assert clock.session == NO_SESSION
    assert clock.open_second > unix("2100-01-01")


def test_a_session_that_is_not_there_is_refused(calendar: Calendar) -> None:
    with pytest.raises(SessionError, match="2024-07-04"):
        SessionClock(calendar, 0).resume(session_day(date(2024, 7, 4)))
