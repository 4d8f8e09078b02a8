"""Changes finished days: splits, and corrections of an official close."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.engine.evaluation import PairEvaluator
from core.engine.pair_time import PairTime
from core.engine.step_output import DeadLetter, StepOutput
from core.model.records import NANOSECONDS_PER_SECOND
from core.partition.state import InstrumentState
from core.partition.ticks import Note
from core.partition.world import PartitionWorld

_REVISION_TOO_LATE: Final = "revision_too_late"


class Restatement:
    """Applies records that change what is already final.

    Args:
        world: The partition's rows.
        state: Instruments and sources.
        evaluator: Holds the days of the pairs.
        pair_time: Knows which days are final.
    """

    def __init__(
        self, world: PartitionWorld, state: InstrumentState, evaluator: PairEvaluator, pair_time: PairTime
    ) -> None:
        self._world = world
        self._state = state
        self._evaluator = evaluator
        self._pair_time = pair_time

    def adjust(self, tick: np.void, source_row: int, output: StepOutput) -> None:
        """Apply a split: multiply stored daily prices of the instrument by price / size.

        Args:
            tick: An adjustment record.
            source_row: Its source.
            output: Receives the record if it cannot be applied.
        """
        row = self._world.row_of(int(tick["instrument_id"]))
        price, size = int(tick["price"]), int(tick["size"])
        if row < 0 or price <= 0 or size <= 0:
            reason = Note.UNKNOWN_INSTRUMENT.reason if row < 0 else Note.PRICE.reason
            output.dead_letters.append(DeadLetter(reason, tick.tobytes()))
            return
        self._state.sources[source_row]["count_adjustments"] += 1
        for side, legs in enumerate((self._world.numerators, self._world.benchmarks)):
            rows = np.flatnonzero(legs == row).astype(np.int32)
            if len(rows):
                self._evaluator.adjust(rows, side, price, size)
                self._pair_time.undo.forget(rows)
        self._pair_time.look_up_again()

    def revise(self, tick: np.void, source_row: int, output: StepOutput) -> None:
        """Correct the official close of the last final session, and emit the events it changes.

        Args:
            tick: An official print, or its correction, of a session that is final.
            source_row: Its source.
            output: Receives a `revised` event for every changed decision, and the new values of the pairs;
                or the record if it is too late: a pair has entered the next session, or was split.
        """
        # Not the mark: it may already have advanced in this frame, which depends on the framing.
        known_ns = int(self._state.sources[source_row]["closed_second"]) * NANOSECONDS_PER_SECOND
        row, ts_event_ns = self._world.row_of(int(tick["instrument_id"])), int(tick["ts_event"])
        ts_knowable_ns = max(ts_event_ns, known_ns)
        if not self._revise(row, int(tick["price"]), ts_event_ns, ts_knowable_ns, output):
            output.dead_letters.append(DeadLetter(_REVISION_TOO_LATE, tick.tobytes()))

    def _revise(
        self, row: int, price: int, ts_event_ns: int, ts_knowable_ns: int, output: StepOutput
    ) -> bool:
        """Return False if it is too late."""
        instrument = self._state.instruments[row]
        calendar = self._world.calendars[int(instrument["calendar"])]
        session_row = int(np.searchsorted(calendar.open_ns, ts_event_ns, side="right")) - 1
        if session_row < 0:
            return False
        opened, closed = int(calendar.open_ns[session_row]), int(calendar.close_ns[session_row])
        if ts_event_ns < opened + (closed - opened) // 2:
            return True  # An official open changes nothing that is already known.
        session = int(calendar.session[session_row])
        if session != instrument["final_session"]:
            return False
        instrument["final_close"] = price
        if instrument["session"] == session:
            instrument["revised"] = 1
        in_time = True
        for number, block in enumerate(self._world.blocks):
            if block.calendar_row != instrument["calendar"]:
                continue  # Such a pair uses the price at its own close.
            sides = np.stack((self._world.numerators == row, self._world.benchmarks == row))[:, block.rows]
            finished = sides.any(axis=0) & (self._pair_time.done[block.rows] >= session)
            can_redo = self._can_redo(number, block.rows, session, finished)
            in_time &= bool((can_redo == finished).all())
            if can_redo.any():
                self._pair_time.undo.redo(
                    block,
                    block.rows[can_redo],
                    sides[:, can_redo],
                    price,
                    session_row,
                    closed,
                    ts_knowable_ns,
                    output.events,
                )
                if self._pair_time.hands_out_values:
                    output.values.append(
                        self._pair_time.value_columns.day(
                            number,
                            block,
                            block.rows[can_redo],
                            session,
                            closed,
                            complete=False,
                            revised=True,
                        )
                    )
        self._pair_time.look_up_again()
        return in_time

    def _can_redo(
        self, number: int, rows: NDArray[np.int32], session: int, finished: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        pair_time = self._pair_time
        return finished & pair_time.undo.can_redo(rows, session) & pair_time.is_latest(number, session)
