"""The snapshots topic in memory, and an engine whose state is a few bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any

from consumers.snapshots.records import SnapshotName, snapshot_records
from core.kafka.records import OutgoingRecord, Record
from core.model.errors import SnapshotError

PARTITION = 3


@dataclass
class MemoryLog:
    """Records of one partition, as a reader finds them; `compact` keeps the last of each key."""

    partition: int = PARTITION

    records: list[Record] = field(default_factory=list)
    reads: list[int | None] = field(default_factory=list)

    def append(self, records: Iterable[OutgoingRecord]) -> None:
        for each in records:
            assert each.partition == self.partition
            offset = self.records[-1].offset + 1 if self.records else 0
            self.records.append(
                Record(each.topic, each.partition, offset, each.key, each.value, each.headers, 0)
            )

    def marker(self) -> None:
        """Leave an offset without a record, as a transaction's end does."""
        last = self.records.pop()
        self.records.append(Record(**{**_fields(last), "offset": last.offset + 1}))

    def compact(self) -> None:
        latest = {record.key: record for record in self.records}
        self.records = sorted(latest.values(), key=lambda record: record.offset)

    def read(self, partition: int, *, last: int | None = None) -> Iterator[Record]:
        assert partition == self.partition
        self.reads.append(last)
        end = self.records[-1].offset + 1 if self.records else 0
        first = 0 if last is None else end - last
        return (record for record in self.records if record.offset >= first)

    def change(self, key: bytes, value: bytes | None) -> None:
        """Put another value under a key, or drop it."""
        changed = [
            record if record.key != key else Record(**{**_fields(record), "value": value})
            for record in self.records
            if record.key != key or value is not None
        ]
        assert changed != self.records
        self.records = changed


def _fields(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in Record.__slots__}


@dataclass
class StateEngine:
    """An engine that is its bytes."""

    state: bytes = b"fresh"
    rebuilt: bool = False

    def restore(self, data: bytes) -> None:
        if not data.startswith(b"state"):
            raise SnapshotError("the snapshot belongs to another universe or partition")
        self.state = data

    def mark_rebuilt(self) -> None:
        self.rebuilt = True

    def capture(self) -> StateCapture:
        return StateCapture(self.state)


@dataclass
class StateCapture:
    """As `core.engine.engine.Capture`."""

    state: bytes
    sections: Mapping[str, Any] = field(default_factory=dict)

    def pack(self) -> bytes:
        return self.state


class LaterExecutor(Executor):
    """Runs what it was given when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Future[Any], Any, Any]] = []

    def submit(self, function: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.waiting.append((future, function, arguments))
        return future

    def work(self) -> None:
        for future, function, arguments in self.waiting:
            try:
                future.set_result(function(*arguments))
            except Exception as error:
                future.set_exception(error)
        self.waiting.clear()


def write(log: MemoryLog, data: bytes, *, number: int, next_offset: int) -> SnapshotName:
    """Append one snapshot."""
    name, records = snapshot_records(
        data, {"pairs": "1"}, partition=PARTITION, number=number, next_offset=next_offset
    )
    log.append(records)
    return name
