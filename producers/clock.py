"""The feed's clock: marks that say "everything up to here has been sent".

Only marks move time downstream, so a mark must never be wrong: one bad timestamp in the stream
may not become one. The clock is pure; wall time comes in as the receive time of a tick, or as an
argument.

- live: a tick stamped more than `max_lead` after it was received is refused.
- recorded: receive times say nothing, so a jump of more than `max_lead` waits for a second tick
  that also says so, and is refused when the next ticks go on as before.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.instruments import Source
from core.records import (
    NANOSECONDS_PER_MILLISECOND,
    NANOSECONDS_PER_SECOND,
    NO_INSTRUMENT,
    TICK,
    TickKind,
)
from core.sessions import Calendar
from producers.feeds.base import Reject, empty_ticks
from producers.rows import join, take

CONTRADICTIONS: Final = 3
"""Ticks that go on as before until a jump in a recording is taken for a wrong stamp."""

_NEVER: Final = -(2**62)


class ClockMode(StrEnum):
    """Whose time a tick is held against."""

    LIVE = "live"
    RECORDED = "recorded"


class Clocked(NamedTuple):
    """What the clock made of some ticks.

    Args:
        ticks: TICK (n,), the ticks it let pass, in order, with marks among them.
        rejects: The ticks it refused: `future`, `too_old` or `unconfirmed`.
    """

    ticks: NDArray[np.void]
    rejects: list[Reject]


class FeedClock:
    """Puts clock marks between the ticks of one source.

    Args:
        source: Whose ticks; gives `max_lead`, the waits and the greatest age.
        calendars: Sessions of its instruments; every close passed gets a mark of its own.
        mode: Live or recorded.
        known_delay_ms: Live only: how far the feed may lag behind the wall clock. When given,
            `raise_to` may move the clock while the feed is silent.
    """

    def __init__(
        self,
        source: Source,
        calendars: Sequence[Calendar],
        *,
        mode: ClockMode,
        known_delay_ms: int | None = None,
    ) -> None:
        self._source = source
        self._calendars = tuple(calendars)
        closes = [calendar.close_ns for calendar in calendars]
        self._closes = np.unique(np.concatenate([np.empty(0, np.int64), *closes]))
        self._mode = mode
        self._known_delay_ms = known_delay_ms
        self._max_lead_ns = source.max_lead_ms * NANOSECONDS_PER_MILLISECOND
        self._max_age_ns = source.tick_max_age_ms * NANOSECONDS_PER_MILLISECOND
        self._mark_ns = _NEVER
        self._top_ns = _NEVER
        self._held = empty_ticks()
        self._contradictions = 0

    @property
    def mark_ns(self) -> int | None:
        """The last mark, None before the first."""
        return None if self._mark_ns == _NEVER else self._mark_ns

    def advance(self, ticks: NDArray[np.void]) -> Clocked:
        """Let ticks pass, each behind the mark it needs.

        Args:
            ticks: TICK (n,) in order of arrival; not kept.

        Returns:
            The ticks and marks to send, and what was refused. In a recording the last tick may
            be held back until the next call.
        """
        rejects: list[Reject] = []
        if self._mode is ClockMode.LIVE:
            early = ticks["ts_event"] > ticks["ts_recv"] + self._max_lead_ns
            ticks = _refuse(ticks, early, "future", rejects)
            passed = self._pass(ticks, rejects)
        else:
            passed = self._pass_confirmed(ticks, rejects)
        return Clocked(passed, rejects)

    def raise_to(self, now_ns: int) -> NDArray[np.void]:
        """Move a live clock to the wall time less the feed's known delay.

        Call it only when everything received has been passed on.

        Args:
            now_ns: Wall time.

        Returns:
            The marks to send, often none.
        """
        if self._mode is not ClockMode.LIVE or self._known_delay_ms is None:
            return empty_ticks()
        target = _floor_second(now_ns - self._known_delay_ms * NANOSECONDS_PER_MILLISECOND)
        marks = self._marks_to(target)
        return self._mark_records(marks, now_ns)

    def gap(self, ts_recv_ns: int) -> NDArray[np.void]:
        """Say that the source lost ticks: a GAP record at the clock's time."""
        record = np.zeros(1, TICK)
        record["ts_event"] = max(self._top_ns, self._mark_ns, 0)
        record["ts_recv"] = ts_recv_ns
        record["instrument_id"] = NO_INSTRUMENT
        record["kind"] = TickKind.GAP
        record["source"] = self._source.source_id
        return record

    def finish(self) -> Clocked:
        """End a recording: nothing more will come, so the session of the last tick can be closed.

        Returns:
            A tick held back, if its session is not over by then, and a last mark that lets every
            wait for an official close and for late ticks run out.
        """
        rejects: list[Reject] = []
        passed = empty_ticks()
        if len(self._held):
            held, self._held = self._held, empty_ticks()
            within = held["ts_event"] <= self._end_of_session(self._top_ns)
            if self._top_ns == _NEVER:
                within = np.ones(1, np.bool_)
            passed = self._pass(_refuse(held, ~within, "unconfirmed", rejects), rejects)
        if self._top_ns == _NEVER:
            return Clocked(passed, rejects)
        last = self._end_of_session(self._top_ns) + NANOSECONDS_PER_SECOND
        marks = self._marks_to(-(-last // NANOSECONDS_PER_SECOND) * NANOSECONDS_PER_SECOND)
        return Clocked(join([passed, self._mark_records(marks, self._top_ns)]), rejects)

    def _end_of_session(self, ts_ns: int) -> int:
        """Give the instant or the close of the sessions it lies in, whichever is later, plus the waits."""
        rows = [(calendar, calendar.index_at(ts_ns)) for calendar in self._calendars]
        closes = [int(calendar.close_ns[row]) for calendar, row in rows if row >= 0]
        wait_ms = self._source.official_close_wait_ms + self._source.allowed_lateness_ms
        return max([ts_ns, *closes]) + wait_ms * NANOSECONDS_PER_MILLISECOND

    def _pass_confirmed(self, ticks: NDArray[np.void], rejects: list[Reject]) -> NDArray[np.void]:
        """Let recorded ticks pass, holding back the first tick of a jump until a second one agrees."""
        parts = []
        position = 0
        while position < len(ticks):
            if len(self._held):
                passed, position = self._judge_held(ticks, position, rejects)
                parts.append(passed)
                continue
            stamps = ticks["ts_event"][position:]
            top = np.maximum.accumulate(np.concatenate([[self._top_ns], stamps[:-1]]))
            jumps = np.flatnonzero(stamps > top + self._max_lead_ns)
            steady = position + int(jumps[0]) if len(jumps) else len(ticks)
            parts.append(self._pass(ticks[position:steady], rejects))
            if steady < len(ticks):
                self._held = ticks[steady : steady + 1].copy()
                self._contradictions = 0
            position = steady + 1
        return join(parts)

    def _judge_held(
        self, ticks: NDArray[np.void], position: int, rejects: list[Reject]
    ) -> tuple[NDArray[np.void], int]:
        """Hold the tick of a jump against the next one; two that agree on a time confirm it.

        Returns:
            What may pass, and the position of the next tick to look at.
        """
        tick = ticks[position : position + 1]
        stamp, claim = int(tick["ts_event"][0]), int(self._held["ts_event"][0])
        if stamp >= claim - self._max_lead_ns:
            held, self._held = self._held, empty_ticks()
            return self._pass(held, rejects), position  # this tick is judged anew, from there
        if stamp > self._top_ns + self._max_lead_ns:
            self._contradictions = 0  # a smaller jump, which the held tick confirms
        else:
            self._contradictions += 1
        passed = self._pass(tick, rejects)
        if self._contradictions >= CONTRADICTIONS:
            _refuse(self._held, np.ones(1, np.bool_), "future", rejects)
            self._held = empty_ticks()
        return passed, position + 1

    def _pass(self, ticks: NDArray[np.void], rejects: list[Reject]) -> NDArray[np.void]:
        """Put the marks before the ticks that need them."""
        if len(ticks) == 0:
            return ticks
        top = np.maximum.accumulate(np.concatenate([[self._top_ns], ticks["ts_event"]]))
        old = ticks["ts_event"] < top[:-1] - self._max_age_ns
        self._top_ns = int(top[-1])
        seconds = top[1:] // NANOSECONDS_PER_SECOND
        steps = np.flatnonzero(np.diff(seconds, prepend=self._mark_ns // NANOSECONDS_PER_SECOND) > 0)
        if len(steps) == 0:
            return _refuse(ticks, old, "too_old", rejects)
        parts = []
        start = 0
        for step in steps.tolist():
            parts.append(_refuse(ticks[start:step], old[start:step], "too_old", rejects))
            marks = self._marks_to(int(seconds[step]) * NANOSECONDS_PER_SECOND)
            parts.append(self._mark_records(marks, int(ticks["ts_recv"][step])))
            start = step
        parts.append(_refuse(ticks[start:], old[start:], "too_old", rejects))
        return join(parts)

    def _marks_to(self, target_ns: int) -> list[int]:
        """Move the clock; give the closes passed on the way and the target itself."""
        if target_ns <= self._mark_ns:
            return []
        passed: list[int] = []
        if self._mark_ns != _NEVER:
            first, last = np.searchsorted(self._closes, [self._mark_ns + 1, target_ns])
            passed = self._closes[first:last].tolist()
        self._mark_ns = target_ns
        return [*passed, target_ns]

    def _mark_records(self, marks: list[int], ts_recv_ns: int) -> NDArray[np.void]:
        records = np.zeros(len(marks), TICK)
        records["ts_event"] = marks
        records["ts_recv"] = ts_recv_ns
        records["instrument_id"] = NO_INSTRUMENT
        records["kind"] = TickKind.CLOCK
        records["source"] = self._source.source_id
        return records


def _refuse(
    ticks: NDArray[np.void], wrong: NDArray[np.bool_], reason: str, rejects: list[Reject]
) -> NDArray[np.void]:
    """Take out the wrong ticks, as rejects that hold the record's bytes."""
    if not wrong.any():
        return ticks
    rejects += [Reject(reason, tick.tobytes()) for tick in take(ticks, wrong)]
    return take(ticks, ~wrong)


def _floor_second(ts_ns: int) -> int:
    return ts_ns // NANOSECONDS_PER_SECOND * NANOSECONDS_PER_SECOND
