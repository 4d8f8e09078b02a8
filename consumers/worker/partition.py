"""One partition: its engine, its outbox, its place in the log."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import structlog
from msgspec.structs import replace

from consumers.metrics.counters import PartitionCounters, WorkerCounters
from consumers.metrics.gate import StateGate
from consumers.snapshots.checkpoint import Checkpointer
from consumers.snapshots.position import Position, decode_position
from consumers.snapshots.records import SnapshotName
from consumers.snapshots.restore import Opened
from consumers.worker.engine import Engine
from consumers.worker.outbox import Outbox
from consumers.worker.step_records import StepRecords
from core.kafka.records import Committed, OutgoingBatch, OutgoingRecord, Record
from core.model.errors import FrameError, SessionError
from core.model.frames import HEADER_BYTES
from core.model.records import NANOSECONDS_PER_SECOND, TICK

POISON_REASON: Final = "step_raised"
_TS_EVENT: Final = struct.Struct("<q")
_LAST_TICK: Final = TICK.itemsize


class PartitionPhase(StrEnum):
    """Whether what the engine says is news."""

    RESTORING = "restoring"
    """Stepping records again whose output an earlier run, or an earlier engine, has published."""
    RUNNING = "running"


class PartitionTask:
    """Steps the records of one partition and keeps what they made the engine say.

    A step that raises may have left the state half changed. Its offset is then poison: the record
    goes to the dead letters, and an engine restored as if after a restart steps the log again,
    muted, without that record. Whoever owns the transport sees `needs_engine`, and calls `restored`.

    Args:
        partition: Number of the partition.
        opened: Its engine, and where to start.
        checkpointer: Writes its snapshots.
        end_at_start: End of the log when it was opened; ready once that is reached.
        counters: Where to count.
        dead_letter_max_bytes: Bytes kept of what cannot be used.
    """

    def __init__(
        self,
        partition: int,
        opened: Opened[Engine],
        *,
        checkpointer: Checkpointer,
        end_at_start: int,
        counters: WorkerCounters,
        dead_letter_max_bytes: int,
    ) -> None:
        plan = opened.plan
        self.partition = partition
        self.engine = opened.engine
        self.outbox = Outbox()
        self.checkpointer = checkpointer
        self.next_offset = plan.seek_to
        self.end_offset = end_at_start
        self.last_append_ms: int | None = None
        self.newest_ts_event_ns: int | None = None
        self.failures_in_a_row = 0
        self.unreadable_in_a_row = 0
        """How often its next batch could not be unpacked since a record last came."""
        self.needs_engine = False
        self.end_known = True
        self.committed = plan.committed
        self._end_at_start = end_at_start
        self._caught_up = False
        self._replay_from = plan.seek_to
        self._muted_until = plan.muted_until
        self._stands = plan.position
        self._adopt_again_at = opened.adopt_again_at
        self._last_cut = plan.seek_to
        self._portion_waits = False
        self._said = StepRecords(
            partition,
            bars_sequence=plan.position.bars_sequence,
            counters=counters,
            dead_letter_max_bytes=dead_letter_max_bytes,
        )
        self._own: PartitionCounters = counters.of(partition)
        self._log = structlog.get_logger("rotascope.worker").bind(partition=partition)

    @property
    def phase(self) -> PartitionPhase:
        """Whether the engine is still being brought back to where it was."""
        restoring = self.needs_engine or self.next_offset < self._muted_until
        return PartitionPhase.RESTORING if restoring else PartitionPhase.RUNNING

    @property
    def ready(self) -> bool:
        """Whether the partition runs and has once reached the end of the log seen at start."""
        return self.phase is PartitionPhase.RUNNING and self._reached_end()

    @property
    def restore_ratio(self) -> float:
        """Share of the muted replay that is done."""
        length = self._muted_until - self._replay_from
        return 1.0 if length <= 0 else min(1.0, (self.next_offset - self._replay_from) / length)

    @property
    def lag_records(self) -> int:
        """Records of the log that have not been stepped, as far as the last fetch saw."""
        return max(0, self.end_offset - self.next_offset)

    @property
    def event_time_lag_seconds(self) -> float | None:
        """Event time of the newest fetched tick less the clock; None before both are known."""
        clock_ns = self.engine.clock_ns
        if self.newest_ts_event_ns is None or clock_ns <= 0:
            return None
        return max(0, self.newest_ts_event_ns - clock_ns) / NANOSECONDS_PER_SECOND

    def fetched(self, records: list[Record], end_offset: int | None) -> None:
        """Note what a poll brought, for the lag.

        Args:
            records: Of this partition, in log order; may be empty.
            end_offset: End of the log as the fetch saw it.
        """
        if end_offset is not None:
            self.end_offset = max(self.end_offset, end_offset)
        if records:
            self.unreadable_in_a_row = 0
            newest = records[-1].value
            self.end_offset = max(self.end_offset, records[-1].offset + 1)
            if len(newest) >= HEADER_BYTES + _LAST_TICK:
                (self.newest_ts_event_ns,) = _TS_EVENT.unpack_from(newest, len(newest) - _LAST_TICK)

    def skip_to(self, offset: int) -> None:
        """Pass offsets that hold no record: transaction markers, or what compaction removed.

        Without an engine nothing is passed: what came meanwhile was given up and is still to be stepped.
        """
        if offset > self.next_offset and not self.needs_engine:
            muted = self.next_offset < self._muted_until
            self.next_offset = offset
            if not muted:
                self.outbox.add((), next_offset=offset)

    def step(self, record: Record) -> None:
        """Step one record, or set it aside when it cannot be stepped.

        Args:
            record: The next one of this partition. One that lies before `next_offset` was
                fetched before a seek, and is passed over.

        Raises:
            SessionError: A calendar knows no session behind the record's event time.
        """
        offset = record.offset
        if offset < self.next_offset or self.needs_engine:
            return
        muted = offset < self._muted_until
        self._adopt_again(offset)
        if offset in self._stands.poison:
            self._advance(record, muted, ())
            return
        try:
            output = self.engine.step(record.value, offset)
        except FrameError as error:
            self._failed(muted)
            self._advance(
                record, muted, () if muted else self._said.of_refused(record, error.reason, str(error))
            )
        except SessionError:
            raise  # The calendar has ended: no record is at fault, and every later one would fail as well.
        except Exception as error:
            # Whatever else a step raises, one record must not stop the stream.
            self._poisoned(record, error, muted)
        else:
            self._advance(record, muted, () if muted else self._said.of_step(record, output))
            if not muted:
                self.failures_in_a_row = 0
                if self.engine.baseline_offset > self._stands.baseline:
                    self._stands = replace(self._stands, baseline=self.engine.baseline_offset)
            self._own.stepped((len(record.value) - HEADER_BYTES) // _LAST_TICK, len(record.value))

    def adopt_definitions(self, gate: StateGate) -> None:
        """Put the definitions in force that this worker was started with, once they may be.

        The snapshot that goes with it makes a restart begin behind the change, where it can; where
        it cannot, `Position.adopted_at` says where the change is to be made again, in silence.

        Args:
            gate: Held while the engine changes, and not while the snapshot is packed.
        """
        if self.phase is not PartitionPhase.RUNNING:
            return
        with gate.stepping():
            self._adopt_again(self.next_offset)
            if not self.engine.adoption_is_due:
                return
            events = self.engine.adopt()
        self._stands = replace(self._stands, adopted_at=self.next_offset)
        self._log.info("definitions changed", withdrawn=len(events), at_offset=self.next_offset)
        self.outbox.add(self._said.of_events(events), next_offset=self.next_offset)
        if self.checkpointer.enabled:
            self._last_cut = self.next_offset
            whole = self.checkpointer.write_whole(self.engine, self.next_offset)
            self.outbox.add(whole, next_offset=self.next_offset)

    def checkpoint(self) -> None:
        """Begin a snapshot when one is due, and hand the next portion of one to the outbox."""
        if self.phase is not PartitionPhase.RUNNING:
            return
        if self.checkpointer.due and self.next_offset > self._last_cut:
            self._last_cut = self.next_offset
            self.checkpointer.begin(self.engine, self.next_offset)
        if not self._portion_waits and (portion := self.checkpointer.portion()):
            self._portion_waits = True
            self.outbox.add(portion, next_offset=self.next_offset)

    def batch(self) -> OutgoingBatch:
        """What waits in the outbox, with the position a restart needs."""
        position = self._position(self.checkpointer.named, self._stands.commits + 1)
        return self.outbox.batch(position.encode())

    def settle(self, batch: OutgoingBatch) -> None:
        """The batch is published and its position committed."""
        self.outbox.settle(batch)
        self.committed = batch.position
        self._stands = replace(self._stands, commits=self._stands.commits + 1)
        self._portion_waits = False

    def restart_position(self) -> Committed:
        """Where an engine is to be brought that takes this one's place, with output muted up to there.

        Rests on the snapshot that is committed: what has been handed out since may never be.
        """
        stands = (
            None
            if self.committed is None
            else decode_position(self.committed.metadata, partition=self.partition)
        )
        named = None if stands is None else stands.snapshot
        return Committed(self.next_offset, self._position(named, self._stands.commits).encode())

    def restored(self, opened: Opened[Engine]) -> None:
        """Go on with another engine; the transport has been sought to where it begins."""
        self._caught_up = self._reached_end()
        self.next_offset = self._replay_from = opened.plan.seek_to
        self._stands = replace(self._stands, baseline=opened.plan.position.baseline)
        self._adopt_again_at = opened.adopt_again_at
        self.engine = opened.engine
        self.needs_engine = False

    def _reached_end(self) -> bool:
        return self._caught_up or self.next_offset >= self._end_at_start

    def _position(self, named: SnapshotName | None, commits: int) -> Position:
        stands = self._stands
        return replace(
            stands,
            bars_sequence=self._said.bars_sequence,
            poison=tuple(offset for offset in stands.poison if offset >= stands.baseline),
            snapshot=named,
            commits=commits,
        )

    def _adopt_again(self, offset: int) -> None:
        """Change the definitions where an earlier run did, and has published what came of it."""
        if self._adopt_again_at is not None and offset >= self._adopt_again_at:
            self._adopt_again_at = None
            if self.engine.definitions_wait:
                self.engine.adopt()

    def _advance(self, record: Record, muted: bool, said: Iterable[OutgoingRecord]) -> None:
        self.next_offset = record.offset + 1
        self.last_append_ms = record.timestamp_ms
        if not muted:
            self.outbox.add(said, next_offset=self.next_offset)

    def _poisoned(self, record: Record, error: Exception, muted: bool) -> None:
        self._log.error(
            "step raised, record set aside", offset=record.offset, error=repr(error), exc_info=error
        )
        self._failed(muted)
        self._own.poisoned += 1
        self._stands = replace(self._stands, poison=tuple(sorted({*self._stands.poison, record.offset})))
        said = () if muted else self._said.of_refused(record, POISON_REASON, repr(error))
        self._advance(record, muted, said)
        self._muted_until = max(self._muted_until, self.next_offset)
        self.needs_engine = True

    def _failed(self, muted: bool) -> None:
        # The replay after a poison record steps many good ones again: they are no sign of health.
        self.failures_in_a_row += 0 if muted else 1
