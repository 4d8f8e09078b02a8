"""The feed's clock: marks that assert that everything up to a time has been sent.

Marks are the watermarks that advance event time downstream, so a bad timestamp in the stream must
not become one. The clock is pure; wall time enters as the receive time of a tick or as an argument.

- live: a tick stamped more than `max_lead` after its receive time is rejected.
- recorded: receive times carry no information, so a jump of more than `max_lead` is held until a
  second tick confirms it, and rejected if the next ticks do not.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

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
from producers.feeds.base import empty_ticks
from producers.ingest.clock_output import Clocked, ClockOutput

CONTRADICTIONS: Final = 3
"""Number of contradicting ticks after which a jump in a recording is taken for a bad timestamp."""

_NEVER: Final = -(2**62)


class ClockMode(StrEnum):
    """Which time ticks are compared with."""

    LIVE = "live"
    RECORDED = "recorded"


class FeedClock:
    """Inserts clock marks between the ticks of one source.

    Args:
        source: Source of the ticks; gives `max_lead`, the waits and the maximum age.
        calendars: Sessions of its instruments; every close passed gets its own mark.
        mode: Live or recorded.
        known_delay_ms: Live only: how far the feed may lag behind the wall clock. If given,
            `raise_to` may advance the clock while the feed is silent.
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
        """Time of the last mark, None before the first."""
        return None if self._mark_ns == _NEVER else self._mark_ns

    def advance(self, ticks: NDArray[np.void]) -> Clocked:
        """Pass ticks through, each after the mark it needs.

        Args:
            ticks: TICK (n,) in order of arrival; not kept.

        Returns:
            The ticks and marks to send, and the rejects. In a recording the last tick may be held
            until the next call.
        """
        out = ClockOutput(self._source.source_id)
        if self._mode is ClockMode.LIVE:
            early = ticks["ts_event"] > ticks["ts_recv"] + self._max_lead_ns
            self._pass(out.without(ticks, early, "future"), out)
        else:
            self._pass_confirmed(ticks, out)
        return out.clocked()

    def raise_to(self, now_ns: int) -> NDArray[np.void]:
        """Advance a live clock to wall time minus the feed's known delay.

        Call it only when everything received has been passed through.

        Args:
            now_ns: Wall time.

        Returns:
            The marks to send, usually none.
        """
        if self._mode is not ClockMode.LIVE or self._known_delay_ms is None:
            return empty_ticks()
        out = ClockOutput(self._source.source_id)
        delayed_ns = now_ns - self._known_delay_ms * NANOSECONDS_PER_MILLISECOND
        self._mark(delayed_ns // NANOSECONDS_PER_SECOND, now_ns, out)
        return out.clocked().ticks

    def gap(self, ts_recv_ns: int, cause: GapCause) -> NDArray[np.void]:
        """Build a GAP record at the clock's time: the source lost ticks.

        Args:
            ts_recv_ns: When the loss was detected; also the event time if a live clock has not started.
            cause: Reason of the loss.
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
        """End a recording, so that the session of the last tick can be closed.

        Returns:
            The held tick, if its session is not over by then, and a last mark after which every wait
            for an official close and for late ticks has expired.
        """
        out = ClockOutput(self._source.source_id)
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
        """Extend the calendar so that it contains every close up to an event time and some after it."""
        sessions = sum(map(len, self._calendars))
        for calendar in self._calendars:
            calendar.reach(ts_ns)
        if not self._closes or sum(map(len, self._calendars)) > sessions:
            closes = [calendar.close_ns for calendar in self._calendars]
            # Closes before the next one are unchanged, so its index stays valid.
            self._closes = np.unique(np.concatenate([np.empty(0, np.int64), *closes])).tolist()

    def _end_of_session(self, ts_ns: int) -> int:
        """Return the later of the time and the close of the sessions that contain it, plus the waits."""
        self._reach(ts_ns)
        rows = [(calendar, calendar.index_at(ts_ns)) for calendar in self._calendars]
        closes = [int(calendar.close_ns[row]) for calendar, row in rows if row >= 0]
        wait_ms = self._source.official_close_wait_ms + self._source.allowed_lateness_ms
        return max([ts_ns, *closes]) + wait_ms * NANOSECONDS_PER_MILLISECOND

    def _pass_confirmed(self, ticks: NDArray[np.void], out: ClockOutput) -> None:
        """Pass recorded ticks through, holding the first tick of a jump until a second one confirms it."""
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

    def _judge_held(self, tick: NDArray[np.void], out: ClockOutput) -> int:
        """Compare the held tick of a jump with the next one; two agreeing ticks confirm it.

        Returns:
            1 if the next tick was passed, 0 if it must be examined again.
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

    def _pass(self, ticks: NDArray[np.void], out: ClockOutput, *, confirm: bool = False) -> int:
        """Insert marks before the ticks that need them.

        Args:
            ticks: TICK (n,).
            out: Receives ticks, marks and rejects.
            confirm: Stop at a jump that the following tick does not confirm.

        Returns:
            Number of ticks passed.
        """
        if len(ticks) == 0:
            return 0
        stamps = ticks["ts_event"]
        top = np.maximum.accumulate(np.concatenate([[self._top_ns], stamps]))
        seconds = top // NANOSECONDS_PER_SECOND
        # Only a step into a new second can need a mark; a jump is such a step.
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
        """Return whether the tick directly after a jump confirms it."""
        return step + 1 < len(stamps) and bool(stamps[step + 1] >= stamps[step] - self._max_lead_ns)

    def _mark(self, second: int, ts_recv_ns: int, out: ClockOutput) -> None:
        """Advance the clock to a second; every close on the way gets its own mark."""
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
