"""Event time of sources: closes seconds, minutes and days of instruments as watermarks advance.

Time advances in segments that end at minute boundaries, opens, closes and wherever a day can become
final. A segment without ticks is cheap, and passing it at once gives the same state as passing it
second by second.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.model.records import BAR, NANOSECONDS_PER_SECOND, NO_INSTRUMENT, BarFlag, Frequency
from core.model.windows import NO_SESSION
from core.partition.bars import blank_outside, close_minute
from core.partition.instrument_days import finish_days, next_official_second, open_session
from core.partition.seconds import close_seconds
from core.partition.session_clock import FAR_SECOND, SessionClock
from core.partition.state import NEVER, InstrumentState, milliseconds
from core.partition.world import PartitionWorld

_NEVER_SECOND: Final = NEVER // NANOSECONDS_PER_SECOND


class InstrumentTime:
    """Clocks of every (source, calendar) that the partition's instruments use.

    Args:
        world: The partition's rows.
        state: The arrays it advances.

    Attributes:
        mixed_calendars: Whether a pair has legs of two calendars.
    """

    def __init__(self, world: PartitionWorld, state: InstrumentState) -> None:
        self._world = world
        self._state = state
        self._bars: NDArray[np.void] = np.zeros(max(1, len(world.instruments)), BAR)
        self._mark_bar: NDArray[np.void] = np.zeros(1, BAR)
        self._closed_seconds = state.source_columns.closed_second
        self._clocks: list[dict[int, SessionClock]] = [{} for _ in world.sources]
        calendar_of = {each.symbol: each.calendar for each in world.instruments}
        self.mixed_calendars = any(calendar_of[p.numerator] != calendar_of[p.benchmark] for p in world.pairs)
        self._prepare()
        self._sessions: NDArray[np.int64] = np.full((len(world.sources), len(world.calendars)), NO_SESSION)
        self._unfinished: NDArray[np.int64] = np.zeros((len(world.sources), len(world.calendars)), np.int64)

    def _prepare(self) -> None:
        world, instruments = self._world, self._state.instruments
        names = {source.name: row for row, source in enumerate(world.sources)}
        for row, source in enumerate(world.sources):
            record = self._state.sources[row]
            record["source_id"] = source.source_id
            record["lateness_ns"] = milliseconds(source.allowed_lateness_ms)
            record["max_lead_ns"] = milliseconds(source.max_lead_ms)
            record["max_age_ns"] = milliseconds(source.tick_max_age_ms)
            record["closed_second"] = _NEVER_SECOND
        for row, instrument in enumerate(world.instruments):
            record = instruments[row]
            source_row = names[instrument.source]
            calendar_row = world.calendar_row(instrument.calendar)
            record["source"] = source_row
            record["calendar"] = calendar_row
            record["max_age_ns"] = milliseconds(instrument.max_age_ms)
            record["home"] = world.is_home[row]
            record["has_volume"] = instrument.has_volume
            record["has_official_close"] = instrument.has_official_close
            clocks = self._clocks[source_row]
            wait = (
                world.sources[source_row].official_close_wait_ms // 1000
                if instrument.has_official_close
                else 0
            )
            clock = clocks.setdefault(calendar_row, SessionClock(world.calendars[calendar_row], 0))
            clock.wait_seconds = max(clock.wait_seconds, wait)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays to store in a snapshot in addition to the instruments."""
        return {"clock_sessions": self._sessions, "clock_unfinished": self._unfinished}

    def resume(self) -> None:
        """Set the clocks from the restored arrays.

        Raises:
            SessionError: A session is not in the calendar.
        """
        for source_row, clocks in enumerate(self._clocks):
            closed = self._closed_seconds.item(source_row)
            for calendar_row, clock in clocks.items():
                session = int(self._sessions[source_row, calendar_row])
                if session != NO_SESSION or closed == _NEVER_SECOND:
                    clock.resume(session)
                    continue
                # The state was at the end of its calendar; this one may be longer.
                clock.start_at(closed)
                if clock.session != NO_SESSION:
                    self._open(source_row, calendar_row, clock)
                    if clock.open_second < closed:
                        self._mark_partial(source_row, calendar_row)

    def mark_gap(self, source_row: int) -> None:
        """Record missing frames of a source: its prices are unknown until it trades again."""
        mine = self._state.instruments["source"] == source_row
        self._state.instruments["gap"][mine] = 1
        self._state.instruments["day_gap"][mine] = 1
        self._state.sources[source_row]["count_gaps"] += 1

    def _mark_partial(self, source_row: int, calendar_row: int) -> None:
        """Mark a session that was entered late: its earlier volume is missing."""
        instruments = self._state.instruments
        mine = (instruments["source"] == source_row) & (instruments["calendar"] == calendar_row)
        instruments["day_gap"][mine] = 1

    def advance(
        self,
        source_row: int,
        target: int,
        minute_bars: list[NDArray[np.void]],
        day_bars: list[NDArray[np.void]],
    ) -> Iterator[int]:
        """Close a source's seconds before `target`, segment by segment.

        Args:
            source_row: The source.
            target: Unix second; everything before it is complete.
            minute_bars: Receives BAR arrays.
            day_bars: Receives BAR arrays.

        Yields:
            The second up to which the source is closed, after each segment, so that the
            caller can advance pairs before time continues.
        """
        closed_seconds = self._closed_seconds
        clocks = self._clocks[source_row]
        closed = closed_seconds.item(source_row)
        if closed == _NEVER_SECOND:
            closed_seconds[source_row] = target
            for calendar_row, clock in clocks.items():
                clock.start_at(target)
                self._open(source_row, calendar_row, clock)
                if clock.open_second < target:
                    self._mark_partial(source_row, calendar_row)
            yield target
            return
        while closed < target:
            active = any(c.open_second <= closed < c.close_second for c in clocks.values())
            stop = self._segment_end(source_row, closed, target, active=active)
            if active:
                self._close(source_row, closed, stop, minute_bars)
            if self.mixed_calendars:
                blank_outside(
                    self._state.instruments,
                    self._state.second_prices,
                    self._state.minute_prices,
                    source_row,
                    closed,
                    stop,
                )
            closed_seconds[source_row] = closed = stop
            for calendar_row, clock in clocks.items():
                if closed >= clock.close_second:
                    self._finish(source_row, calendar_row, clock, closed, day_bars)
            yield closed
            for calendar_row, clock in clocks.items():
                if closed >= clock.deadline_second:
                    clock.enter(clock.row + 1)
                    self._open(source_row, calendar_row, clock)

    def next_end(self, source_row: int) -> int:
        """Find out until when a source's seconds close without a minute, a session or a day ending.

        Args:
            source_row: The source.

        Returns:
            The first Unix second that needs `advance`; NEVER where every second does.
        """
        closed = self._closed_seconds.item(source_row)
        clocks = self._clocks[source_row].values()
        waits = any(closed >= clock.close_second for clock in clocks)
        active = any(clock.open_second <= closed for clock in clocks)
        if closed == _NEVER_SECOND or waits or not active:
            return NEVER
        return self._segment_end(source_row, closed, FAR_SECOND, active=True)

    def _segment_end(self, source_row: int, closed: int, target: int, *, active: bool) -> int:
        stop = min(target, (closed // 60 + 1) * 60) if active else target
        for calendar_row, clock in self._clocks[source_row].items():
            for bound in (clock.open_second, clock.close_second, clock.deadline_second):
                if closed < bound < stop:
                    stop = bound
            if closed >= clock.close_second and self._unfinished[source_row, calendar_row]:
                official = next_official_second(self._state.instruments, source_row, calendar_row)
                if closed < official < stop:
                    stop = official
        return stop

    def _close(self, source_row: int, first: int, stop: int, minute_bars: list[NDArray[np.void]]) -> None:
        state = self._state
        close_seconds(state.instruments, state.seconds, state.second_prices, source_row, first, stop)
        if stop % 60:
            return
        minute = stop // 60 - 1
        written = close_minute(
            state.instruments,
            self._world.instrument_ids,
            state.second_prices,
            state.minute_prices,
            self._bars,
            source_row,
            minute,
        )
        mark = self._mark_bar
        mark["ts_start"] = minute * 60 * NANOSECONDS_PER_SECOND
        mark["instrument_id"] = NO_INSTRUMENT
        mark["session"] = -1
        mark["frequency"] = int(Frequency.MINUTE)
        mark["flags"] = int(BarFlag.COMPLETE_MARK)
        bars = np.concatenate((self._bars[:written], mark))
        bars["source"] = self._world.sources[source_row].source_id
        minute_bars.append(bars)

    def _finish(
        self,
        source_row: int,
        calendar_row: int,
        clock: SessionClock,
        closed: int,
        day_bars: list[NDArray[np.void]],
    ) -> None:
        if not self._unfinished[source_row, calendar_row]:
            return
        packed = finish_days(
            self._state.instruments,
            self._world.instrument_ids,
            self._state.minute_prices,
            self._bars,
            source_row,
            calendar_row,
            closed,
            closed >= clock.deadline_second,
        )
        written, final = packed & 0xFFFF_FFFF, packed >> 32
        self._unfinished[source_row, calendar_row] -= final
        if written:
            bars = self._bars[:written].copy()
            bars["source"] = self._world.sources[source_row].source_id
            day_bars.append(bars)

    def _open(self, source_row: int, calendar_row: int, clock: SessionClock) -> None:
        self._sessions[source_row, calendar_row] = clock.session
        self._unfinished[source_row, calendar_row] = open_session(
            self._state.instruments,
            source_row,
            calendar_row,
            clock.session,
            clock.open_second * NANOSECONDS_PER_SECOND,
            clock.close_second * NANOSECONDS_PER_SECOND,
            clock.next_open_ns,
        )
