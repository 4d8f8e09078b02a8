"""One partition: its engine, its outbox, its place in the log."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from consumers.counters import PartitionCounters, WorkerCounters
from consumers.outbox import Batch, Outbox, OutboxRecord
from consumers.position import Plan, Position
from consumers.publications import day_bar_records, dead_letter_record, event_record, minute_bar_records
from consumers.transport import Record
from core.errors import FrameError
from core.frames import HEADER_BYTES
from core.records import NANOSECONDS_PER_SECOND, TICK, BarFlag, Frequency

if TYPE_CHECKING:
    from core.engine import StepOutput
    from core.metrics import Sample

POISON_REASON: Final = "step_raised"
_TS_EVENT: Final = struct.Struct("<q")
_LAST_TICK: Final = TICK.itemsize


class Engine(Protocol):
    """What a worker needs of `core.engine.PartitionEngine`."""

    @property
    def clock_ns(self) -> int:
        """Event time up to which the partition is complete."""

    @property
    def baseline_offset(self) -> int:
        """Offset from which a fresh engine reproduces this state."""

    def step(self, payload: bytes, offset: int) -> StepOutput:
        """Take one frame in; `FrameError` leaves the state as it was."""

    def samples(self) -> Iterator[Sample]:
        """The values of this moment."""


class PartitionPhase(StrEnum):
    """Whether what the engine says is news."""

    RESTORING = "restoring"
    """Stepping records again whose output an earlier run, or an earlier engine, has published."""
    RUNNING = "running"


class PartitionTask:
    """Steps the records of one partition and keeps what they made the engine say.

    A step that raises may have left the state half changed. Its offset is then poison: the
    record goes to the dead letters, and a fresh engine steps the log again from the baseline,
    muted, without that record. Whoever owns the transport sees `rebuild_from` and seeks there.

    Args:
        partition: Number of the partition.
        make_engine: Makes a fresh engine for it.
        plan: Where to start.
        end_at_start: End of the log when the worker started; ready once that is reached.
        counters: Where to count.
        dead_letter_max_bytes: Bytes kept of what cannot be used.
    """

    def __init__(
        self,
        partition: int,
        make_engine: Callable[[], Engine],
        *,
        plan: Plan,
        end_at_start: int,
        counters: WorkerCounters,
        dead_letter_max_bytes: int,
    ) -> None:
        self.partition = partition
        self.engine = make_engine()
        self.outbox = Outbox()
        self.next_offset = plan.seek_to
        self.end_offset = end_at_start
        self.last_append_ms: int | None = None
        self.newest_ts_event_ns: int | None = None
        self.failures_in_a_row = 0
        self.rebuild_from: int | None = None
        self.committed = plan.committed
        self._make_engine = make_engine
        self._end_at_start = end_at_start
        self._caught_up = False
        self._replay_from = plan.seek_to
        self._muted_until = plan.muted_until
        self._baseline = plan.seek_to
        self._bars_sequence = plan.bars_sequence
        self._poison = set(plan.poison)
        self._commits = plan.commits
        self._counters = counters
        self._dead_letter_max_bytes = dead_letter_max_bytes
        self._own: PartitionCounters = counters.of(partition)
        self._log = structlog.get_logger("rotascope.worker").bind(partition=partition)

    @property
    def phase(self) -> PartitionPhase:
        """Whether the engine is still being brought back to where it was."""
        return PartitionPhase.RESTORING if self.next_offset < self._muted_until else PartitionPhase.RUNNING

    @property
    def ready(self) -> bool:
        """Whether the partition runs and has once reached the end of the log seen at start."""
        self._caught_up = self._caught_up or self.next_offset >= self._end_at_start
        return self._caught_up and self.phase is PartitionPhase.RUNNING

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
            newest = records[-1].value
            self.end_offset = max(self.end_offset, records[-1].offset + 1)
            if len(newest) >= HEADER_BYTES + _LAST_TICK:
                (self.newest_ts_event_ns,) = _TS_EVENT.unpack_from(newest, len(newest) - _LAST_TICK)

    def skip_to(self, offset: int) -> None:
        """Pass offsets that hold no record: transaction markers, or what compaction removed."""
        if offset > self.next_offset:
            muted = self.next_offset < self._muted_until
            self.next_offset = offset
            if not muted:
                self.outbox.add((), next_offset=offset)

    def step(self, record: Record) -> None:
        """Step one record, or set it aside when it cannot be stepped.

        Args:
            record: The next one of this partition. One that lies before `next_offset` was
                fetched before a seek, and is passed over.
        """
        offset = record.offset
        if offset < self.next_offset or self.rebuild_from is not None:
            return
        muted = offset < self._muted_until
        if offset in self._poison:
            self._advance(record, muted, ())
            return
        try:
            output = self.engine.step(record.value, offset)
        except FrameError as error:
            self._failed(muted)
            self._advance(record, muted, self._dead_letter(record, error.reason, str(error), muted))
        except Exception as error:
            # Whatever a step raises, one record must not stop the stream.
            self._poisoned(record, error, muted)
        else:
            self._advance(record, muted, () if muted else self._publications(record, output))
            if not muted:
                self.failures_in_a_row = 0
                self._baseline = max(self._replay_from, self.engine.baseline_offset)
            own = self._own
            own.frames += 1
            own.ticks += (len(record.value) - HEADER_BYTES) // _LAST_TICK
            own.received_bytes += len(record.value)

    def batch(self) -> Batch:
        """What waits in the outbox, with the position a restart needs."""
        position = Position(
            baseline=self._baseline,
            bars_sequence=self._bars_sequence,
            poison=tuple(sorted(offset for offset in self._poison if offset >= self._baseline)),
            commits=self._commits + 1,
        )
        return self.outbox.batch(position.encode())

    def settle(self, batch: Batch) -> None:
        """The batch is published and its position committed."""
        self.outbox.settle(batch)
        self.committed = batch.position
        self._commits += 1

    def rebuilding(self) -> None:
        """The transport has been sought to `rebuild_from`: begin anew from there."""
        self.next_offset = self._replay_from = self._baseline
        self.rebuild_from = None
        self.engine = self._make_engine()

    def _advance(
        self, record: Record, muted: bool, said: tuple[OutboxRecord, ...] | list[OutboxRecord]
    ) -> None:
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
        self._poison.add(record.offset)
        self._advance(record, muted, self._dead_letter(record, POISON_REASON, repr(error), muted))
        self._muted_until = max(self._muted_until, self.next_offset)
        self.rebuild_from = self._baseline

    def _failed(self, muted: bool) -> None:
        # The replay after a poison record steps many good ones again: they are no sign of health.
        self.failures_in_a_row += 0 if muted else 1

    def _dead_letter(
        self, record: Record, reason: str, message: str, muted: bool
    ) -> tuple[OutboxRecord, ...]:
        if muted:
            return ()
        self._counters.dead_letters[reason] += 1
        self._log.warning("record cannot be used", offset=record.offset, reason=reason, message=message)
        return (
            dead_letter_record(
                reason,
                record.value,
                max_bytes=self._dead_letter_max_bytes,
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                message=message,
            ),
        )

    def _publications(self, record: Record, output: StepOutput) -> list[OutboxRecord]:
        """Events, bars and dead letters of one step, counted, in the order a reader needs."""
        said: list[OutboxRecord] = []
        counters = self._counters
        for event in output.events:
            counters.events[event.definition, event.state] += 1
            said.append(event_record(event))
        for bars in output.day_bars:
            counters.bars[Frequency.DAY.label] += len(bars)
            said.extend(day_bar_records(bars, self.partition, record.offset))
        for bars in output.minute_bars:
            marks = int(((bars["flags"] & BarFlag.COMPLETE_MARK) != 0).sum())
            counters.bars[Frequency.MINUTE.label] += len(bars) - marks
            frames = list(minute_bar_records(bars, self.partition, self._bars_sequence))
            self._bars_sequence += len(frames)
            said.extend(frames)
        for letter in output.dead_letters:
            counters.dead_letters[letter.reason] += 1
            said.append(
                dead_letter_record(
                    letter.reason,
                    letter.payload,
                    max_bytes=self._dead_letter_max_bytes,
                    topic=record.topic,
                    partition=record.partition,
                    offset=record.offset,
                )
            )
        return said
