"""What is noted of the group, and what may commit."""

from __future__ import annotations

import pytest
from kafka import TopicPartition
from kafka.structs import ConsumerGroupMetadata, MemberState

from consumers.transport.kafka_python_group import AssignmentLog, membership_of
from consumers.transport.seam import AssignmentChange, ChangeKind, Membership


def _places(*partitions: int) -> list[TopicPartition]:
    return [TopicPartition("ticks", partition) for partition in partitions]


def test_changes_are_told_once_in_order_and_new_partitions_are_held() -> None:
    held: list[TopicPartition] = []
    log = AssignmentLog(held.append)
    log.on_partitions_assigned(_places(2, 0))
    log.on_partitions_revoked(_places(2))
    log.on_partitions_lost(_places(0))
    log.on_partitions_assigned([])
    assert held == _places(2, 0)
    assert log.drain() == [
        AssignmentChange(ChangeKind.ASSIGNED, (0, 2)),
        AssignmentChange(ChangeKind.REVOKED, (2,)),
        AssignmentChange(ChangeKind.LOST, (0,)),
    ]
    assert log.drain() == []


def test_losing_all_tells_of_what_is_still_held() -> None:
    log = AssignmentLog(lambda place: None)
    log.on_partitions_assigned(_places(0, 1, 2))
    log.on_partitions_revoked(_places(1))
    log.drain()
    log.lose_all()
    log.lose_all()
    lost = log.drain()
    assert lost == [AssignmentChange(ChangeKind.LOST, (0, 2))]
    following = AssignmentLog(lambda place: None)
    following.on_partitions_assigned(_places(0))
    following.begin_with(lost)
    assert [change.kind for change in following.drain()] == [ChangeKind.LOST, ChangeKind.ASSIGNED]


@pytest.mark.parametrize(
    ("generation", "member_id", "state"),
    [
        (-1, "member", MemberState.STABLE),
        (3, "", MemberState.STABLE),
        (-1, "", MemberState.UNJOINED),
        (4, "member", MemberState.REBALANCING),
    ],
)
def test_who_was_thrown_out_or_is_joining_is_no_member(generation: int, member_id: str, state: str) -> None:
    """eos.md 1: the broker accepts a commit of generation -1 and no name."""
    assert membership_of(ConsumerGroupMetadata("group", generation, member_id, None, state)) is None


def test_a_stable_member_can_prove_it() -> None:
    metadata = ConsumerGroupMetadata("group", 0, "member", None, MemberState.STABLE)
    assert membership_of(metadata) == Membership(0, "member", metadata)
