"""core.model.sessions: half days, daylight saving, closes nobody planned, and days that never end."""

from datetime import UTC, date, datetime, timedelta
from importlib import resources
from zoneinfo import ZoneInfo

import exchange_calendars
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.errors import ConfigurationError, SessionError
from core.model.sessions import (
    CALENDAR_NAMES,
    NANOSECONDS_PER_DAY,
    Calendar,
    build_calendar,
    build_calendars,
    day_to_date,
    session_day,
    unknown_calendar,
)

NEW_YORK = ZoneInfo("America/New_York")
OVERRIDES = resources.files("core").joinpath("data/calendar_overrides.toml").read_text(encoding="utf-8")


def ns(instant: datetime) -> int:
    return int(instant.timestamp()) * 1_000_000_000


def new_york(day: date, hour: int, minute: int = 0) -> int:
    return ns(datetime(day.year, day.month, day.day, hour, minute, tzinfo=NEW_YORK))


@pytest.fixture(scope="module")
def xnys() -> Calendar:
    return build_calendar("XNYS", date(1990, 1, 1), date(2027, 12, 31))


def row(calendar: Calendar, day: date) -> int:
    return calendar.row_of(session_day(day))


def test_columns_have_the_types_kernels_are_compiled_for(xnys: Calendar) -> None:
    assert [column.dtype for column in (xnys.session, xnys.open_ns, xnys.close_ns, xnys.early_close)] == [
        np.int32,
        np.int64,
        np.int64,
        np.bool_,
    ]
    assert not any(column.flags.writeable for column in (xnys.session, xnys.open_ns, xnys.close_ns))


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


def test_the_neighbours_are_the_nearest_sessions(xnys: Calendar) -> None:
    with pytest.raises(SessionError, match="before it: 2025-01-08, after it: 2025-01-10"):
        row(xnys, date(2025, 1, 9))


def test_outside_the_range_there_is_no_neighbour() -> None:
    week = build_calendar("XNYS", date(2024, 7, 8), date(2024, 7, 12))
    with pytest.raises(SessionError, match="before it: none, after it: 2024-07-08"):
        row(week, date(2024, 7, 5))
    with pytest.raises(SessionError, match="before it: 2024-07-12, after it: none"):
        row(week, date(2024, 7, 15))


def test_a_session_holds_its_open_and_not_its_close(xnys: Calendar) -> None:
    at = row(xnys, date(2024, 7, 11))
    opened, closed = int(xnys.open_ns[at]), int(xnys.close_ns[at])
    assert [xnys.index_at(ts) for ts in (opened - 1, opened, closed - 1, closed)] == [-1, at, at, -1]
    assert [xnys.next_row_at(ts) for ts in (opened - 1, opened, closed - 1, closed)] == [at, at, at, at + 1]


def test_before_the_first_and_after_the_last_session(xnys: Calendar) -> None:
    assert xnys.index_at(0) == -1
    assert xnys.next_row_at(0) == 0
    end = int(xnys.close_ns[-1])
    assert xnys.index_at(end) == -1
    assert xnys.next_row_at(end) == len(xnys)


@given(ts=st.integers(ns(datetime(1989, 1, 1, tzinfo=UTC)), ns(datetime(2029, 1, 1, tzinfo=UTC))))
def test_look_ups_agree_with_a_plain_search(xnys: Calendar, ts: int) -> None:
    inside = np.flatnonzero((xnys.open_ns <= ts) & (ts < xnys.close_ns))
    assert xnys.index_at(ts) == (inside[0] if len(inside) else -1)
    later = np.flatnonzero(xnys.close_ns > ts)
    assert xnys.next_row_at(ts) == (later[0] if len(later) else len(xnys))


@given(day=st.dates(date(1950, 1, 1), date(2100, 1, 1)))
def test_session_days_and_dates_are_the_same_thing(day: date) -> None:
    assert day_to_date(session_day(day)) == day
    assert session_day(day) == int(np.datetime64(day, "D").astype(np.int64))


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


def overridden(text: str) -> Calendar:
    return build_calendar("XNYS", date(2026, 7, 1), date(2026, 7, 10), overrides=text)


def test_an_unscheduled_close_takes_a_session_out() -> None:
    closed = overridden('[[closed]]\ncalendar = "XNYS"\nsession = 2026-07-08\nreason = "storm"\n')
    assert date(2026, 7, 8) not in [day_to_date(session) for session in closed.session]
    assert len(closed) == len(overridden(OVERRIDES)) - 1
    assert len(closed.open_ns) == len(closed.close_ns) == len(closed.early_close) == len(closed)


def test_an_unscheduled_early_close_is_in_the_exchanges_time() -> None:
    half = overridden('[[early_close]]\ncalendar = "XNYS"\nsession = 2026-07-08\nclose = 12:00:00\n')
    at = row(half, date(2026, 7, 8))
    assert half.close_ns[at] == new_york(date(2026, 7, 8), 12)
    assert half.early_close.tolist().count(True) == 1


def test_the_shipped_overrides_agree_with_the_library(xnys: Calendar) -> None:
    with_overrides = build_calendar("XNYS", date(1990, 1, 1), date(2027, 12, 31), overrides=OVERRIDES)
    assert with_overrides.session.tolist() == xnys.session.tolist()
    assert with_overrides.close_ns.tolist() == xnys.close_ns.tolist()


def test_overrides_of_another_calendar_are_passed_over() -> None:
    text = '[[closed]]\ncalendar = "XLON"\nsession = 2026-07-08\n'
    text += '[[early_close]]\ncalendar = "XLON"\nsession = 2026-07-08\nclose = 12:00:00\n'
    assert overridden(text).close_ns.tolist() == overridden("").close_ns.tolist()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[closed]", "calendar overrides: not valid TOML"),
        ('[[closd]]\ncalendar = "XNYS"', "unknown section 'closd'; did you mean 'closed'"),
        ("[[closed]]\nsession = 2026-07-08", r"closed \(number 1\): 'calendar' is missing"),
        ('[[closed]]\ncalendar = "XNYS"', "'session' is missing"),
        ('[[closed]]\ncalendar = "XNYS"\nsession = 2026-07-08T00:00:00Z', "session: must be a date such as"),
        ('[[early_close]]\ncalendar = "XNYS"\nsession = 2026-07-08', "'close' is missing"),
        ('[[closed]]\ncalendar = "XNYS"\nsesion = 2026-07-08', "'session' is missing; did you mean 'sesion'"),
        (
            '[[closed]]\ncalendar = "XNYC"\nsession = 2026-07-08',
            "'XNYC'; did you mean 'XNYS'",
        ),
        (
            '[[early_close]]\ncalendar = "XNYS"\nsession = 2026-07-08\nclose = 09:00:00',
            "a close of XNYS is before its open",
        ),
    ],
)
def test_overrides_that_cannot_be_used_are_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        overridden(text)


def test_the_range_is_an_argument_so_the_clock_is_never_asked() -> None:
    far = build_calendar("XNYS", date(2040, 1, 1), date(2040, 12, 31))
    assert len(far) > 240
    assert day_to_date(far.session[-1]) <= date(2040, 12, 31)
    assert day_to_date(far.session[0]) - timedelta(days=5) <= date(2040, 1, 1)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("XNYS", None),
        ("24/7", None),
        ("XTKS", None),
        ("XNYC", "; did you mean 'XNYS'?"),
        ("XTKY", "; did you mean 'XTKS'"),
        ("NYSE", " (another name of 'XNYS')"),
        ("tomorrow", "; known: 24/7, XNYS"),
    ],
)
def test_a_calendar_is_named_as_its_library_names_it(name: str, hint: str | None) -> None:
    found = unknown_calendar(name)
    assert found == hint if hint is None else str(found).startswith(hint)


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
