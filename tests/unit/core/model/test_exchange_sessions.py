"""core.model.exchange_sessions: half days, daylight saving, and what the library does not know."""

from datetime import date

import exchange_calendars
import numpy as np
import pytest

from core.model.calendar import Calendar, day_to_date, session_day
from core.model.errors import SessionError
from core.model.sessions import NANOSECONDS_PER_DAY, build_calendar
from tests.support.new_york import new_york, row, xnys_since_1990


@pytest.fixture(scope="module")
def xnys() -> Calendar:
    return xnys_since_1990()


def test_sessions_ascend_and_do_not_overlap(xnys: Calendar) -> None:
    assert len(xnys) == 9_569
    assert (np.diff(xnys.session) > 0).all()
    assert (xnys.open_ns < xnys.close_ns).all()
    assert (xnys.close_ns[:-1] < xnys.open_ns[1:]).all()
    assert (day_to_date(xnys.session[0]), day_to_date(xnys.session[-1])) == (
        date(1990, 1, 2),
        date(2027, 12, 31),
    )


@pytest.mark.parametrize(
    ("day", "hour", "early"),
    [
        (date(2024, 7, 3), 13, True),  # the day before Independence Day
        (date(2024, 7, 11), 16, False),
        (date(2013, 10, 8), 16, False),
        (date(2025, 11, 28), 13, True),  # the day after Thanksgiving
        (date(2026, 11, 27), 13, True),
    ],
)
def test_half_days_end_at_one_in_new_york(xnys: Calendar, day: date, hour: int, early: bool) -> None:
    at = row(xnys, day)
    assert xnys.open_ns[at] == new_york(day, 9, 30)
    assert xnys.close_ns[at] == new_york(day, hour)
    assert bool(xnys.early_close[at]) is early


@pytest.mark.parametrize(
    ("before", "after", "hours"),
    [
        (date(2024, 3, 8), date(2024, 3, 11), -1),  # spring forward
        (date(2024, 11, 1), date(2024, 11, 4), +1),  # fall back
    ],
)
def test_daylight_saving_moves_the_session_in_utc_only(
    xnys: Calendar, before: date, after: date, hours: int
) -> None:
    apart = int(xnys.open_ns[row(xnys, after)] - xnys.open_ns[row(xnys, before)])
    assert apart == 3 * NANOSECONDS_PER_DAY + hours * NANOSECONDS_PER_DAY // 24
    assert xnys.open_ns[row(xnys, after)] == new_york(after, 9, 30)


@pytest.mark.parametrize(
    "day",
    [
        date(2025, 1, 9),  # President Carter's day of mourning
        date(2018, 12, 5),  # President Bush's
        date(2012, 10, 29),  # hurricane Sandy
        date(2001, 9, 11),
        date(1994, 4, 27),  # President Nixon's day of mourning
        date(2024, 7, 4),
        date(2024, 7, 6),
    ],
)
def test_days_without_a_session_name_their_neighbours(xnys: Calendar, day: date) -> None:
    with pytest.raises(SessionError) as error:
        xnys.row_of(session_day(day))
    assert f"XNYS has no session on {day}" in str(error.value)


def test_a_growing_calendar_begins_where_the_library_knows_the_holidays() -> None:
    calendar = build_calendar("XTKS", date(1990, 1, 1), date(2026, 12, 31), growing=True)
    assert day_to_date(calendar.session[0]) == date(1997, 1, 6)
    with pytest.raises(SessionError, match="holidays are not known for all of it"):
        build_calendar("XTKS", date(1990, 1, 1), date(2026, 12, 31))


def test_a_session_that_closes_on_another_utc_day_is_refused() -> None:
    """Wellington closes early on Christmas Eve, when it is still the day before in London."""
    assert len(build_calendar("XNZE", date(2024, 7, 1), date(2024, 7, 5))) == 5
    with pytest.raises(
        SessionError, match=r"XNZE cannot be used: its session of .*-12-24 closes at .*-12-23"
    ):
        build_calendar("XNZE", date(2024, 12, 2), date(2024, 12, 31))


def test_a_calendar_that_the_library_cannot_build_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def unable(name: str, **bounds: str) -> None:
        raise NotImplementedError("implemented by subclasses")

    monkeypatch.setattr(exchange_calendars, "get_calendar", unable)
    with pytest.raises(SessionError, match="calendar ASEX cannot be built"):
        build_calendar("ASEX", date(2024, 7, 1), date(2024, 7, 5))
