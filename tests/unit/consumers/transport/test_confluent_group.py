"""What librdkafka's callbacks leave behind: partitions held, changes told, and a membership or none."""

from __future__ import annotations

import struct
from typing import Any, cast

import pytest
from confluent_kafka import Consumer, TopicPartition

from consumers.transport.confluent_group import ConfluentGroup, parse_group_metadata
from consumers.transport.seam import AssignmentChange, ChangeKind


class FakeConsumer:
    """Keeps its callbacks and what they asked for."""

    def __init__(self) -> None:
        self.generation = 1
        self.member_id = b"m-1"
        self.asked: list[str] = []

    def subscribe(self, topics: list[str], **callbacks: Any) -> None:
        self.callbacks = callbacks

    def consumer_group_metadata(self) -> bytes:
        return b"CGMDv2:" + struct.pack("=i", self.generation) + b"group\0" + self.member_id + b"\0\1"

    def __getattr__(self, name: str) -> Any:
        return lambda places: self.asked.append(f"{name} {[place.partition for place in places]}")

    def tell(self, callback: str, *partitions: int) -> None:
        self.callbacks[callback](self, [TopicPartition("ticks", number) for number in partitions])


def _joined() -> tuple[ConfluentGroup, FakeConsumer, Consumer]:
    group, fake = ConfluentGroup(), FakeConsumer()
    consumer = cast(Consumer, fake)
    group.join(consumer, "ticks")
    return group, fake, consumer


def test_new_partitions_are_held_until_they_are_sought() -> None:
    group, fake, _ = _joined()
    fake.tell("on_assign", 1, 0)
    assert fake.asked == ["incremental_assign [1, 0]", "pause [1, 0]"]
    assert group.drain() == [AssignmentChange(ChangeKind.ASSIGNED, (0, 1))]
    assert [group.sought(0), group.sought(0)] == [True, False]


def test_a_generation_whose_assignment_was_not_told_is_no_membership() -> None:
    """Under it the broker would accept offsets of partitions that are no longer ours."""
    group, fake, consumer = _joined()
    assert group.membership(consumer) is None
    fake.tell("on_assign", 0)
    membership = group.membership(consumer)
    assert membership is not None
    assert (membership.generation, membership.member_id) == (1, "m-1")
    fake.generation = 2
    assert group.membership(consumer) is None
    fake.tell("on_revoke", 0)
    assert group.membership(consumer) is not None


@pytest.mark.parametrize(("generation", "member_id"), [(-1, b"m-1"), (1, b""), (-1, b"")])
def test_who_was_thrown_out_is_no_member(generation: int, member_id: bytes) -> None:
    """The broker accepts a commit that bears neither."""
    group, fake, consumer = _joined()
    fake.tell("on_assign", 0)
    fake.generation, fake.member_id = generation, member_id
    assert group.membership(consumer) is None


def test_what_goes_is_told_once_and_what_is_empty_never() -> None:
    group, fake, _ = _joined()
    fake.tell("on_assign", 0, 1, 2)
    fake.tell("on_revoke", 0)
    fake.tell("on_lost", 1)
    fake.tell("on_assign")
    group.lose_all()
    group.lose_all()
    assert group.drain()[1:] == [
        AssignmentChange(ChangeKind.REVOKED, (0,)),
        AssignmentChange(ChangeKind.LOST, (1,)),
        AssignmentChange(ChangeKind.LOST, (2,)),
    ]
    assert group.drain() == []


def test_metadata_in_another_form_are_refused() -> None:
    with pytest.raises(ValueError, match="begin with b'CGMDv3:"):
        parse_group_metadata(b"CGMDv3:\0\0\0\0g\0m\0")
