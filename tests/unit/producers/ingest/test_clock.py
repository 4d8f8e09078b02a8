"""Marks never run backwards, never come late, and no wrong stamp becomes one."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.model.instruments import Source
from core.model.records import NO_INSTRUMENT, TICK, GapCause, TickKind
from core.model.sessions import build_calendar
from producers.framing.rows import join
from producers.ingest.clock import CONTRADICTIONS, ClockMode, FeedClock
from tests.support.feed_samples import NOON_NS, SOURCE, new_york_2024

SECOND = 10**9
HOUR = 3600 * SECOND
CLOSE_NS = NOON_NS + 4 * HOUR
NEXT_OPEN_NS = CLOSE_NS + 17 * HOUR + HOUR // 2
LEAD = SOURCE.max_lead_ms * 10**6


def ticks(*stamps: int, received: int | None = None) -> NDArray[np.void]:
    """Trades at these instants, numbered from 1."""
    records = np.zeros(len(stamps), TICK)
    records["ts_event"] = stamps
    records["ts_recv"] = stamps if received is None else received
    records["trade_id"] = np.arange(1, len(stamps) + 1)
    return records


def clock(
    mode: ClockMode = ClockMode.RECORDED, source: Source = SOURCE, delay_ms: int | None = None
) -> FeedClock:
    return FeedClock(source, [new_york_2024()], mode=mode, known_delay_ms=delay_ms)


def marks(records: NDArray[np.void]) -> list[int]:
    return [int(stamp) for stamp in records["ts_event"][records["kind"] == TickKind.CLOCK]]


def trades(records: NDArray[np.void]) -> list[int]:
    return [int(number) for number in records["trade_id"][records["kind"] == TickKind.TRADE]]


def play(stamps: list[int], cuts: list[int], mode: ClockMode = ClockMode.RECORDED) -> list[tuple[int, ...]]:
    """Pass ticks in pieces; give every record as a tuple, refusals last."""
    feed_clock = clock(mode)
    parts, refused = [], []
    everything = ticks(*stamps)
    bounds = [0, *sorted(cut % (len(stamps) + 1) for cut in cuts), len(stamps)]
    for start, stop in pairwise(bounds):
        clocked = feed_clock.advance(everything[start:stop])
        parts.append(clocked.ticks)
        refused += clocked.rejects
    last = feed_clock.finish()
    passed = join([*parts, last.ticks])
    return [
        *map(tuple, passed.tolist()),
        *[(reject.reason, reject.payload) for reject in [*refused, *last.rejects]],
    ]


offsets = st.lists(st.integers(min_value=-8 * SECOND, max_value=20 * SECOND), min_size=1, max_size=60)


def test_the_first_mark_stands_before_the_first_tick() -> None:
    passed = clock().advance(ticks(NOON_NS + 5, NOON_NS + 6)).ticks
    assert passed["kind"].tolist() == [TickKind.CLOCK, TickKind.TRADE, TickKind.TRADE]
    assert marks(passed) == [NOON_NS]
    assert (passed["instrument_id"][0], passed["source"][0]) == (NO_INSTRUMENT, SOURCE.source_id)


def test_an_empty_stretch_has_one_mark_that_ends_it() -> None:
    passed = clock().advance(ticks(NOON_NS, NOON_NS + 1, NOON_NS + 4 * SECOND + 7)).ticks
    assert marks(passed) == [NOON_NS, NOON_NS + 4 * SECOND]


def test_passing_a_close_leaves_a_mark_there() -> None:
    stamps = [CLOSE_NS - 2 * SECOND, CLOSE_NS - 1, NEXT_OPEN_NS + 1, NEXT_OPEN_NS + 2]
    passed = clock().advance(ticks(*stamps)).ticks
    assert marks(passed) == [CLOSE_NS - 2 * SECOND, CLOSE_NS - SECOND, CLOSE_NS, NEXT_OPEN_NS]


def test_a_late_tick_moves_nothing_and_passes() -> None:
    passed = (
        clock().advance(ticks(NOON_NS, NOON_NS + 3 * SECOND, NOON_NS + 1, NOON_NS + 3 * SECOND + 1)).ticks
    )
    assert marks(passed) == [NOON_NS, NOON_NS + 3 * SECOND]
    assert trades(passed) == [1, 2, 3, 4]


@given(offsets, st.lists(st.integers(min_value=0, max_value=200), max_size=6))
def test_recorded_marks_hold_whatever_comes_and_however_it_is_cut(steps: list[int], cuts: list[int]) -> None:
    stamps = (NOON_NS + np.cumsum(steps)).tolist()
    whole = play(stamps, [])
    assert play(stamps, cuts) == whole
    records = [record for record in whole if len(record) == len(TICK.names or ())]
    mark = -1
    for record in records:
        ts_event, kind = record[0], record[7]
        if kind == TickKind.CLOCK:
            assert ts_event > mark
            mark = ts_event
        else:
            assert ts_event <= mark + SECOND + LEAD
    refused = len(whole) - len(records)
    assert sum(record[7] == TickKind.TRADE for record in records) + refused == len(stamps)


@given(st.lists(st.integers(min_value=0, max_value=4 * SECOND), min_size=1, max_size=60))
def test_no_tick_in_order_is_refused_or_runs_ahead_of_its_mark(steps: list[int]) -> None:
    stamps = (NOON_NS + np.cumsum(steps)).tolist()
    mark, seen = -1, []
    for record in play(stamps, []):
        if record[7] == TickKind.CLOCK:
            mark = record[0]
        else:
            assert 0 <= record[0] - mark < SECOND
            seen.append(record[4])
    assert seen == list(range(1, len(stamps) + 1))


@given(
    st.lists(st.integers(min_value=0, max_value=SECOND), min_size=CONTRADICTIONS + 2, max_size=30),
    st.integers(min_value=1, max_value=29),
    st.integers(min_value=LEAD + 60 * SECOND, max_value=400 * 24 * HOUR),
)
def test_one_wrong_stamp_in_a_recording_is_refused_and_moves_no_mark(
    steps: list[int], where: int, ahead: int
) -> None:
    stamps = (NOON_NS + np.cumsum(steps)).tolist()
    where = min(where, len(stamps) - CONTRADICTIONS)
    without = play(stamps, [])
    wrong = play([*stamps[:where], stamps[where] + ahead, *stamps[where:]], [])
    assert wrong[-1][0] == "future"
    assert [record[0] for record in wrong[:-1]] == [record[0] for record in without]


def test_a_jump_that_two_ticks_agree_on_is_one() -> None:
    feed_clock = clock()
    first = feed_clock.advance(ticks(NOON_NS, NOON_NS + 1, NOON_NS + HOUR)).ticks
    assert trades(first) == [1, 2]
    second = feed_clock.advance(ticks(NOON_NS + HOUR + 1)).ticks
    assert marks(second) == [NOON_NS + HOUR]
    assert len(trades(second)) == 2


def test_a_late_print_after_a_jump_does_not_undo_it() -> None:
    clocked = clock().advance(ticks(NOON_NS, NOON_NS, NOON_NS + HOUR, NOON_NS + 1, NOON_NS + HOUR + 1))
    assert (trades(clocked.ticks), clocked.rejects) == ([1, 2, 4, 3, 5], [])


def test_two_jumps_agree_on_the_smaller() -> None:
    clocked = clock().advance(
        ticks(NOON_NS, NOON_NS, NOON_NS + 9 * HOUR, NOON_NS + HOUR, *[NOON_NS + HOUR] * CONTRADICTIONS)
    )
    assert marks(clocked.ticks) == [NOON_NS, NOON_NS + HOUR]
    assert [reject.reason for reject in clocked.rejects] == ["future"]


def test_a_live_tick_stamped_after_its_receipt_is_refused() -> None:
    stamps = [NOON_NS, NOON_NS + LEAD, NOON_NS + LEAD + 1, NOON_NS + 2]
    clocked = clock(ClockMode.LIVE).advance(ticks(*stamps, received=NOON_NS))
    assert trades(clocked.ticks) == [1, 2, 4]
    (reject,) = clocked.rejects
    assert reject.reason == "future"
    assert np.frombuffer(reject.payload, TICK)["trade_id"][0] == 3


def test_a_live_jump_is_believed_at_once() -> None:
    feed_clock = clock(ClockMode.LIVE)
    assert marks(feed_clock.advance(ticks(NOON_NS, NOON_NS + HOUR)).ticks) == [NOON_NS, NOON_NS + HOUR]


def test_a_tick_of_the_day_before_yesterday_is_too_old() -> None:
    for mode in ClockMode:
        clocked = clock(mode).advance(
            ticks(NOON_NS, NOON_NS + 1, NOON_NS - 24 * HOUR - 1, NOON_NS - 23 * HOUR, received=NOON_NS)
        )
        assert trades(clocked.ticks) == [1, 2, 4]
        assert [reject.reason for reject in clocked.rejects] == ["too_old"]


def test_wall_time_moves_a_live_clock_with_a_known_delay_only() -> None:
    feed_clock = clock(ClockMode.LIVE, delay_ms=1_500)
    assert marks(feed_clock.raise_to(NOON_NS + 2 * SECOND)) == [NOON_NS]
    assert marks(feed_clock.raise_to(NOON_NS + 2 * SECOND + 1)) == []
    assert marks(feed_clock.raise_to(CLOSE_NS + 4 * SECOND)) == [CLOSE_NS, CLOSE_NS + 2 * SECOND]
    assert marks(feed_clock.advance(ticks(CLOSE_NS, received=CLOSE_NS)).ticks) == []
    assert len(clock(ClockMode.LIVE).raise_to(NOON_NS)) == 0
    assert len(clock(ClockMode.RECORDED, delay_ms=1_500).raise_to(NOON_NS)) == 0


def test_a_gap_stands_at_the_clocks_time() -> None:
    feed_clock = clock()
    feed_clock.advance(ticks(NOON_NS + 7, NOON_NS + 7))
    (gap,) = feed_clock.gap(99, GapCause.DISCONNECT)
    assert (gap["kind"], gap["ts_event"], gap["ts_recv"]) == (TickKind.GAP, NOON_NS + 7, 99)
    assert gap["trade_id"] == GapCause.DISCONNECT
    assert gap["instrument_id"] == NO_INSTRUMENT


def test_the_end_of_a_recording_lets_every_wait_run_out() -> None:
    source = Source(1, "alpaca", allowed_lateness_ms=1_500, official_close_wait_ms=900_000)
    feed_clock = clock(source=source)
    feed_clock.advance(ticks(NOON_NS, NOON_NS + 1))
    last = CLOSE_NS + 900 * SECOND + 3 * SECOND  # 1.5 s of lateness, one more, rounded up
    assert marks(feed_clock.finish().ticks) == [CLOSE_NS, last]


def test_a_last_print_after_the_close_is_what_the_end_counts_from() -> None:
    feed_clock = clock()
    after = CLOSE_NS + 10 * 60 * SECOND + 7
    feed_clock.advance(ticks(CLOSE_NS - 1, CLOSE_NS - 1, after, after))
    assert marks(feed_clock.finish().ticks) == [after - 7 + (900 + 1 + 1 + 1) * SECOND]


def test_a_last_tick_alone_is_believed_within_its_session_only() -> None:
    for ahead, reasons in ((HOUR, []), (26 * HOUR, ["unconfirmed"])):
        feed_clock = clock()
        feed_clock.advance(ticks(NOON_NS, NOON_NS, NOON_NS + ahead))
        last = feed_clock.finish()
        assert [reject.reason for reject in last.rejects] == reasons
        assert len(trades(last.ticks)) == 1 - len(reasons)


def test_a_recording_of_one_tick_or_none() -> None:
    assert len(clock().finish().ticks) == 0
    feed_clock = clock()
    assert len(feed_clock.advance(ticks(NOON_NS)).ticks) == 0
    assert feed_clock.mark_ns is None
    last = feed_clock.finish().ticks
    assert trades(last) == [1]
    assert last["kind"][0] == TickKind.CLOCK


def test_a_crypto_day_ends_at_midnight() -> None:
    days = build_calendar("24/7", date(2024, 7, 1), date(2024, 7, 31))
    feed_clock = FeedClock(SOURCE, [days, new_york_2024()], mode=ClockMode.RECORDED)
    midnight = NOON_NS + 8 * HOUR
    passed = feed_clock.advance(ticks(CLOSE_NS - 1, CLOSE_NS - 1, midnight + 1, midnight + 2)).ticks
    assert marks(passed) == [CLOSE_NS - SECOND, CLOSE_NS, midnight]


def test_closes_have_their_marks_behind_the_end_of_what_the_calendar_was_built_for() -> None:
    days = [day * 24 * HOUR for day in (0, 1, 4, 7 * 52, 7 * 52 + 1, 7 * 52 * 3)]
    stamps = [NOON_NS + day for day in days]

    def passed(last: date) -> list[int]:
        calendar = build_calendar("XNYS", date(2023, 1, 3), last, growing=True)
        subject = FeedClock(SOURCE, [calendar], mode=ClockMode.LIVE)
        return [mark for stamp in stamps for mark in marks(subject.advance(ticks(stamp)).ticks)]

    early = passed(date(2023, 6, 30))
    assert early == passed(date(2030, 12, 31))
    assert {CLOSE_NS, CLOSE_NS + 7 * 52 * 24 * HOUR} <= set(early)
    assert sum(mark not in stamps for mark in early) > 3 * 245, "one for every session on the way"
