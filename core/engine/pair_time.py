"""Event time of pairs: each block of pairs follows the lower clock of its legs' sources.

A block advances in the same segments as instruments: the last second of a segment is evaluated, minutes
at their end, and after the close each pair as soon as both legs are final.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.engine.baseline_session import BaselineSession
from core.engine.day_undo import DayUndo
from core.engine.evaluation import Emit, PairEvaluator
from core.engine.step_output import StepOutput
from core.engine.value_columns import ValueColumns
from core.indicators.base import RingStep
from core.model.records import NANOSECONDS_PER_SECOND, Quality
from core.model.windows import NO_SESSION
from core.partition.pair_days import leg_prices, leg_volumes, ready_pairs
from core.partition.session_clock import FAR_SECOND, SessionClock
from core.partition.state import MINUTE_SLOTS, NEVER, SECOND_SLOTS, InstrumentState
from core.partition.world import PairBlock, PartitionWorld

_DAY_NS: Final = 86_400 * NANOSECONDS_PER_SECOND
_NEVER_SECOND: Final = NEVER // NANOSECONDS_PER_SECOND
_SECONDS_AHEAD: Final = SECOND_SLOTS - 901
"""Maximum lead of the faster leg: the ring still has its price of a quarter of an hour ago."""
_MINUTES_AHEAD: Final = MINUTE_SLOTS - 62
"""The same for minutes, whose longest lookback is an hour and the return before it."""


class PairTime:
    """Clocks of the partition's blocks of pairs, and the baseline before them.

    Args:
        world: The partition's rows.
        state: Instruments, as advanced by their own clocks.
        evaluator: Evaluates the pairs.

    Attributes:
        done: int32 (pairs,): last session that is final for the pair, days since 1970-01-01.
        undo: Copies for a correction of that session.
        value_columns: Reads the values of a pass as records.
        hands_out_values: Whether the output gets them, every minute and session.
    """

    def __init__(self, world: PartitionWorld, state: InstrumentState, evaluator: PairEvaluator) -> None:
        self._world = world
        self._state = state
        self._evaluator = evaluator
        self._clocks = [SessionClock(world.calendars[block.calendar_row], 0) for block in world.blocks]
        blocks, pairs = len(world.blocks), len(world.pairs)
        self._closed: NDArray[np.int64] = np.full(blocks, _NEVER_SECOND)
        self._sessions: NDArray[np.int64] = np.full(blocks, NO_SESSION)
        self.done: NDArray[np.int32] = np.full(pairs, NO_SESSION, np.int32)
        self._ready: NDArray[np.int32] = np.zeros(pairs, np.int32)
        self.baseline = BaselineSession(world)
        self.undo = DayUndo(evaluator)
        self.value_columns = ValueColumns(evaluator)
        self.hands_out_values = False
        self._by_source = [
            [n for n, block in enumerate(world.blocks) if row in block.source_rows]
            for row in range(len(world.sources))
        ]
        # A ring of one slot: the price of every leg once the other is too far ahead.
        self._out_of_step: NDArray[np.int64] = np.full((1, len(world.instruments)), -int(Quality.STALE))
        self._closed_seconds = state.source_columns.closed_second
        self._second_step = self._ring_step(state.second_prices)
        self._minute_step = self._ring_step(state.minute_prices)

    def _ring_step(self, prices: NDArray[np.int64]) -> RingStep:
        rows: NDArray[np.int32] = np.zeros(0, np.int32)
        world = self._world
        volumes = self._evaluator.volumes
        return RingStep(rows, prices, 0, 0, world.numerators, world.benchmarks, volumes, world.scales)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays to store in a snapshot in addition to the evaluator's state."""
        arrays: dict[str, NDArray[Any]] = {
            "block_closed": self._closed,
            "block_sessions": self._sessions,
            "pair_done": self.done,
        }
        return arrays | self.baseline.arrays()

    def standing(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the position of each pair in event time.

        Returns:
            int64 (pairs,) each: session in force, days since 1970-01-01 or NO_SESSION, and event
            time up to which the pair is closed, ns UTC.
        """
        sessions = np.full(len(self._world.pairs), NO_SESSION, np.int64)
        closed_ns = np.full(len(self._world.pairs), NEVER, np.int64)
        for number, block in enumerate(self._world.blocks):
            sessions[block.rows] = self._sessions[number]
            if self._closed[number] != _NEVER_SECOND:
                closed_ns[block.rows] = self._closed[number] * NANOSECONDS_PER_SECOND
        return sessions, closed_ns

    def resume(self) -> None:
        """Set the clocks from the restored arrays.

        Raises:
            SessionError: A session is not in the calendar.
        """
        self._evaluator.resume()
        for number, clock in enumerate(self._clocks):
            session, closed = int(self._sessions[number]), int(self._closed[number])
            if session == NO_SESSION and closed != _NEVER_SECOND:
                self._resume_behind(number, closed)
            else:
                clock.resume(session)

    def warm(self) -> None:
        """Derive what the first minutes would derive; no result depends on it."""
        for block, session in zip(self._world.blocks, self._sessions.tolist(), strict=True):
            # What has finished the session already is not looked at before the next one.
            rows = block.rows[self.done[block.rows] < session]
            if session != NO_SESSION and len(rows):
                self._evaluator.warm(rows, session)

    def _resume_behind(self, number: int, closed: int) -> None:
        """Resume from a state at the end of its calendar, with a longer calendar."""
        self._clocks[number].start_at(closed)
        if self._clocks[number].session != NO_SESSION:
            self._start_session(number)

    def look_up_again(self) -> None:
        """Recompute what is fixed in the sessions in force after completed days have changed."""
        for block, clock in zip(self._world.blocks, self._clocks, strict=True):
            if clock.session != NO_SESSION:
                self._evaluator.look_up(block, block.calendar_row, clock.row)

    def advance(self, source_row: int, output: StepOutput) -> None:
        """Advance the blocks of a source to where both their legs are closed.

        Args:
            source_row: The source that has advanced.
            output: Receives events, and values where they are asked for.
        """
        closed_seconds = self._closed_seconds
        for number in self._by_source[source_row]:
            block = self._world.blocks[number]
            first, second = block.source_rows
            target = min(closed_seconds.item(first), closed_seconds.item(second))
            if target == _NEVER_SECOND:
                continue
            if self._closed[number] == _NEVER_SECOND:
                self._closed[number] = target
                self._clocks[number].start_at(target)
                self._start_session(number)
            elif target > self._closed[number]:
                self._advance_block(number, block, target, output)

    def settle(self) -> None:
        """Evaluate the second up to which sources have advanced by themselves; see `next_end`.

        Only the latest second counts: nothing reads the values of those before it.
        """
        closed_seconds = self._closed_seconds
        for number, block in enumerate(self._world.blocks):
            first, second = block.source_rows
            target = min(closed_seconds.item(first), closed_seconds.item(second))
            closed = self._closed.item(number)
            if closed == _NEVER_SECOND or target <= closed:
                continue
            clock = self._clocks[number]
            if target > clock.open_second:
                self._evaluate_second(block, clock, target)
            self._closed[number] = target

    def next_end(self, source_row: int) -> int:
        """Find out until when a source may advance without its pairs.

        The blocks must be settled before the lead of a source spoils the ring for the slower leg, whose
        oldest price of a second is a quarter of an hour back.

        Args:
            source_row: The source.

        Returns:
            The first Unix second that needs `advance`; NEVER where every second does.
        """
        end = FAR_SECOND
        for number in self._by_source[source_row]:
            slowest = min(map(self._closed_seconds.item, self._world.blocks[number].source_rows))
            if slowest == _NEVER_SECOND:
                continue
            clock, closed = self._clocks[number], self._closed.item(number)
            if closed >= clock.close_second:
                return NEVER  # a day may become final with any second
            # No clock of the source may have these: a leg's own calendar can be another.
            bound = clock.open_second if closed < clock.open_second else clock.close_second
            end = min(end, slowest + _SECONDS_AHEAD, bound)
        return end

    def _start_session(self, number: int) -> None:
        block, clock = self._world.blocks[number], self._clocks[number]
        self._sessions[number] = clock.session
        if clock.session != NO_SESSION:
            self._evaluator.start_session(block, block.calendar_row, clock.row)

    def _advance_block(self, number: int, block: PairBlock, target: int, output: StepOutput) -> None:
        clock = self._clocks[number]
        closed = int(self._closed[number])
        while closed < target:
            if closed < clock.open_second:
                closed = min(target, clock.open_second)
            elif closed < clock.close_second:
                stop = min(target, clock.close_second, (closed // 60 + 1) * 60)
                self._pass_segment(number, block, clock, stop, output)
                closed = stop
            else:
                closed = target
            if closed >= clock.close_second and self._finish(number, block, clock, closed, output):
                clock.enter(clock.row + 1)
                self._start_session(number)
        self._closed[number] = closed

    def _pass_segment(
        self, number: int, block: PairBlock, clock: SessionClock, stop: int, output: StepOutput
    ) -> None:
        ahead = self._evaluate_second(block, clock, stop)
        if stop % 60 == 0:
            readable = ahead // 60 <= _MINUTES_AHEAD
            minute = self._minute_step
            minute.prices = self._state.minute_prices if readable else self._out_of_step
            minute.rows = block.rows
            minute.now = stop // 60 - 1
            minute.since_open = minute.now - clock.open_second // 60
            self._leg_prices(minute)
            self._evaluator.minute(
                minute,
                clock.session,
                stop * NANOSECONDS_PER_SECOND,
                output.events.append,
                closing=stop == clock.close_second,
                behind=block.rows[self.done[block.rows] >= clock.session],
            )
            if self.hands_out_values:
                ts_event_ns = stop * NANOSECONDS_PER_SECOND
                output.values.append(self.value_columns.minute(number, block, clock.session, ts_event_ns))
            if not readable:
                self._evaluator.restart(block.rows)

    def _evaluate_second(self, block: PairBlock, clock: SessionClock, stop: int) -> int:
        """Evaluate the second before `stop`; return how far the faster leg is ahead."""
        first, second = block.source_rows
        ahead = max(self._closed_seconds.item(first), self._closed_seconds.item(second)) - stop
        step = self._second_step
        step.prices = self._state.second_prices if ahead <= _SECONDS_AHEAD else self._out_of_step
        step.rows = block.rows
        step.now = stop - 1
        step.since_open = stop - 1 - clock.open_second
        self._evaluator.second(step)
        return ahead

    def _leg_prices(self, minute: RingStep) -> None:
        numerators, benchmarks, evaluator = minute.numerators, minute.benchmarks, self._evaluator
        leg_prices(minute.prices, minute.now, numerators, benchmarks, minute.rows, evaluator.prices)
        leg_volumes(
            self._state.instruments, minute.now, numerators, benchmarks, minute.rows, evaluator.volumes
        )

    def _finish(
        self, number: int, block: PairBlock, clock: SessionClock, closed: int, output: StepOutput
    ) -> bool:
        """Finish the session of every ready pair; return whether none is left."""
        session = clock.session
        count = ready_pairs(
            self._state.instruments,
            self._world.numerators,
            self._world.benchmarks,
            block.rows,
            self.done,
            session,
            self._evaluator.prices,
            self._evaluator.volumes,
            self._ready,
        )
        rows, close_ns = self._ready[:count].copy(), clock.close_second * NANOSECONDS_PER_SECOND
        if count:
            self.undo.keep(rows, session)
            closed_ns = closed * NANOSECONDS_PER_SECOND
            self._evaluator.finish_day(rows, session, close_ns, closed_ns, output.events.append)
            self.done[rows] = session
        complete = bool((self.done[block.rows] >= session).all())
        if self.hands_out_values and (count or complete):
            output.values.append(
                self.value_columns.day(number, block, rows, session, close_ns, complete=complete)
            )
        return complete

    def finish_baseline(self, ts_close_ns: int, emit: Emit | None) -> None:
        """End a baseline session: its closes become a completed day.

        Args:
            ts_close_ns: The latest close of that date over all calendars; blocks whose calendar has
                no close on that date skip it.
            emit: Called with each event; None to suppress output.
        """
        world, evaluator = self._world, self._evaluator
        for number, block in enumerate(world.blocks):
            calendar = world.calendars[block.calendar_row]
            calendar.reach(ts_close_ns)
            row = int(np.searchsorted(calendar.close_ns, ts_close_ns, side="right")) - 1
            if row < 0 or ts_close_ns - int(calendar.close_ns[row]) >= _DAY_NS:
                continue
            session = int(calendar.session[row])
            clock = self._clocks[number]
            if clock.session <= session and self._closed[number] > clock.open_second:
                continue  # A session in progress is not history yet.
            rows = self.baseline.give(
                block.rows,
                self.done,
                session,
                evaluator.prices,
                evaluator.volumes,
                evaluator.traded,
                evaluator.series,
            )
            if len(rows) == 0:
                continue
            evaluator.look_up(block, block.calendar_row, row)
            evaluator.finish_day(rows, session, int(calendar.close_ns[row]), ts_close_ns, emit, history=True)
            self.done[rows] = session
            evaluator.prices[:, rows] = -1
            evaluator.volumes[:, rows] = -1
            evaluator.traded[:, rows] = 1
            evaluator.series[:, rows] = np.nan
            if clock.session != NO_SESSION:
                evaluator.look_up(block, block.calendar_row, clock.row)
        self.baseline.clear()

    def is_latest(self, number: int, session: int) -> bool:
        """Return whether a block has evaluated nothing after a session.

        Args:
            number: The block.
            session: Days since 1970-01-01.
        """
        clock = self._clocks[number]
        return clock.session == session or int(self._closed[number]) <= clock.open_second
