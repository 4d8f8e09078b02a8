"""Records read, records to publish, and committed positions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Record:
    """One record of the log."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    headers: Headers
    timestamp_ms: int
    """When the record was appended or produced, wall time, ms UTC."""


class Committed(NamedTuple):
    """What a group last committed for a partition.

    Args:
        offset: The next record to step.
        metadata: The string stored with it; empty when there is none.
    """

    offset: int
    metadata: str


class OutgoingRecord(NamedTuple):
    """One record to publish.

    Args:
        topic: Where it goes.
        key: Kafka key, or None.
        value: Kafka value.
        headers: Kafka headers.
        partition: Explicit partition, or None to let the key decide.
    """

    topic: str
    key: bytes | None
    value: bytes
    headers: Headers
    partition: int | None = None


@dataclass(frozen=True, slots=True)
class OutgoingBatch:
    """The outbox at one moment: these records, then this position.

    Args:
        records: What must be in the log before the position may be committed.
        position: Next offset and its metadata.
    """

    records: tuple[OutgoingRecord, ...]
    position: Committed
