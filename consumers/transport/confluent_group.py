"""The partitions assigned directly or by the group, as librdkafka reports them inside a poll."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Final

from confluent_kafka import OFFSET_END, Consumer, TopicPartition

from consumers.transport.seam import AssignmentChange, ChangeKind, Membership

_MAGIC: Final = b"CGMDv2:"
_GENERATION: Final = struct.Struct("=i")


class ConfluentGroup:
    """Holds every partition until it is sought, and notes what the group does.

    librdkafka calls back inside `poll`, on the caller's thread, and continues the rebalance when the
    callback returns.

    Args:
        before: Changes of an earlier consumer that have not been returned yet.
    """

    def __init__(self, before: Iterable[AssignmentChange] = ()) -> None:
        self.held: set[int] = set()
        self._unsought: set[int] = set()
        self._changes = list(before)
        self._generation = -1

    def join(self, consumer: Consumer, topic: str) -> None:
        """Become a member at the next poll."""
        consumer.subscribe([topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost)

    def drain(self) -> list[AssignmentChange]:
        """Return the changes since the last call."""
        changes, self._changes = self._changes, []
        return changes

    def lose_all(self) -> None:
        """Note that everything held is gone."""
        self._note(ChangeKind.LOST, self.held)
        self.held, self._unsought, self._generation = set(), set(), -1

    def sought(self, partition: int) -> bool:
        """Note that a partition has its place; True when it was held until now."""
        first = partition in self._unsought
        self._unsought.discard(partition)
        return first

    def hold(self, partition: int) -> None:
        """Note that a partition is paused until it is sought."""
        self._unsought.add(partition)

    def pause_unsought(self, consumer: Consumer, topic: str, partitions: Iterable[int]) -> None:
        """Let those of the partitions give no record that have not been sought."""
        consumer.pause([TopicPartition(topic, each) for each in partitions if each in self._unsought])

    def membership(self, consumer: Consumer) -> Membership | None:
        """Return this member, if its assignment has been reported.

        The number of a new generation is known before its assignment; until the assignment has been
        reported, nothing may be committed under it.
        """
        handle = consumer.consumer_group_metadata()
        generation, member_id = parse_group_metadata(handle)
        if generation < 0 or not member_id or generation != self._generation:
            return None
        return Membership(generation, member_id, handle)

    def _assigned(self, consumer: Consumer, places: Sequence[TopicPartition]) -> None:
        # From its end, so that nothing is fetched before the seek, and no deleted offset is asked for.
        consumer.incremental_assign(
            [TopicPartition(place.topic, place.partition, OFFSET_END) for place in places]
        )
        consumer.pause(list(places))
        partitions = {place.partition for place in places}
        self.held |= partitions
        self._unsought |= partitions
        self._note_change(consumer, ChangeKind.ASSIGNED, partitions)

    def _revoked(self, consumer: Consumer, places: Sequence[TopicPartition]) -> None:
        self._gone(consumer, ChangeKind.REVOKED, places)

    def _lost(self, consumer: Consumer, places: Sequence[TopicPartition]) -> None:
        self._gone(consumer, ChangeKind.LOST, places)

    def _gone(self, consumer: Consumer, kind: ChangeKind, places: Sequence[TopicPartition]) -> None:
        consumer.incremental_unassign(list(places))
        partitions = {place.partition for place in places}
        self.held -= partitions
        self._unsought -= partitions
        self._note_change(consumer, kind, partitions)

    def _note_change(self, consumer: Consumer, kind: ChangeKind, partitions: Iterable[int]) -> None:
        self._note(kind, partitions)
        self._generation, _ = parse_group_metadata(consumer.consumer_group_metadata())

    def _note(self, kind: ChangeKind, partitions: Iterable[int]) -> None:
        numbers = tuple(sorted(partitions))
        if numbers:
            self._changes.append(AssignmentChange(kind, numbers))


def parse_group_metadata(handle: bytes) -> tuple[int, str]:
    """Return generation and member id from librdkafka's opaque group metadata.

    Args:
        handle: `CGMDv2:`, the generation as a native integer, then group id, member id and instance
            id, each ended by a zero byte.

    Raises:
        ValueError: Another format: without the two values, an expelled member could not be recognised.

    Example:
        >>> parse_group_metadata(bytes([*b"CGMDv2:", 255, 255, 255, 255, *b"group", 0, 0, 1]))
        (-1, '')
    """
    if not handle.startswith(_MAGIC):
        raise ValueError(f"consumer group metadata begin with {handle[:8]!r}, not with {_MAGIC!r}")
    (generation,) = _GENERATION.unpack_from(handle, len(_MAGIC))
    member_id = handle[len(_MAGIC) + _GENERATION.size :].split(b"\0")[1]
    return generation, member_id.decode()
