"""A log in memory behind the transport seam, with failures on demand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from consumers.outbox import OutboxRecord
from consumers.transport import Committed, Headers, Record
from core.errors import TransportError

TOPIC = "rotascope.ticks.v1"


@dataclass
class FakeDelivery:
    reason: str | None

    def failure(self) -> str | None:
        return self.reason


@dataclass
class FakeBroker:
    """What outlives a worker: the log, what was published, what was committed."""

    partitions: int = 1
    begin: int = 0
    log: dict[int, list[bytes | None]] = field(default_factory=dict)
    """Payloads by partition; None stands for a control record, which no poll returns."""
    published: list[OutboxRecord] = field(default_factory=list)
    committed: dict[int, Committed] = field(default_factory=dict)

    def append(self, payload: bytes | None, partition: int = 0) -> int:
        """Write one record; its offset."""
        log = self.log.setdefault(partition, [])
        log.append(payload)
        return len(log) - 1


class FakeTransport:
    """One connection to a `FakeBroker`.

    Args:
        broker: The log.
        poll_records: Most records of a partition in one poll.
    """

    def __init__(self, broker: FakeBroker, *, poll_records: int = 500) -> None:
        self.broker = broker
        self.poll_records = poll_records
        self.positions: dict[int, int] = {}
        self.fail_next_sends = 0
        self.fail_next_commits = 0
        self.fail_next_polls = 0
        self.closed = False
        self.discarded = 0
        self._sent: list[OutboxRecord] = []

    def partitions(self, topic: str) -> int:
        assert topic == TOPIC
        return self.broker.partitions

    def assign(self, topic: str, partitions: Sequence[int]) -> None:
        self.positions = dict.fromkeys(partitions, -1)

    def poll(self, timeout_ms: int) -> dict[int, list[Record]]:
        if self.fail_next_polls:
            self.fail_next_polls -= 1
            raise TransportError("no broker")
        batches: dict[int, list[Record]] = {}
        for partition, position in self.positions.items():
            assert position >= 0, "polled before it was sought"
            upto = min(position + self.poll_records, self.end_offset(partition))
            batch = [
                Record(TOPIC, partition, offset, None, payload, (), 1_000)
                for offset in range(position, upto)
                if (payload := self.broker.log[partition][offset]) is not None
            ]
            self.positions[partition] = upto
            if batch:
                batches[partition] = batch
        return batches

    def seek(self, partition: int, offset: int) -> None:
        assert partition in self.positions
        self.positions[partition] = offset

    def position(self, partition: int) -> int:
        return self.positions[partition]

    def end_seen(self, partition: int) -> int | None:
        return self.end_offset(partition)

    def begin_offset(self, partition: int) -> int:
        return self.broker.begin

    def end_offset(self, partition: int) -> int:
        return len(self.broker.log.get(partition, []))

    def committed(self, partition: int) -> Committed | None:
        return self.broker.committed.get(partition)

    def send(
        self, topic: str, key: bytes | None, value: bytes, headers: Headers, partition: int | None = None
    ) -> FakeDelivery:
        if self.fail_next_sends:
            self.fail_next_sends -= 1
            return FakeDelivery("the record expired")
        self._sent.append(OutboxRecord(topic, key, value, headers, partition))
        return FakeDelivery(None)

    def flush(self, timeout_ms: int) -> None:
        self.broker.published += self._sent
        self._sent = []

    def discard_sends(self) -> None:
        self.discarded += 1
        self._sent = []

    def commit(self, offsets: Mapping[int, Committed]) -> None:
        if self.fail_next_commits:
            self.fail_next_commits -= 1
            raise TransportError("no coordinator")
        self.broker.committed.update(offsets)

    def close(self) -> None:
        self.closed = True
