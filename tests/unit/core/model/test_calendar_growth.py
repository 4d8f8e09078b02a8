"""Calendars that event time extends: the same sessions, rows and digest, however far they were built."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest

from core.model.dated_events import parse_dated_events
from core.model.errors import SessionError
from core.model.sessions import (
    CALENDAR_NAMES,
    Calendar,
    build_calendar,
    build_calendars,
    calendars_digest,
    day_to_date,
    session_day,
)
from core.partition.session_clock import SessionClock

FIRST = date(2023, 1, 3)
ENDED = date(2024, 6, 28)
CLOSED = '[[closed]]\ncalendar = "XNYS"\nsession = 2025-07-03\n'
HALF = '[[early_close]]\ncalendar = "XNYS"\nsession = 2025-07-02\nclose = 13:00:00\n'


def instant(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


def growing(name: str = "XNYS", last: date = ENDED, *, overrides: str = "", first: date = FIRST) -> Calendar:
    return build_calendar(name, first, last, overrides=overrides, growing=True)


@pytest.mark.parametrize("name", CALENDAR_NAMES)
def test_a_calendar_extended_in_steps_is_the_one_built_at_once(name: str) -> None:
    calendar = growing(name)
    for day in ("2024-06-27T15:00:00", "2024-07-01T15:00:00", "2026-01-05T15:00:00", "2031-12-31T15:00:00"):
        calendar.reach(instant(day))
    whole = build_calendar(name, FIRST, day_to_date(calendar.session[-1]))
    assert day_to_date(calendar.session[-1]) >= date(2033, 1, 1)
    for column in ("session", "open_ns", "close_ns", "early_close"):
        np.testing.assert_array_equal(getattr(calendar, column), getattr(whole, column))


def test_exceptions_hold_in_the_extension_too() -> None:
    calendar = growing(overrides=CLOSED + HALF)
    calendar.reach(instant("2025-07-01T15:00:00"))
    half = calendar.row_of(session_day(date(2025, 7, 2)))
    assert calendar.early_close[half]
    assert day_to_date(calendar.session[half + 1]) == date(2025, 7, 7), (
        "closed on the 3rd, a holiday, a weekend"
    )


def test_event_time_that_goes_back_changes_nothing() -> None:
    calendar = growing()
    calendar.reach(instant("2026-01-05T15:00:00"))
    rows = len(calendar)
    calendar.reach(instant("2023-01-03T15:00:00"))
    assert len(calendar) == rows


def test_a_fixed_calendar_does_not_grow() -> None:
    calendar = build_calendar("XNYS", FIRST, ENDED)
    calendar.reach(instant("2031-01-01T00:00:00"))
    assert day_to_date(calendar.session[-1]) == ENDED


def test_a_copy_grows_by_itself() -> None:
    calendar = growing()
    copy = calendar.copy()
    copy.reach(instant("2026-01-05T15:00:00"))
    assert day_to_date(calendar.session[-1]) == ENDED
    assert copy.digest == calendar.digest


def test_the_digest_is_of_rules_and_exceptions_and_not_of_dates() -> None:
    base = growing(overrides=CLOSED)
    assert growing(last=date(2030, 12, 31), overrides=CLOSED).digest == base.digest
    assert build_calendar("XNYS", date(2024, 1, 2), ENDED, overrides=CLOSED).digest == base.digest
    extended = growing(overrides=CLOSED)
    extended.reach(instant("2031-01-01T00:00:00"))
    assert extended.digest == base.digest
    others = [growing(overrides=text).digest for text in ("", HALF, CLOSED + HALF)]
    assert len({base.digest, growing("24/7").digest, *others}) == 5
    assert growing("24/7", overrides=CLOSED).digest == growing("24/7").digest
    names = build_calendars(CALENDAR_NAMES, FIRST, ENDED)
    assert calendars_digest(names.values()) == calendars_digest(reversed(names.values()))
    assert calendars_digest(names.values()) != calendars_digest([base])


def test_a_calendar_whose_library_knows_no_more_works_to_its_last_session_and_is_named() -> None:
    """The lunar holidays of Shanghai are published year by year."""
    calendar = growing("XSHG", date(2060, 12, 31))
    last_ns = int(calendar.close_ns[-1])
    calendar.reach(last_ns - 1)
    ends = day_to_date(calendar.session[-1])
    with pytest.raises(SessionError, match=f"calendar XSHG ends on {ends}") as caught:
        calendar.reach(last_ns)
    assert "exchange-calendars" in str(caught.value.operator_action)
    clock = SessionClock(calendar, 900)
    clock.start_at(int(calendar.open_ns[-2]) // 10**9)
    assert clock.session == calendar.session[-2]
    with pytest.raises(SessionError, match="XSHG"):
        clock.enter(clock.row + 1)


def test_sessions_that_change_under_way_are_refused() -> None:
    calendar = growing()
    changed = replace(
        calendar, through=lambda last: growing(last=last, overrides=HALF, first=date(2024, 1, 2))
    )
    with pytest.raises(SessionError, match="sessions changed"):
        changed.reach(instant("2025-01-06T15:00:00"))


def test_nanoseconds_end_before_the_calendar_does() -> None:
    calendar = growing("24/7")
    calendar.reach(instant("2261-06-01T00:00:00"))
    assert day_to_date(calendar.session[-1]) == date(2261, 12, 31)


def test_a_clock_goes_on_behind_the_end_and_comes_back_from_a_snapshot() -> None:
    clock = SessionClock(growing(), 900)
    clock.start_at(instant("2024-06-28T15:00:00") // 10**9)
    clock.enter(clock.row + 1)
    assert day_to_date(clock.session) == date(2024, 7, 1)
    assert clock.next_open_ns == instant("2024-07-02T13:30:00")
    later = SessionClock(growing(), 900)
    later.resume(session_day(date(2027, 7, 1)))
    assert day_to_date(later.session) == date(2027, 7, 1)


def test_tags_are_the_same_however_far_the_calendar_was_built() -> None:
    text = (
        '[[kind]]\nid = "fair"\nbefore = 1\nafter = 1\n'
        'rule = { month = 6, weekday = "friday", nth = 4, first_year = 2023 }\n'
        '[[kind]]\nid = "half_day"\nbefore = 0\nafter = 0\nearly_close = true\n'
    )
    early = parse_dated_events(text, growing())
    late = parse_dated_events(text, growing(last=date(2033, 12, 30)))
    fair = session_day(date(2027, 6, 25))
    assert early.tags(fair) == late.tags(fair) == ("fair",)
    days = range(session_day(date(2024, 6, 3)), session_day(date(2027, 1, 4)))
    again = parse_dated_events(text, growing())
    assert [again.tags(day) for day in days] == [late.tags(day) for day in days]
    assert early.digest == late.digest
