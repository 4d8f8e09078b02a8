"""The interface between the worker and a Kafka client.

The worker uses nothing else of Kafka; each client and the fakes of the unit tests implement it.
Every method may raise `TransportError`, and no error of the client's own.

What an implementation must guarantee:

- assignment changes only inside `poll`, and `membership` belongs to the assignment that
  `assignment_changes` has returned: both are captured by that poll and not read later;
- a partition the group has just assigned gives no record before it has been sought;
- `transact` opens a transaction, ends it, and returns in time. Where it cannot know the
  outcome it returns `UNKNOWN`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple, Protocol

from core.kafka.records import Committed, Headers, OutgoingRecord, Record
from core.model.errors import TransportError

RECONNECT_MS: Final = 2_000
"""How long a new client may hold up the loop while it looks for a broker."""


class Delivery(Protocol):
    """The delivery of one record."""

    def failure(self) -> str | None:
        """Why the record is not known to be in the log; None once the broker acknowledged it."""

    def refusal(self) -> TransportError | None:
        """The failure, if a retry cannot succeed; otherwise None."""


class ChangeKind(StrEnum):
    """What the group did with partitions."""

    ASSIGNED = "assigned"
    REVOKED = "revoked"
    """Taken away in good order; the next owner is named only after this member knows."""
    LOST = "lost"
    """Taken away without notice: another member may have worked on them since."""


class AssignmentChange(NamedTuple):
    """One thing the group did."""

    kind: ChangeKind
    partitions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Membership:
    """This member as the group knew it at the end of a poll.

    Args:
        generation: Of the group; never negative.
        member_id: Never empty. Another id than before means that the group had forgotten us.
        handle: What the client needs to prove it to the broker.
    """

    generation: int
    member_id: str
    handle: Any


class OutcomeKind(StrEnum):
    """How a transaction ended."""

    COMMITTED = "committed"
    ABORTED = "aborted"
    """Certainly not committed; the same may be sent again at once."""
    FENCED = "fenced"
    """Certainly not committed: the group has moved on since the membership was captured. Nothing
    may be sent again under this membership."""
    UNKNOWN = "unknown"
    """Either. `rebuild_producer` makes it final; then `committed` returns it."""


class Outcome(NamedTuple):
    """How a transaction ended, and why it did not end well."""

    kind: OutcomeKind
    reason: str = ""


class Transport(Protocol):
    """What a loop needs from a Kafka client. Used from one thread only, but for `fresh_client_answers`."""

    def connect(self, timeout_ms: int) -> None:
        """Find the cluster, where that has not been done yet; before that nothing else may be called.

        Raises:
            TransportError: No broker answers within `timeout_ms`.
        """

    def answers(self) -> int:
        """Number of responses that the reading client has received from brokers, empty ones included.

        It grows without any call while the client fetches or sends heartbeats, and never decreases. A
        client may report it up to a second late.
        """

    def fresh_client_answers(self, timeout_ms: int) -> bool:
        """Whether a client that is made only for this is answered within `timeout_ms`. From any thread."""

    def partitions(self, topic: str) -> int:
        """Number of partitions of a topic; raises when the topic does not exist."""

    def assign(self, topic: str, partitions: Sequence[int]) -> None:
        """Read these partitions of one topic, and no others; each gives no record before it is sought."""

    def subscribe(self, topic: str) -> None:
        """Let the group decide, from the next poll on, which partitions of the topic are ours."""

    def assignment_changes(self) -> list[AssignmentChange]:
        """What the group did since the last call, in order; nothing with `assign`."""

    def membership(self) -> Membership | None:
        """This member at the end of the last poll; None with `assign`, and while not stable."""

    def poll(self, timeout_ms: int, *, max_records: int | None = None) -> dict[int, list[Record]]:
        """Records by partition, in log order; empty when nothing came within `timeout_ms`.

        At most `max_records`, by default as many as the settings say. This is also how the group
        learns that the loop is alive, and the loop what the group wants: so it is called often. May
        wait longer while the group is not stable, and makes no callbacks.
        """

    def seek(self, partition: int, offset: int) -> None:
        """Let the next poll of an assigned partition begin at `offset`."""

    def hold(self, partition: int) -> None:
        """Let polls give no record of an assigned partition until it is sought."""

    def position(self, partition: int) -> int:
        """Offset the next poll begins at: past control records, which `poll` never returns."""

    def end_seen(self, partition: int) -> int | None:
        """End of the log as the last fetch saw it, without asking the broker."""

    def begin_offset(self, partition: int, *, timeout_ms: int | None = None) -> int:
        """Offset of the oldest record that is still there.

        Raises after `timeout_ms`, by default the time that any question may take.
        """

    def end_offset(self, partition: int, *, timeout_ms: int | None = None) -> int:
        """Offset behind the newest record that can be read; `timeout_ms` as of `begin_offset`."""

    def committed(self, partition: int, *, timeout_ms: int | None = None) -> Committed | None:
        """What the group last committed; None when it never did.

        Waits for a transaction that is still open on it; `timeout_ms` as of `begin_offset`.
        """

    def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes,
        headers: Headers,
        partition: int | None = None,
    ) -> Delivery:
        """Queue one record. Never blocks on a slow broker: the caller bounds the amount."""

    def flush(self, timeout_ms: int) -> None:
        """Wait until every queued record is acknowledged, failed, or `timeout_ms` have passed."""

    def discard_sends(self) -> None:
        """Give up whatever was sent and not acknowledged, and send on with a fresh client.

        The next transaction begins with a fresh client, too.
        """

    def commit(self, offsets: Mapping[int, Committed]) -> None:
        """Store the next offset and its metadata for each partition, without a transaction."""

    def transact(
        self,
        sends: Sequence[OutgoingRecord],
        offsets: Mapping[int, Committed],
        membership: Membership | None,
        deadline_ms: int,
    ) -> Outcome:
        """Publish records and store offsets in one transaction: all of it, or nothing.

        1. Begin, send all records in order, flush.
        2. Check the outcome of every single record: a client can report success without them.
        3. Send the offsets, with the membership as it was captured.
        4. Commit.

        Args:
            sends: In the order in which a reader must see them.
            offsets: By partition of the topic that is read.
            membership: As `membership` gave it after a poll; None with `assign` only.
            deadline_ms: After this it returns, whatever the client does.

        Raises:
            TransportError: Not retriable: the transaction can never succeed as things are. Nothing
                was committed.
        """

    def sends_to(self, topics: Sequence[str]) -> None:
        """Say which topics records will be sent to, once partitions are assigned or subscribed to.

        A client that asks where a topic is when it first sends to it, topic after topic, then asks for
        all of them at once with each new producer. Nothing depends on the answer.

        Args:
            topics: Those that do not exist are left to the first record that goes there.
        """

    def rebuild_producer(self, deadline_ms: int) -> None:
        """Recreate the transactional client; the last transaction is final once this returns.

        Raises:
            TransportError: It could not be done in time; the outcome is still open.
        """

    def rebuild_consumer(self) -> None:
        """Read with a new client: what has been assigned directly is held until it is sought again.

        In a group: leave it and join as a new member. All held partitions are reported as lost.

        Raises:
            TransportError: No broker answers the new client; the old one stays in use, and nothing
                has changed.
        """

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


def raise_refusal(deliveries: Iterable[Delivery]) -> None:
    """Raise the first failure that a retry cannot resolve, such as a record that is too large.

    Args:
        deliveries: What `send` returned, after `flush`.

    Raises:
        TransportError: Not retriable.
    """
    for delivery in deliveries:
        if (refusal := delivery.refusal()) is not None:
            raise refusal
