"""One partition: its engine, its outbox and its position in the log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import structlog

from consumers.metrics.counters import PartitionCounters, WorkerCounters
from consumers.metrics.gate import StateGate
from consumers.snapshots.checkpoint import Checkpointer
from consumers.snapshots.restore import Opened
from consumers.worker.engine import Engine
from consumers.worker.outbox import Outbox
from consumers.worker.phase import PartitionPhase
from consumers.worker.publications import ValuesTopic
from consumers.worker.restart_position import RestartPosition
from consumers.worker.step_records import StepRecords
from core.kafka.records import Committed, OutgoingBatch, OutgoingRecord, Record
from core.model.errors import ArtefactsError, FrameError, SessionError, TransportError
from core.model.frames import newest_ts_event_ns, ticks_in
from core.model.records import NANOSECONDS_PER_SECOND

QUARANTINE_REASON: Final = "step_raised"


class PartitionTask:
    """Processes the records of one partition and collects the output.

    A step that raises may leave the state inconsistent. Its offset is then quarantined: the record is
    dead-lettered, and the engine is restored as after a restart and replays the log without that record,
    with output suppressed. The owner of the transport checks `needs_engine` and calls `restored`.

    Args:
        partition: Partition number.
        opened: Its engine and start plan.
        checkpointer: Writes its snapshots.
        end_at_start: End of the log when it was opened; ready once that is reached.
        values_topic: Where values go.
        counters: Counters of the worker.
        dead_letter_max_bytes: Maximum bytes of a payload in a dead letter.
    """

    def __init__(
        self,
        partition: int,
        opened: Opened[Engine],
        *,
        checkpointer: Checkpointer,
        end_at_start: int,
        values_topic: ValuesTopic,
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
        """Consecutive failures to unpack its next batch."""
        self.needs_engine = False
        self.end_known = True
        self._end_at_start = end_at_start
        self._caught_up = False
        self._replay_from = plan.seek_to
        self._suppressed_until = plan.suppressed_until
        self._restart = RestartPosition(partition, plan)
        self._adopt_again_at = opened.adopt_again_at
        self._names_are_open = True
        self._published_until = plan.suppressed_until
        self._last_cut = plan.seek_to
        self._portion_waits = False
        self._step_records = StepRecords(
            partition,
            bars_sequence=plan.position.bars_sequence,
            values_topic=values_topic,
            counters=counters,
            dead_letter_max_bytes=dead_letter_max_bytes,
        )
        self._own: PartitionCounters = counters.of(partition)
        self._log = structlog.get_logger("rotascope.worker").bind(partition=partition)

    @property
    def committed(self) -> Committed | None:
        """The offset committed last; None before the first commit of the group."""
        return self._restart.committed

    @property
    def phase(self) -> PartitionPhase:
        """Whether the engine is still restoring."""
        restoring = self.needs_engine or self.next_offset < self._suppressed_until
        return PartitionPhase.RESTORING if restoring else PartitionPhase.RUNNING

    @property
    def ready(self) -> bool:
        """Whether the partition runs and has once reached the end of the log seen at start."""
        return self.phase is PartitionPhase.RUNNING and self._reached_end()

    @property
    def restore_ratio(self) -> float:
        """Completed share of the replay with suppressed output."""
        length = self._suppressed_until - self._replay_from
        return 1.0 if length <= 0 else min(1.0, (self.next_offset - self._replay_from) / length)

    @property
    def lag_records(self) -> int:
        """Unprocessed records of the log, as of the last fetch."""
        return max(0, self.end_offset - self.next_offset)

    @property
    def event_time_lag_seconds(self) -> float | None:
        """Event time of the newest fetched tick minus the clock; None until both are known."""
        clock_ns = self.engine.clock_ns
        if self.newest_ts_event_ns is None or clock_ns <= 0:
            return None
        return max(0, self.newest_ts_event_ns - clock_ns) / NANOSECONDS_PER_SECOND

    def fetched(self, records: list[Record], end_offset: int | None) -> None:
        """Record a poll's result, for the lag.

        Args:
            records: Of this partition, in log order; may be empty.
            end_offset: End of the log as of the fetch.
        """
        if end_offset is not None:
            self.end_offset = max(self.end_offset, end_offset)
        if records:
            self.unreadable_in_a_row = 0
            self.end_offset = max(self.end_offset, records[-1].offset + 1)
            newest_ns = newest_ts_event_ns(records[-1].value)
            if newest_ns is not None:
                self.newest_ts_event_ns = newest_ns

    def skip_to(self, offset: int) -> None:
        """Skip offsets without records: transaction markers and compacted records.

        Without an engine nothing is skipped: records fetched meanwhile were discarded and will be replayed.
        """
        if offset > self.next_offset and not self.needs_engine:
            suppressed = self.next_offset < self._suppressed_until
            self.next_offset = offset
            if not suppressed:
                self.outbox.add((), next_offset=offset)

    def step(self, record: Record) -> None:
        """Process one record, or quarantine it if that fails.

        Args:
            record: The next record of this partition. A record before `next_offset` was fetched before
                a seek, and is skipped.

        Raises:
            SessionError: A calendar has no session after the record's event time.
            ArtefactsError: The record puts a set of artefacts in force that cannot be found.
            TransportError: Sets cannot be looked for now; step the record again.
        """
        offset = record.offset
        if offset < self.next_offset or self.needs_engine:
            return
        suppressed = offset < self._suppressed_until
        self._adopt_again(offset)
        if offset >= self._published_until:
            self._keep_published_names()
        if self._restart.is_quarantined(offset):
            self._advance(record, suppressed, ())
            return
        try:
            output = self.engine.step(record.value, offset)
        except FrameError as error:
            self._failed(suppressed)
            self._advance(
                record,
                suppressed,
                () if suppressed else self._step_records.of_refused(record, error.reason, str(error)),
            )
        except (SessionError, ArtefactsError, TransportError):
            # The calendar has ended, or what the log names is not there: no record is to blame, and every
            # later one would fail as well.
            raise
        except Exception as error:
            # Any other exception: one record must not stop the stream.
            self._quarantine(record, error, suppressed)
        else:
            self._advance(
                record, suppressed, () if suppressed else self._step_records.of_step(record, output)
            )
            if not suppressed:
                self.failures_in_a_row = 0
                self._restart.raise_baseline(self.engine.baseline_offset)
            self._own.stepped(ticks_in(record.value), len(record.value))

    def adopt_definitions(self, gate: StateGate) -> None:
        """Put this worker's definitions in force, once permitted.

        The accompanying snapshot lets a restart begin after the change. If it is unusable,
        `Position.adopted_at` tells a restart where to repeat the change, with output suppressed.

        Args:
            gate: Held while the engine changes, but not while the snapshot is packed.
        """
        if self.phase is not PartitionPhase.RUNNING:
            return
        with gate.stepping():
            self._keep_published_names()
            self._adopt_again(self.next_offset)
            if not self.engine.adoption_is_due:
                return
            events = self.engine.adopt()
        self._restart.adopted(self.next_offset)
        self._log.info("definitions changed", withdrawn=len(events), at_offset=self.next_offset)
        self.outbox.add(self._step_records.of_events(events), next_offset=self.next_offset)
        if self.checkpointer.enabled:
            self._last_cut = self.next_offset
            whole = self.checkpointer.write_whole(self.engine, self.next_offset)
            self.outbox.add(whole, next_offset=self.next_offset)

    def checkpoint(self) -> None:
        """Start a snapshot if due, and add the next portion of one to the outbox."""
        if self.phase is not PartitionPhase.RUNNING:
            return
        self._keep_published_names()
        if self.checkpointer.due and self.next_offset > self._last_cut:
            self._last_cut = self.next_offset
            self.checkpointer.begin(self.engine, self.next_offset)
        if not self._portion_waits and (portion := self.checkpointer.portion()):
            self._portion_waits = True
            self.outbox.add(portion, next_offset=self.next_offset)

    def batch(self) -> OutgoingBatch:
        """Return the waiting output, with the position for a restart."""
        position = self._restart.next_commit(self._step_records.bars_sequence, self.checkpointer.named)
        return self.outbox.batch(position.encode())

    def settle(self, batch: OutgoingBatch) -> None:
        """Remove a batch that is published and whose position is committed."""
        self.outbox.settle(batch)
        self._restart.settle(batch.position)
        self._portion_waits = False

    def restart_position(self) -> Committed:
        """Return the position to which a replacement engine is restored; output before it is suppressed."""
        return self._restart.of_replacement(self.next_offset, self._step_records.bars_sequence)

    def restored(self, opened: Opened[Engine]) -> None:
        """Continue with a restored engine; the transport has been sought to its start."""
        self._caught_up = self._reached_end()
        self.next_offset = self._replay_from = opened.plan.seek_to
        self._restart.set_baseline(opened.plan.position.baseline)
        self._adopt_again_at = opened.adopt_again_at
        self.engine = opened.engine
        self.needs_engine = False
        self._names_are_open = True

    def _reached_end(self) -> bool:
        return self._caught_up or self.next_offset >= self._end_at_start

    def _adopt_again(self, offset: int) -> None:
        """Repeat a change of definitions that an earlier run made and published."""
        if self._adopt_again_at is not None and offset >= self._adopt_again_at:
            self._adopt_again_at = None
            if self.engine.definitions_wait:
                self.engine.adopt()

    def _keep_published_names(self) -> None:
        """Record the versions under which an earlier release published episodes, once, where its output ends.

        A snapshot is written here, so that a restart begins after this offset: the log does not show which
        release published an event.
        """
        if not self._names_are_open:
            return
        self._names_are_open = False
        if self.engine.keep_published_versions() and self.checkpointer.enabled:
            here = max(self.next_offset, self._published_until)
            self._last_cut = here
            self.outbox.add(self.checkpointer.write_whole(self.engine, here), next_offset=here)

    def _advance(self, record: Record, suppressed: bool, records: Iterable[OutgoingRecord]) -> None:
        self.next_offset = record.offset + 1
        self.last_append_ms = record.timestamp_ms
        if not suppressed:
            self.outbox.add(records, next_offset=self.next_offset)

    def _quarantine(self, record: Record, error: Exception, suppressed: bool) -> None:
        self._log.error(
            "step raised, record quarantined", offset=record.offset, error=repr(error), exc_info=error
        )
        self._failed(suppressed)
        self._own.quarantined += 1
        self._restart.quarantine(record.offset)
        records = () if suppressed else self._step_records.of_refused(record, QUARANTINE_REASON, repr(error))
        self._advance(record, suppressed, records)
        self._suppressed_until = max(self._suppressed_until, self.next_offset)
        self.needs_engine = True

    def _failed(self, suppressed: bool) -> None:
        # The replay after a quarantined record processes many valid ones again, which must not reset the
        # count.
        self.failures_in_a_row += 0 if suppressed else 1
