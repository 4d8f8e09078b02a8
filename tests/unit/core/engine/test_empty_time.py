"""Seconds in which nothing happens may be passed at once: the same state, the same events."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.engine.engine import PartitionEngine
from core.model.records import EventState
from core.model.sessions import build_calendar
from tests.support.logs import LogBuilder, Run, Sequences, cut, run, state_of
from tests.support.rich_log import rich_log, warm_start
from tests.support.worlds import (
    BIG,
    FEED,
    GOO,
    OPEN,
    SECOND,
    SML,
    exchange_universe,
    make_engine,
    session_close,
    session_open,
)

pytestmark = pytest.mark.compiled


def pass_time(engine: PartitionEngine, sequences: Sequences, marks: Iterable[int]) -> Run:
    log = LogBuilder()
    for ts_event in marks:
        log.mark(ts_event)
    return run(engine, cut(log.records, sequences=sequences))


def copy_of(engine: PartitionEngine, **world: object) -> PartitionEngine:
    other = make_engine(**world)  # type: ignore[arg-type]
    other.restore(engine.snapshot())
    return other


@cache
def busy_moment() -> tuple[bytes, dict[int, int]]:
    """An engine in mid-session with a candidate, an open episode and a cool-down."""
    engine, sequences = make_engine(), Sequences()
    run(engine, cut(warm_start(), sequences=sequences))
    log = rich_log(1)
    until = session_open(0) + 190 * SECOND
    marks = np.flatnonzero((log["ts_event"] >= until) & (log["source"] == FEED) & (log["kind"] == 4))
    run(engine, cut(log[: marks[0]], sequences=sequences))
    return engine.snapshot(), dict(sequences.next)


def resumed() -> tuple[PartitionEngine, Sequences]:
    snapshot, following = busy_moment()
    engine = make_engine()
    engine.restore(snapshot)
    return engine, Sequences(next=dict(following))


def test_the_moment_is_busy() -> None:
    engine, _ = resumed()
    episodes = engine.evaluator.lifecycle.episodes
    assert (episodes["candidate"] == 1).any()
    assert (episodes["state"] == int(EventState.OPENED)).any()
    assert (episodes["cool_down"] > 0).any()


@pytest.mark.parametrize(
    "end",
    [
        session_open(0) + 200 * SECOND,
        session_open(0) + 239 * SECOND,
        session_close(0) + SECOND,
        session_close(0) + 30 * SECOND,
        session_close(0) + 61 * SECOND,
        session_open(1) - SECOND,
        session_open(1) + 90 * SECOND,
        session_open(3) + 90 * SECOND,
    ],
    ids=["seconds", "minute", "close", "wait", "deadline", "night", "next session", "three sessions"],
)
def test_one_mark_equals_one_a_second(end: int) -> None:
    at_once, sequences = resumed()
    said_at_once = pass_time(at_once, sequences, [end])
    one_by_one, sequences = resumed()
    start = int(one_by_one.state.sources[0]["mark_ns"]) + SECOND
    said_one_by_one = pass_time(one_by_one, sequences, range(start, end + 1, SECOND))
    assert state_of(at_once, without=["count_marks"]) == state_of(one_by_one, without=["count_marks"])
    assert said_at_once.told() == said_one_by_one.told()


@settings(max_examples=30, deadline=None)
@given(
    end_s=st.integers(195, 4_000),
    stops_s=st.lists(st.integers(190, 4_000), max_size=8),
    within_ns=st.integers(0, SECOND - 1),
)
def test_any_marks_on_the_way_change_nothing(end_s: int, stops_s: list[int], within_ns: int) -> None:
    end = OPEN + end_s * SECOND
    at_once, sequences = resumed()
    said_at_once = pass_time(at_once, sequences, [end])
    stepwise, sequences = resumed()
    stops = sorted(OPEN + second * SECOND + within_ns for second in stops_s if second < end_s)
    said_stepwise = pass_time(stepwise, sequences, [*stops, end])
    assert state_of(at_once, without=["count_marks"]) == state_of(stepwise, without=["count_marks"])
    assert said_at_once.told() == said_stepwise.told()


def instant(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


REAL_DAYS = {  # first mark, last mark, seconds between marks
    "a night and a half day": ("2024-07-02T19:58:00", "2024-07-03T17:20:00", 1),
    "a half day and a holiday": ("2024-07-03T16:58:00", "2024-07-05T13:32:00", 7),
    "the clocks go forward": ("2024-03-08T20:58:00", "2024-03-11T13:32:00", 7),
    "the clocks go back": ("2024-11-01T19:58:00", "2024-11-04T14:32:00", 7),
}


@pytest.mark.parametrize("what", REAL_DAYS)
def test_nights_half_days_and_daylight_saving_pass_at_once(what: str) -> None:
    """The last trades of a day, then nothing until a later session."""
    start_text, end_text, stride_s = REAL_DAYS[what]
    start, end = instant(start_text), instant(end_text)
    calendar = build_calendar(
        "XNYS",
        *(
            date.fromisoformat(text[:10]) + timedelta(days=by)
            for text, by in ((start_text, -10), (end_text, 10))
        ),
    )
    world = {"universe": exchange_universe(), "calendars": {"XNYS": calendar}}
    engine, sequences = make_engine(**world), Sequences()  # type: ignore[arg-type]
    log = LogBuilder()
    row = calendar.next_row_at(start)
    for back in (3, 2, 1):
        log.baseline(int(calendar.close_ns[row - back]), {SML: 100.0, BIG: 200.0, GOO: 50.0})
    log.mark(start)
    log.mark(start + 90 * SECOND)
    for instrument, price in ((SML, 102.0), (BIG, 199.0), (GOO, 50.5)):
        log.trade(start + 90 * SECOND, instrument, price)
    run(engine, cut(log.records, sequences=sequences))
    stepwise = copy_of(engine, **world)
    following = dict(sequences.next)
    said_at_once = pass_time(engine, sequences, [end])
    marks = [*range(start + 91 * SECOND, end, stride_s * SECOND), end]
    said_stepwise = pass_time(stepwise, Sequences(next=following), marks)
    assert len(marks) > 1_000
    assert said_at_once.states("opposite_up", "SML/BIG") == ["candidate", "opened"]
    assert len(said_at_once.day_bars) > 0
    assert (engine.state.instruments["session"] > calendar.session[row]).all()
    assert said_at_once.told() == said_stepwise.told()
    assert state_of(engine, without=["count_marks"]) == state_of(stepwise, without=["count_marks"])
