"""Converts the output of a step to records: counted, and in the required order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from consumers.metrics.counters import WorkerCounters
from consumers.worker.publications import (
    day_bar_records,
    dead_letter_record,
    event_record,
    minute_bar_records,
)
from core.kafka.records import OutgoingRecord, Record
from core.model.records import TICK, BarFlag, Frequency, TickKind
from core.model.timestamps import rfc3339
from core.runtime.reason_log import printable_bytes

if TYPE_CHECKING:
    from core.engine.step_output import StepOutput
    from core.events.events import Event


class StepRecords:
    """Converts the output of one partition's steps to records.

    Args:
        partition: Partition number.
        bars_sequence: Sequence of the next frame of minute bars.
        counters: Counters of the worker.
        dead_letter_max_bytes: Maximum bytes of a payload in a dead letter.
    """

    def __init__(
        self, partition: int, *, bars_sequence: int, counters: WorkerCounters, dead_letter_max_bytes: int
    ) -> None:
        self.bars_sequence = bars_sequence
        self._partition = partition
        self._counters = counters
        self._dead_letter_max_bytes = dead_letter_max_bytes

    def of_step(self, record: Record, output: StepOutput) -> list[OutgoingRecord]:
        """Return the records of events, bars and dead letters of one step."""
        records = self.of_events(output.events)
        counters = self._counters
        for bars in output.day_bars:
            counters.bars.add(Frequency.DAY.label, len(bars))
            records.extend(day_bar_records(bars, self._partition, record.offset))
        for bars in output.minute_bars:
            marks = int(((bars["flags"] & BarFlag.COMPLETE_MARK) != 0).sum())
            counters.bars.add(Frequency.MINUTE.label, len(bars) - marks)
            frames = list(minute_bar_records(bars, self._partition, self.bars_sequence))
            self.bars_sequence += len(frames)
            records.extend(frames)
        for letter in output.dead_letters:
            records.append(self._letter(record, letter.reason, letter.payload, None))
        return records

    def of_events(self, events: Iterable[Event]) -> list[OutgoingRecord]:
        """Return the records of events without a log record, as for a change of definitions."""
        records = []
        for event in events:
            self._counters.transition(event)
            records.append(event_record(event))
        return records

    def of_refused(self, record: Record, reason: str, message: str) -> list[OutgoingRecord]:
        """Return the dead letter of a record that could not be processed."""
        return [self._letter(record, reason, record.value, message)]

    def _letter(self, record: Record, reason: str, payload: bytes, message: str | None) -> OutgoingRecord:
        self._counters.dead_letters.add(reason)
        self._counters.dead_letter_log.note(
            reason,
            lambda: message or _example(payload),
            partition=record.partition,
            offset=record.offset,
        )
        return dead_letter_record(
            reason,
            payload,
            max_bytes=self._dead_letter_max_bytes,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            message=message,
        )


def _example(payload: bytes) -> str:
    """Name the tick that a payload is; the beginning of any other payload."""
    if len(payload) != TICK.itemsize:
        return printable_bytes(payload)
    tick = np.frombuffer(payload, TICK)[0]
    kind = int(tick["kind"])
    name = TickKind(kind).name.lower() if kind in list(TickKind) else f"kind {kind}"
    return (
        f"{name} of instrument {tick['instrument_id']} from source {tick['source']} at "
        f"{rfc3339(int(tick['ts_event']))}, price {tick['price']}, size {tick['size']}, id {tick['trade_id']}"
    )
