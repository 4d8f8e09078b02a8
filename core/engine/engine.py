"""The engine of one partition: frames in; events, bars and dead letters out.

A pure function of the log, independent of how the log is divided into frames: a second is closed exactly
when a clock mark passes it, and everything else follows from closed seconds.

Processing of a tick:

1. A frame is validated; repeated and outdated frames are dropped, a missing one becomes a gap.
2. `apply_ticks` adds ticks to open seconds, and closes seconds as marks pass them, until more than a
   second ends.
3. Minutes, sessions and days end (`InstrumentTime`).
4. Pairs follow at the lower clock of their legs (`PairTime`): values, verdicts, events.

Values of a second are computed on demand: see `PartitionEngine.settle`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.definitions.catalogue import Catalogue
from core.engine.admission import FrameAdmission
from core.engine.adoption import adopt
from core.engine.event_time import EventTime
from core.engine.exposed import Exposed, expose, source_counts
from core.engine.lookups_in_force import LookupsInForce
from core.engine.partition_state import PartitionState, fresh_state, restored_state
from core.engine.restatement import Restatement
from core.engine.snapshot import Section, pack
from core.engine.step_output import DeadLetter, StepOutput
from core.events.artefact_set import NO_SET
from core.events.events import Event
from core.events.lookups import Lookups, LookupsByMark
from core.model.frames import decode_frame
from core.model.instruments import Universe
from core.model.records import NANOSECONDS_PER_SECOND, TickKind
from core.model.sessions import Calendar
from core.partition.state import NEVER
from core.partition.ticks import Note, apply_ticks
from core.partition.ticks import unpack as unpack_position
from core.partition.world import build_world

_DEAD_LETTER_BYTES: Final = 4096
_CONTROL_NOTE: Final = int(Note.CONTROL)
_REVISION_NOTE: Final = int(Note.REVISION)
_BASELINE: Final = int(TickKind.BASELINE)


class Capture(NamedTuple):
    """A copy of the state of an engine at one moment.

    Args:
        head: Identifies what the state belongs to.
        sections: Sections by name.
    """

    head: Mapping[str, Any]
    sections: Mapping[str, Section]

    def pack(self) -> bytes:
        """Return the bytes that `PartitionEngine.snapshot` would have returned."""
        return pack(self.head, self.sections)


class PartitionEngine:
    """State and logic of one partition.

    Args:
        universe: All instruments and pairs.
        catalogue: The definitions.
        calendars: All calendars of the universe.
        partition: Number of the partition.
        partitions: Number of partitions of the topic generation.
        lookups: Base rates, rarity and tags for events, whatever the log says; None for none.
        lookups_by_mark: Gives them for the set that the log's latest mark puts in force; used in place of
            `lookups`.
        history_events: Also emit the events of baseline sessions, for studies. Ids and state are the
            same either way.

    Raises:
        UniverseError: A calendar is missing.
        CatalogueError: A definition cannot be computed.
    """

    def __init__(
        self,
        universe: Universe,
        catalogue: Catalogue,
        calendars: Mapping[str, Calendar],
        *,
        partition: int,
        partitions: int,
        lookups: Lookups | None = None,
        lookups_by_mark: LookupsByMark | None = None,
        history_events: bool = False,
    ) -> None:
        self.world = build_world(universe, calendars, partition=partition, partitions=partitions)
        self.catalogue = catalogue
        self._lookups = LookupsInForce(lookups, lookups_by_mark)
        self._output = StepOutput()
        self._history_events = history_events
        self._notes: NDArray[np.int64] = np.zeros(1024, np.int64)
        self._source_rows = {source.source_id: row for row, source in enumerate(self.world.sources)}
        self._use(fresh_state(self.world, catalogue, self._lookups.under(NO_SET)))
        self._counted_before = source_counts(self.state)

    def _use(self, whole: PartitionState) -> None:
        """Switch to a state."""
        self._whole = whole
        self.state = whole.instruments
        self.evaluator = whole.evaluator
        self.instrument_time = whole.instrument_time
        self.pair_time = whole.pair_time
        self.event_time = EventTime(self.state, self.instrument_time, self.pair_time)
        self._admission = FrameAdmission(self.state, self.instrument_time)
        self._restatement = Restatement(self.world, self.state, self.evaluator, self.pair_time)
        self._offsets = whole.offsets

    @property
    def clock_ns(self) -> int:
        """Watermark: event time up to which every source has closed its seconds, ns UTC; NEVER before any."""
        sources = self.state.sources
        closed = sources["closed_second"][(sources["mark_ns"] != NEVER) & (sources["dead"] == 0)]
        return int(closed.min()) * NANOSECONDS_PER_SECOND if len(closed) else NEVER

    @property
    def baseline_offset(self) -> int:
        """Log offset from which a fresh engine reproduces this state: the first one processed.

        The baseline of its history starts there. A later baseline only adds missing days, so a fresh
        engine cannot start from it.
        """
        return int(self._offsets[0])

    def step(self, payload: bytes, offset: int) -> StepOutput:
        """Apply one frame.

        Args:
            payload: Value of one record of the ticks topic.
            offset: Offset of the record.

        Returns:
            The output of the step.

        Raises:
            FrameError: The record is not a valid frame; the state is unchanged.
            ArtefactsError: The record names a set that cannot be found; the state is unchanged.
            TransportError: Sets cannot be looked for now; the state is unchanged, step it again.
        """
        header, ticks = decode_frame(payload)
        row = self._source_rows.get(header.source, -1)
        if row >= 0:
            self._lookups.find(ticks)
        if not self._offsets[1]:
            self._offsets[:2] = offset, 1
        output = StepOutput()
        self._output = output
        if row < 0:
            output.dead_letters.append(DeadLetter("unknown_source", payload[:_DEAD_LETTER_BYTES]))
        elif self._admission.admit(row, header):
            self._apply(row, ticks)
        self._offsets[2] = offset + 1
        return output

    def _apply(self, source_row: int, ticks: NDArray[np.void]) -> None:
        state = self.state
        position, count = 0, len(ticks)
        while position < count:
            packed = apply_ticks(
                ticks,
                position,
                source_row,
                state.sources,
                self.world.row_of_id,
                state.instruments,
                state.seconds,
                state.second_prices,
                self.event_time.next_ends,
                self.instrument_time.mixed_calendars,
                self._notes,
            )
            position, notes, boundary = unpack_position(packed)
            if notes:
                position = self._handle_notes(ticks, notes, position, source_row)
            if boundary:
                self.event_time.advance(source_row, self._output)

    def _handle_notes(self, ticks: NDArray[np.void], notes: int, position: int, source_row: int) -> int:
        """Handle the kernel's notes, of which a control record is the last. Return the next tick."""
        for entry in self._notes[:notes].tolist():
            tick = ticks[entry & 0xFFFF_FFFF]
            note = entry >> 32
            if note not in (_CONTROL_NOTE, _REVISION_NOTE):
                self._output.dead_letters.append(DeadLetter(Note(note).reason, tick.tobytes()))
                continue
            self.settle()
            if note == _REVISION_NOTE:
                self._restatement.revise(tick, source_row, self._output)
            elif tick["kind"] == _BASELINE:
                return self._baselines(ticks, position - 1, source_row)
            else:
                self._control(tick, source_row)
                self.event_time.look_ahead()
        return position

    def _baselines(self, ticks: NDArray[np.void], first: int, source_row: int) -> int:
        """Take the records of a baseline session up to its end; return the next tick."""
        # A session has one record per instrument and its mark; the limit keeps this linear.
        records = ticks[first : first + len(self.world.instruments) + 1]
        used = self.pair_time.baseline.take(records)
        for position in np.flatnonzero(~used).tolist():
            is_ours = self.world.row_of(int(records[position]["instrument_id"])) >= 0
            reason = Note.PRICE if is_ours else Note.UNKNOWN_INSTRUMENT
            self._output.dead_letters.append(DeadLetter(reason.reason, records[position].tobytes()))
        end = len(used)
        if end < len(records) and records[end]["kind"] == _BASELINE:
            emit = self._output.events.append if self._history_events else None
            self.pair_time.finish_baseline(int(records[end]["ts_event"]), emit)
            end += 1
        self.state.sources[source_row]["count_baselines"] += end
        return first + end

    def _control(self, tick: np.void, source_row: int) -> None:
        kind = TickKind(int(tick["kind"]))
        if kind is TickKind.ADJUSTMENT:
            self._restatement.adjust(tick, source_row, self._output)
        elif kind is TickKind.SOURCE_CLOSED:
            self.state.sources[source_row]["dead"] = 1
            self.event_time.follow(self._output)
        elif kind is TickKind.SETTINGS:
            self._whole.settings[:] = tick["trade_id"], self._whole.settings[1] + 1
            if self.adoption_is_due:
                self._output.events += self.adopt()
        elif kind is TickKind.ARTEFACTS:
            self._whole.artefacts[0] = tick["trade_id"]
            self.evaluator.look_up_in(self._lookups.under(self.artefacts_mark))

    @property
    def artefacts_mark(self) -> int:
        """`ArtefactSet.mark` of the set in force, by the latest mark of the log; `NO_SET` without any."""
        return int(self._whole.artefacts[0])

    def settle(self) -> None:
        """Bring the values of the latest second up to date; call it before reading `evaluator`.

        No other state and no output depends on when, or how often, this is called.
        """
        self.pair_time.settle()

    def capture(self) -> Capture:
        """Copy the state, so that `Capture.pack` can run while the engine continues."""
        self.settle()
        sections = self._whole.sections()
        return Capture(self._whole.head(), {name: section.copied() for name, section in sections.items()})

    def snapshot(self) -> bytes:
        """Serialise the state: restored elsewhere and fed the same log, it gives the same output."""
        self.settle()
        return pack(self._whole.head(), self._whole.sections())

    def restore(self, data: bytes) -> None:
        """Restore a snapshot, with its own definitions.

        Args:
            data: From `snapshot` of an engine of the same universe and partition. If its catalogue
                differs, `definitions_wait` is true until `adopt`.

        Raises:
            SnapshotError: It does not match the engine, or is corrupt; the state is unchanged.
            ArtefactsError: The set in force cannot be found; the state is unchanged.
            TransportError: Sets cannot be looked for now; the state is unchanged.
        """
        whole = restored_state(data, self.world, self.catalogue, None)
        whole.evaluator.look_up_in(self._lookups.under(int(whole.artefacts[0])))
        self._use(whole)
        self._counted_before = source_counts(self.state)
        # Here nobody waits for it; at the end of the first minute its events would.
        self.pair_time.warm()

    @property
    def definitions_wait(self) -> bool:
        """Whether the state's definitions differ from those the engine was built with."""
        in_force = self.evaluator.catalogue.digest
        return in_force != self.catalogue.digest or bool(self._whole.orphans)

    @property
    def asked_catalogue(self) -> int | None:
        """`Catalogue.mark` requested by the latest settings mark of the log; None without any."""
        asked, marks = self._whole.settings.tolist()
        return asked if marks else None

    @property
    def adoption_is_due(self) -> bool:
        """Whether the engine's own definitions are pending, and the log requests no others."""
        asked = self.asked_catalogue
        return self.definitions_wait and (asked is None or asked in self.catalogue.marks)

    def adopt(self) -> list[Event]:
        """Put the engine's own definitions in force, between two frames or at a settings mark.

        Returns:
            A `withdrawn` event for every open episode of a removed or changed definition.
        """
        self.settle()
        # What an earlier release published has no extensions: its own definitions are adopted first.
        before_extend = self._whole.before_extend
        catalogue = self.catalogue.without_extend if before_extend else self.catalogue
        whole, events = adopt(self._whole, catalogue, self.evaluator.lookups)
        self._use(whole)
        return events

    def keep_published_versions(self) -> bool:
        """Note, where the silence behind a restore ends, what readers have seen up to there.

        A snapshot of an earlier release may hold definitions that have another version now. What that
        release published, before its snapshot and after it, goes on under the version it was published under.

        Returns:
            Whether there was anything to note: a snapshot from here on has it, one from before has not.
        """
        if not self._whole.published_as and not self._whole.before_extend:
            return False
        self._use(self._whole.keep_published_versions())
        return True

    def mark_rebuilt(self) -> None:
        """Mark that the engine starts in the middle of a history: its counts have quality `rebuilt`."""
        self._whole.mark_rebuilt()

    def expose(self) -> Exposed:
        """Copy what metrics show; counts of records begin when the engine is made or restored."""
        self.settle()
        return expose(self.world, self.state, self.evaluator, self._counted_before)
