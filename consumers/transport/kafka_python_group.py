"""Changes of the group assignment, noted on kafka-python's I/O thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final

from kafka import ConsumerRebalanceListener
from kafka.structs import ConsumerGroupMetadata, MemberState

from consumers.transport.seam import AssignmentChange, ChangeKind, Membership

JOIN_POLL_MS: Final = 1_000
"""kafka-python 3.0.12 discards a join that ends between two polls, and begins another. A poll that
expires in a join is therefore followed by a long one at once; with short ones no join might ever end."""


def keep_join(consumer: Any) -> None:
    """Let the next poll wait for a join that is under way.

    kafka-python 3.0.12 joins again when a topic's partitions or the subscription have changed. The leader
    notes that it has seen the change before its join is over, and a poll that expires in between
    leaves a client that waits for nothing: it gets records, sends no heartbeat, and is expelled.

    Args:
        consumer: A consumer that has subscribed.
    """
    coordinator = consumer._coordinator
    if coordinator.rejoining and not coordinator.need_rejoin():
        coordinator.request_rejoin()


class AssignmentLog(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """Only records changes: no request may be made on the I/O thread.

    Args:
        hold: Keeps a partition from being fetched, or asked for its committed offset, until it is
            sought; called on the I/O thread.
    """

    def __init__(self, hold: Callable[[Any], None]) -> None:
        self._hold = hold
        self._changes: deque[AssignmentChange] = deque()
        self._held: set[int] = set()

    def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        """Note new partitions, and hold each of them."""
        places = list(assigned)
        for place in places:
            self._hold(place)
        self._held |= self._note(ChangeKind.ASSIGNED, places)

    def on_partitions_revoked(self, revoked: Iterable[Any]) -> None:
        """Note partitions that go in good order."""
        self._held -= self._note(ChangeKind.REVOKED, revoked)

    def on_partitions_lost(self, lost: Iterable[Any]) -> None:
        """Note partitions that are gone already."""
        self._held -= self._note(ChangeKind.LOST, lost)

    def lose_all(self) -> None:
        """Note that everything held is gone."""
        if self._held:
            self._changes.append(AssignmentChange(ChangeKind.LOST, tuple(sorted(self._held))))
            self._held = set()

    def begin_with(self, changes: Iterable[AssignmentChange]) -> None:
        """Put changes of an earlier consumer first."""
        self._changes.extendleft(reversed(list(changes)))

    def drain(self) -> list[AssignmentChange]:
        """Return the changes since the last call."""
        changes = []
        while self._changes:
            changes.append(self._changes.popleft())
        return changes

    def _note(self, kind: ChangeKind, places: Iterable[Any]) -> set[int]:
        partitions = {place.partition for place in places}
        if partitions:
            self._changes.append(AssignmentChange(kind, tuple(sorted(partitions))))
        return partitions


def membership_of(metadata: ConsumerGroupMetadata) -> Membership | None:
    """Return the membership for a commit, from the client's group metadata.

    During a join the client may already have the number of a generation whose assignment has not
    been reported; and an expelled member has none. Neither may commit.

    Args:
        metadata: Read right after a poll.
    """
    stable = metadata.state is MemberState.STABLE or metadata.state == MemberState.STABLE
    if not stable or metadata.generation_id < 0 or not metadata.member_id:
        return None
    return Membership(metadata.generation_id, metadata.member_id, metadata)
