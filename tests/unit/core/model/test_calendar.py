"""core.model.calendar: look-ups by instant and by day, and the days that are no session."""

from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.calendar import Calendar, day_to_date, session_day
from core.model.errors import SessionError
from core.model.sessions import build_calendar
from tests.support.new_york import ns, row, xnys_since_1990


@pytest.fixture(scope="module")
def xnys() -> Calendar:
    return xnys_since_1990()


def test_columns_have_the_types_kernels_are_compiled_for(xnys: Calendar) -> None:
    assert [column.dtype for column in (xnys.session, xnys.open_ns, xnys.close_ns, xnys.early_close)] == [
        np.int32,
        np.int64,
        np.int64,
        np.bool_,
    ]
    assert not any(column.flags.writeable for column in (xnys.session, xnys.open_ns, xnys.close_ns))


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
