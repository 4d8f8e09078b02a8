"""core.model.sessions: calendars by name and range, of days that never end as well."""

from datetime import UTC, date, datetime, timedelta

import pytest

from core.model.errors import SessionError
from core.model.sessions import (
    CALENDAR_NAMES,
    NANOSECONDS_PER_DAY,
    build_calendar,
    build_calendars,
    day_to_date,
)
from tests.support.new_york import ns


def test_crypto_days_are_utc_days_without_a_gap() -> None:
    days = build_calendar("24/7", date(2024, 2, 28), date(2024, 3, 1))
    assert [str(day_to_date(day)) for day in days.session] == ["2024-02-28", "2024-02-29", "2024-03-01"]
    assert days.open_ns[0] == ns(datetime(2024, 2, 28, tzinfo=UTC))
    assert (days.close_ns - days.open_ns == NANOSECONDS_PER_DAY).all()
    assert (days.close_ns[:-1] == days.open_ns[1:]).all()
    assert not days.early_close.any()
    assert days.index_at(int(days.close_ns[0])) == 1


def test_a_calendar_of_one_day() -> None:
    day = build_calendar("XNYS", date(2024, 7, 5), date(2024, 7, 5))
    assert [day_to_date(session) for session in day.session] == [date(2024, 7, 5)]


@pytest.mark.parametrize(
    ("name", "first", "last", "message"),
    [
        ("XNYX", date(2024, 1, 1), date(2024, 2, 1), "no calendar is named 'XNYX'"),
        ("XNYS", date(2024, 2, 1), date(2024, 1, 1), "from 2024-02-01 to 2024-01-01 has no days"),
        ("XNYS", date(2024, 7, 6), date(2024, 7, 7), "XNYS has no session from 2024-07-06 to 2024-07-07"),
        ("XNYS", date(2024, 7, 4), date(2024, 7, 4), "XNYS has no session from 2024-07-04 to 2024-07-04"),
        ("XNYS", date(2001, 9, 11), date(2001, 9, 15), "XNYS has no session from 2001-09-11 to"),
        ("XTKS", date(1950, 1, 1), date(2024, 1, 1), "XTKS cannot be built from 1950-01-01"),
    ],
)
def test_a_calendar_that_cannot_be_built(name: str, first: date, last: date, message: str) -> None:
    with pytest.raises(SessionError, match=message):
        build_calendar(name, first, last)


def test_calendars_are_built_once_each() -> None:
    built = build_calendars(["XNYS", "24/7", "XNYS"], date(2024, 7, 1), date(2024, 7, 5))
    assert {name: len(calendar) for name, calendar in built.items()} == {"24/7": 5, "XNYS": 4}
    assert set(built) <= set(CALENDAR_NAMES)


def test_the_range_is_an_argument_so_the_clock_is_never_asked() -> None:
    far = build_calendar("XNYS", date(2040, 1, 1), date(2040, 12, 31))
    assert len(far) > 240
    assert day_to_date(far.session[-1]) <= date(2040, 12, 31)
    assert day_to_date(far.session[0]) - timedelta(days=5) <= date(2040, 1, 1)
