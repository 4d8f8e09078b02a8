"""The narrow seam between our loops and a Kafka client.

The worker knows nothing else of Kafka: a second client, and the fakes of the unit tests, stand
behind the same interface. Every method may raise `TransportError`, nothing else of the client's.

Where exactly-once will plug in, so that it adds methods and changes none:

- group membership: `subscribe` beside `assign`, with a listener that only records intent, and
  group metadata captured by `poll`;
- transactions: `begin`, `commit` with the captured metadata, `abort`, in place of the plain
  `commit`. The outbox is already kept until the outcome of `commit` is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

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


class Delivery(Protocol):
    """The fate of one sent record."""

    def failure(self) -> str | None:
        """Why the record is not known to be in the log; None once the broker acknowledged it."""


class Transport(Protocol):
    """What a loop needs from a Kafka client. Used from one thread only."""

    def partitions(self, topic: str) -> int:
        """Number of partitions of a topic; raises when the topic does not exist."""

    def assign(self, topic: str, partitions: Sequence[int]) -> None:
        """Read these partitions of one topic, and no others. `seek` each before the first poll."""

    def poll(self, timeout_ms: int) -> dict[int, list[Record]]:
        """Records by partition, in log order; empty when nothing came within `timeout_ms`."""

    def seek(self, partition: int, offset: int) -> None:
        """Let the next poll of an assigned partition begin at `offset`."""

    def position(self, partition: int) -> int:
        """Offset the next poll begins at: past control records, which `poll` never returns."""

    def end_seen(self, partition: int) -> int | None:
        """End of the log as the last fetch saw it, without asking the broker."""

    def begin_offset(self, partition: int) -> int:
        """Offset of the oldest record that is still there."""

    def end_offset(self, partition: int) -> int:
        """Offset behind the newest record that can be read."""

    def committed(self, partition: int) -> Committed | None:
        """What the group last committed; None when it never did."""

    def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes,
        headers: Headers,
        partition: int | None = None,
    ) -> Delivery:
        """Queue one record. Never blocks on a slow broker: whoever sends bounds the amount."""

    def flush(self, timeout_ms: int) -> None:
        """Wait until every queued record is acknowledged, failed, or `timeout_ms` have passed."""

    def discard_sends(self) -> None:
        """Give up whatever was sent and not acknowledged, and send on with a fresh client."""

    def commit(self, offsets: Mapping[int, Committed]) -> None:
        """Store the next offset and its metadata for each partition."""

    def close(self) -> None:
        """Release sockets and threads. Sends and commits nothing, and never raises."""


def first_failure(deliveries: Iterable[Delivery]) -> str | None:
    """Check every delivery, and say why the first bad one failed.

    A client can report success for a batch some of whose records were lost, so each record's
    own outcome counts and nothing else does.

    Args:
        deliveries: What `send` returned, after `flush`.

    Returns:
        None when the broker acknowledged every record.
    """
    failures = [reason for delivery in deliveries if (reason := delivery.failure()) is not None]
    if not failures:
        return None
    return f"{len(failures)} records not acknowledged; the first: {failures[0]}"
