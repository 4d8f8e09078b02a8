"""An engine whose calendars were built long before its ticks: event time extends them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache

import numpy as np
import pytest

from core.engine.engine import PartitionEngine
from core.engine.snapshot import Snapshot
from core.model.errors import SessionError
from core.model.sessions import Calendar, build_calendar, session_day
from core.model.windows import NO_SESSION
from tests.support.logs import LogBuilder, Run, Sequences, cut, run
from tests.support.worlds import BIG, GOO, HISTORY, SECOND, SML, exchange_universe, make_engine

FIRST = date(2024, 1, 2)
ENDED = date(2024, 6, 28)
"""Where calendars end that were built too early."""
LATE = date(2030, 12, 31)
LIVE = (date(2025, 7, 1), date(2025, 7, 2))
"""Sessions of the ticks: a year after that end."""
UNIVERSE = exchange_universe(max_age_ms=86_400_000)
MIDDAY_FRAME = 4
"""Of the first live session, counted from the end of the baseline."""

pytestmark = pytest.mark.compiled


def calendars(last: date, *, growing: bool = True) -> dict[str, Calendar]:
    return {"XNYS": build_calendar("XNYS", FIRST, last, growing=growing)}


def engine(last: date, *, growing: bool = True) -> PartitionEngine:
    return make_engine(UNIVERSE, calendars=calendars(last, growing=growing))


@cache
def frames() -> tuple[list[bytes], int]:
    """Daily history across the end of the early calendar, then two live sessions; where those begin."""
    known = calendars(LATE)["XNYS"]
    log = LogBuilder()
    starts = known.row_of(session_day(LIVE[0]))
    for row in range(starts - 260, starts):
        wave = 1 + 0.01 * np.sin(row)
        log.baseline(int(known.close_ns[row]), {SML: 100.0 * wave, BIG: 200.0, GOO: 50.0 * wave})
    history = len(cut(log.records))
    for number, row in enumerate((starts, starts + 1)):
        opened, closed = int(known.open_ns[row]), int(known.close_ns[row])
        for minutes in (0, 30, 60, 200, 389):
            at = opened + minutes * 60 * SECOND
            log.mark(at)
            log.trade(at + SECOND, SML, 103.0 + number + minutes / 1000)
            log.trade(at + SECOND, BIG, 197.0 - number)
            log.trade(at + SECOND, GOO, 52.0 + number)
        log.mark(closed + 120 * SECOND)
    records = log.records
    live = int(np.flatnonzero(records["source"] != HISTORY)[0])
    return cut(records, range(live, len(records), 4)), history


def live_from(last: date) -> tuple[PartitionEngine, Run]:
    subject = engine(last)
    return subject, run(subject, frames()[0])


def test_a_year_behind_the_end_it_says_what_one_says_whose_calendar_was_built_late() -> None:
    (early, said), (late, expected) = live_from(ENDED), live_from(LATE)
    assert said.told() == expected.told()
    assert early.snapshot() == late.snapshot()
    opened = [event for event in said.events if event.state == "opened"]
    assert str(LIVE[0]) in {event.event_time for event in opened}
    assert sum(len(bars) for bars in said.day_bars) == 6
    assert len({event.provenance["calendars"] for event in said.events}) == 1


@pytest.mark.parametrize("last", [ENDED, date(2025, 7, 1), LATE])
def test_a_snapshot_is_restored_under_any_horizon(last: date) -> None:
    payloads, history = frames()
    stop = history + MIDDAY_FRAME
    first = engine(ENDED)
    before = run(first, payloads[:stop])
    again = engine(last)
    again.restore(first.snapshot())
    run(again, payloads[stop:], first_offset=stop, into=before)
    whole, expected = live_from(LATE)
    assert before.told() == expected.told()
    assert again.snapshot() == whole.snapshot()


def test_a_snapshot_from_behind_the_end_of_a_fixed_calendar_comes_back_to_a_session() -> None:
    def at(text: str) -> int:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND

    log, sequences = LogBuilder(), Sequences()
    for text in ("2024-06-28T19:00:00", "2024-07-01T14:00:00"):
        log.mark(at(text))
    stuck = engine(ENDED, growing=False)
    run(stuck, cut(log.records, sequences=sequences))
    assert stuck.instrument_time.arrays()["clock_sessions"][0, 0] == NO_SESSION
    healed = engine(ENDED)
    healed.restore(stuck.snapshot())
    sessions = healed.instrument_time.arrays()["clock_sessions"], healed.pair_time.arrays()["block_sessions"]
    assert [int(each.flat[0]) for each in sessions] == [session_day(date(2024, 7, 1))] * 2
    more = LogBuilder()
    more.trade(at("2024-07-01T14:00:02"), SML, 100.0)
    more.mark(at("2024-07-01T14:02:03"))
    said = run(healed, cut(more.records, sequences=sequences), first_offset=1)
    assert [int(bar["session"]) for bars in said.minute_bars for bar in bars if bar["instrument_id"] == SML]


def test_a_snapshot_names_its_calendars_and_is_restored_under_other_exceptions() -> None:
    closed = '[[closed]]\ncalendar = "XNYS"\nsession = 2029-07-03\n'
    other = {"XNYS": build_calendar("XNYS", FIRST, ENDED, overrides=closed, growing=True)}
    first, second = engine(ENDED), make_engine(UNIVERSE, calendars=other)
    heads = [Snapshot(each.snapshot()).head["calendars"] for each in (first, engine(LATE), second)]
    assert heads[0] == heads[1] != heads[2]
    second.restore(first.snapshot())
    assert second.evaluator.provenance["calendars"] == heads[2][:16]


def test_a_calendar_that_cannot_be_extended_stops_the_engine_by_name() -> None:
    ended = build_calendar("XNYS", FIRST, ENDED, growing=True)
    ended.through = lambda last: build_calendar("XNYS", FIRST, ENDED, growing=True)
    subject = make_engine(UNIVERSE, calendars={"XNYS": ended})
    with pytest.raises(
        SessionError, match="calendar XNYS ends on 2024-06-28, and event time has reached 2024"
    ):
        run(subject, frames()[0])
