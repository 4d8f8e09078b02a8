"""Where a partition starts, from what was committed for it."""

from __future__ import annotations

from typing import Any

import pytest

from consumers.position import MAX_POISON_OFFSETS, Plan, Position, decode_position, plan_start
from consumers.transport import Committed
from core.errors import SnapshotError


def _committed(offset: int, baseline: int, **more: Any) -> Committed:
    return Committed(offset, Position(baseline=baseline, **more).encode())


def test_metadata_round_trips() -> None:
    position = Position(baseline=12, bars_sequence=3, poison=(15, 20))
    assert decode_position(position.encode(), partition=0) == position


def test_what_one_client_commits_the_other_reads() -> None:
    """Guards the change of client: confluent-kafka's metadata end in a NUL that kafka-python shows."""
    position = Position(baseline=12, bars_sequence=3)
    assert decode_position(position.encode() + "\0", partition=0) == position
    assert decode_position("\0", partition=0) is None


def test_metadata_of_many_poison_offsets_stays_below_the_brokers_limit() -> None:
    position = Position(baseline=10**12, poison=tuple(range(10**12, 10**12 + 1000)))
    encoded = position.encode()
    assert len(encoded) < 4096
    decoded = decode_position(encoded, partition=0)
    assert decoded is not None
    assert decoded.poison == position.poison[-MAX_POISON_OFFSETS:]


def test_never_committed_starts_at_the_beginning_of_the_log() -> None:
    plan = plan_start(None, partition=0, begin_offset=7, end_offset=9)
    assert plan == Plan(7, 7, 0, frozenset())


def test_committed_starts_at_the_baseline_muted_up_to_the_offset() -> None:
    committed = Committed(50, Position(baseline=20, bars_sequence=4, poison=(30,)).encode())
    plan = plan_start(committed, partition=0, begin_offset=0, end_offset=60)
    assert plan == Plan(20, 50, 4, frozenset({30}), committed)


def test_offset_set_by_hand_replays_the_whole_log() -> None:
    committed = Committed(50, "")
    plan = plan_start(committed, partition=0, begin_offset=5, end_offset=60)
    assert plan == Plan(5, 50, 0, frozenset(), committed)


def test_baseline_older_than_the_log_is_a_named_error_with_a_way_out() -> None:
    with pytest.raises(SnapshotError, match="from offset 20 on, but the log starts at 21") as raised:
        plan_start(_committed(50, 20), partition=3, begin_offset=21, end_offset=60)
    assert raised.value.operator_action is not None
    assert "--missing-baseline rebuild" in raised.value.operator_action


def test_operator_may_choose_to_rebuild_from_what_is_left() -> None:
    plan = plan_start(
        _committed(50, 20), partition=3, begin_offset=21, end_offset=60, missing_baseline="rebuild"
    )
    assert (plan.seek_to, plan.muted_until) == (21, 50)


def test_rebuild_when_even_the_committed_offset_is_gone_mutes_nothing() -> None:
    plan = plan_start(
        _committed(50, 20), partition=3, begin_offset=55, end_offset=60, missing_baseline="rebuild"
    )
    assert (plan.seek_to, plan.muted_until) == (55, 55)


def test_a_log_shorter_than_what_was_committed_is_refused() -> None:
    with pytest.raises(SnapshotError, match="the log ends at 10"):
        plan_start(_committed(50, 0), partition=0, begin_offset=0, end_offset=10)


@pytest.mark.parametrize("metadata", ["not ours", "[1]", '{"baseline": "x"}'])
def test_metadata_of_another_program_is_refused(metadata: str) -> None:
    with pytest.raises(SnapshotError, match="cannot be read"):
        decode_position(metadata, partition=0)


def test_metadata_of_another_version_is_refused() -> None:
    with pytest.raises(SnapshotError, match="version 9"):
        decode_position(Position(baseline=0, version=9).encode(), partition=0)


def test_fields_of_a_later_release_are_passed_over() -> None:
    decoded = decode_position('{"baseline": 4, "manifest": "s-1", "version": 1}', partition=0)
    assert decoded == Position(baseline=4)
