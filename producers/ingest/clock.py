"""The feed's clock: marks that say "everything up to here has been sent".

Only marks move time downstream, so a mark must never be wrong: one bad timestamp in the stream
may not become one. The clock is pure; wall time comes in as the receive time of a tick, or as an
argument.

- live: a tick stamped more than `max_lead` after it was received is refused.
- recorded: receive times say nothing, so a jump of more than `max_lead` waits for a second tick
  that also says so, and is refused when the next ticks go on as before.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.model.instruments import Source
from core.model.records import (
    NANOSECONDS_PER_MILLISECOND,
    NANOSECONDS_PER_SECOND,
    NO_INSTRUMENT,
    TICK,
    GapCause,
    TickKind,
)
from core.model.sessions import Calendar
from producers.feeds.base import Reject, empty_ticks, reject
from producers.framing.rows import join, take

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
        self._calendars = tuple(calendar.copy() for calendar in calendars)
        self._closes: list[int] = []
        self._next_close = 0
        self._reach(0)
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
        out = _Output(self._source.source_id)
        if self._mode is ClockMode.LIVE:
            early = ticks["ts_event"] > ticks["ts_recv"] + self._max_lead_ns
            self._pass(out.without(ticks, early, "future"), out)
        else:
            self._pass_confirmed(ticks, out)
        return out.clocked()

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
        out = _Output(self._source.source_id)
        delayed_ns = now_ns - self._known_delay_ms * NANOSECONDS_PER_MILLISECOND
        self._mark(delayed_ns // NANOSECONDS_PER_SECOND, now_ns, out)
        return out.clocked().ticks

    def gap(self, ts_recv_ns: int, cause: GapCause) -> NDArray[np.void]:
        """Say that the source lost ticks: a GAP record at the clock's time.

        Args:
            ts_recv_ns: When it was noticed; also the event time of a live clock that has not begun.
            cause: Why.
        """
        record = np.zeros(1, TICK)
        begin_ns = ts_recv_ns if self._mode is ClockMode.LIVE else 0
        record["ts_event"] = max(self._top_ns, self._mark_ns) if self._top_ns != _NEVER else begin_ns
        record["trade_id"] = cause
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
        out = _Output(self._source.source_id)
        if len(self._held):
            held, self._held = self._held, empty_ticks()
            alone = self._top_ns == _NEVER
            beyond = held["ts_event"] > self._end_of_session(self._top_ns)
            self._pass(out.without(held, beyond & (not alone), "unconfirmed"), out)
        if self._top_ns != _NEVER:
            last_ns = self._end_of_session(self._top_ns) + NANOSECONDS_PER_SECOND
            self._mark(-(-last_ns // NANOSECONDS_PER_SECOND), self._top_ns, out)
        return out.clocked()

    def _reach(self, ts_ns: int) -> None:
        """Know every close up to an instant of event time and some behind it."""
        sessions = sum(map(len, self._calendars))
        for calendar in self._calendars:
            calendar.reach(ts_ns)
        if not self._closes or sum(map(len, self._calendars)) > sessions:
            closes = [calendar.close_ns for calendar in self._calendars]
            # Those before the next one stay as they are, so its place does not change.
            self._closes = np.unique(np.concatenate([np.empty(0, np.int64), *closes])).tolist()

    def _end_of_session(self, ts_ns: int) -> int:
        """Give the instant or the close of the sessions it lies in, whichever is later, plus the waits."""
        self._reach(ts_ns)
        rows = [(calendar, calendar.index_at(ts_ns)) for calendar in self._calendars]
        closes = [int(calendar.close_ns[row]) for calendar, row in rows if row >= 0]
        wait_ms = self._source.official_close_wait_ms + self._source.allowed_lateness_ms
        return max([ts_ns, *closes]) + wait_ms * NANOSECONDS_PER_MILLISECOND

    def _pass_confirmed(self, ticks: NDArray[np.void], out: _Output) -> None:
        """Let recorded ticks pass, holding back the first tick of a jump until a second one agrees."""
        position = 0
        while position < len(ticks):
            if len(self._held):
                position += self._judge_held(ticks[position : position + 1], out)
                continue
            position += self._pass(ticks[position:], out, confirm=True)
            if position < len(ticks):
                self._held = ticks[position : position + 1].copy()
                self._contradictions = 0
                position += 1

    def _judge_held(self, tick: NDArray[np.void], out: _Output) -> int:
        """Hold the tick of a jump against the next one; two that agree on a time confirm it.

        Returns:
            1 when the next tick has passed, 0 when it must be looked at again.
        """
        stamp, claim = int(tick["ts_event"][0]), int(self._held["ts_event"][0])
        if stamp >= claim - self._max_lead_ns:
            held, self._held = self._held, empty_ticks()
            self._pass(held, out)
            return 0
        if stamp > self._top_ns + self._max_lead_ns:
            self._contradictions = 0  # a smaller jump, which the held tick confirms
        else:
            self._contradictions += 1
        self._pass(tick, out)
        if self._contradictions >= CONTRADICTIONS:
            out.without(self._held, np.ones(1, np.bool_), "future")
            self._held = empty_ticks()
        return 1

    def _pass(self, ticks: NDArray[np.void], out: _Output, *, confirm: bool = False) -> int:
        """Put the marks before the ticks that need them.

        Args:
            ticks: TICK (n,).
            out: Takes ticks, marks and refusals.
            confirm: Stop at a jump that the tick behind it does not confirm.

        Returns:
            How many ticks have passed.
        """
        if len(ticks) == 0:
            return 0
        stamps = ticks["ts_event"]
        top = np.maximum.accumulate(np.concatenate([[self._top_ns], stamps]))
        seconds = top // NANOSECONDS_PER_SECOND
        # Nothing but a step into a new second can need a mark, and a jump is one too.
        steps = np.flatnonzero(seconds[1:] > seconds[:-1])
        jumps = (top[1:][steps] > top[:-1][steps] + self._max_lead_ns).tolist()
        old = stamps < top[:-1] - self._max_age_ns
        any_old = bool(old.any())
        start, stop = 0, len(ticks)
        for step, is_jump in zip(steps.tolist(), jumps, strict=True):
            out.add(ticks[start:step], old[start:step] if any_old else None)
            start = step
            if confirm and is_jump and not self._is_confirmed(stamps, step):
                stop = step
                break
            self._mark(int(seconds[step + 1]), int(ticks["ts_recv"][step]), out)
        out.add(ticks[start:stop], old[start:stop] if any_old else None)
        self._top_ns = int(top[stop])
        return stop

    def _is_confirmed(self, stamps: NDArray[np.int64], step: int) -> bool:
        """Say whether the tick right behind a jump agrees with it."""
        return step + 1 < len(stamps) and bool(stamps[step + 1] >= stamps[step] - self._max_lead_ns)

    def _mark(self, second: int, ts_recv_ns: int, out: _Output) -> None:
        """Move the clock to a second; every close passed on the way has its own mark."""
        target_ns = second * NANOSECONDS_PER_SECOND
        if target_ns <= self._mark_ns:
            return
        self._reach(target_ns)
        if self._mark_ns != _NEVER:
            while self._next_close < len(self._closes) and self._closes[self._next_close] < target_ns:
                if self._closes[self._next_close] > self._mark_ns:
                    out.mark(self._closes[self._next_close], ts_recv_ns)
                self._next_close += 1
        else:
            self._next_close = bisect_right(self._closes, target_ns)
        self._mark_ns = target_ns
        out.mark(target_ns, ts_recv_ns)


class _Output:
    """What a call of the clock lets out, in order."""

    def __init__(self, source_id: int) -> None:
        self._source_id = source_id
        self._parts: list[NDArray[np.void] | int] = []
        self._marks: list[tuple[int, int]] = []
        self._rejects: list[Reject] = []

    def add(self, ticks: NDArray[np.void], old: NDArray[np.bool_] | None) -> None:
        """Let ticks out, except those that are too old."""
        self._parts.append(ticks if old is None else self.without(ticks, old, "too_old"))

    def mark(self, ts_event_ns: int, ts_recv_ns: int) -> None:
        """Let a mark out."""
        self._parts.append(len(self._marks))
        self._marks.append((ts_event_ns, ts_recv_ns))

    def without(self, ticks: NDArray[np.void], wrong: NDArray[np.bool_], reason: str) -> NDArray[np.void]:
        """Take out the wrong ticks, as rejects that hold the record's bytes."""
        if not wrong.any():
            return ticks
        self._rejects += [reject(reason, tick.tobytes()) for tick in take(ticks, wrong)]
        return take(ticks, ~wrong)

    def clocked(self) -> Clocked:
        """Put everything together."""
        marks = np.zeros(len(self._marks), TICK)
        if self._marks:
            marks["ts_event"], marks["ts_recv"] = np.array(self._marks, np.int64).T
            marks["instrument_id"] = NO_INSTRUMENT
            marks["kind"] = TickKind.CLOCK
            marks["source"] = self._source_id
        parts = [marks[part : part + 1] if isinstance(part, int) else part for part in self._parts]
        return Clocked(join(parts), self._rejects)
