"""Where a partition starts, from what was committed for it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from consumers.snapshots.position import (
    MAX_POISON_OFFSETS,
    Plan,
    Position,
    decode_position,
    metadata_text,
    plan_start,
    same_place,
)
from consumers.snapshots.records import SnapshotName
from core.kafka.records import Committed
from core.model.errors import SnapshotError


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


RUBBISH = ["\0", "x", "\0\0junk", '{"baseline": 9}', "}", '"', ",", "\ufffd\x01", " " * 300, "7"]
"""What a client may give back behind a position: other memory up to the next zero byte."""
FULL = Position(
    baseline=12,
    bars_sequence=3,
    poison=(15, 20),
    snapshot=SnapshotName(number=4, next_offset=1_000, chunks=2),
    commits=77,
    adopted_at=900,
)
OLD = '{"baseline":12,"bars_sequence":3,"poison":[15,20],"snapshot":null,"commits":77,"version":1}'
"""As releases before the checksum wrote it."""


@pytest.mark.parametrize("rubbish", RUBBISH)
def test_bytes_behind_a_position_are_not_read(rubbish: str) -> None:
    assert decode_position(FULL.encode() + rubbish, partition=0) == FULL
    assert decode_position(OLD + rubbish, partition=0) == Position(
        baseline=12, bars_sequence=3, poison=(15, 20), commits=77
    )


@pytest.mark.parametrize("rubbish", RUBBISH)
def test_the_same_position_is_the_same_place_whatever_stands_behind_it(rubbish: str) -> None:
    for text in (FULL.encode(), OLD):
        assert same_place(Committed(5, text), Committed(5, text + rubbish))
        assert not same_place(Committed(5, text), Committed(6, text + rubbish))
    later = msgspec.structs.replace(FULL, commits=78)
    assert not same_place(Committed(5, FULL.encode()), Committed(5, later.encode() + rubbish))
    assert not same_place(None, Committed(5, FULL.encode() + rubbish))


def test_places_without_a_position_are_compared_as_they_stand() -> None:
    assert same_place(None, None)
    assert same_place(Committed(5, ""), Committed(5, "\0"))
    assert same_place(Committed(5, "theirs"), Committed(5, "theirs"))
    assert not same_place(Committed(5, "theirs"), Committed(5, "others"))


@pytest.mark.parametrize("at", range(0, FULL.encode().index(',"crc32"'), 7))
def test_a_changed_byte_inside_a_position_is_noticed(at: int) -> None:
    text = FULL.encode()
    changed = text[:at] + ("1" if text[at] != "1" else "2") + text[at + 1 :]
    with pytest.raises(SnapshotError, match=r"cannot be read|damaged|version"):
        decode_position(changed, partition=0)


def test_a_position_that_was_cut_off_is_refused() -> None:
    with pytest.raises(SnapshotError, match="cannot be read"):
        decode_position(FULL.encode()[:-1], partition=0)


def test_bytes_that_are_not_text_may_stand_behind_a_position() -> None:
    raw = FULL.encode().encode() + b"\xff\xfe\x80"
    assert decode_position(metadata_text(raw), partition=0) == FULL


def test_metadata_of_many_poison_offsets_stays_below_the_brokers_limit() -> None:
    position = Position(baseline=10**12, poison=tuple(range(10**12, 10**12 + 1000)))
    encoded = position.encode()
    assert len(encoded) < 4096
    decoded = decode_position(encoded, partition=0)
    assert decoded is not None
    assert decoded.poison == position.poison[-MAX_POISON_OFFSETS:]


def test_never_committed_starts_at_the_beginning_of_the_log() -> None:
    plan = plan_start(None, partition=0, begin_offset=7, end_offset=9)
    assert plan == Plan(7, 7, Position(baseline=7))


def test_committed_starts_at_the_baseline_muted_up_to_the_offset() -> None:
    position = Position(baseline=20, bars_sequence=4, poison=(30,), commits=3, adopted_at=40)
    committed = Committed(50, position.encode())
    plan = plan_start(committed, partition=0, begin_offset=0, end_offset=60)
    assert plan == Plan(20, 50, position, committed)


def test_offset_set_by_hand_replays_the_whole_log() -> None:
    committed = Committed(50, "")
    plan = plan_start(committed, partition=0, begin_offset=5, end_offset=60)
    assert plan == Plan(5, 50, Position(baseline=5), committed)


def test_baseline_older_than_the_log_is_a_named_error_with_a_way_out() -> None:
    with pytest.raises(SnapshotError, match="from offset 20 on, but the log starts at 21") as raised:
        plan_start(_committed(50, 20), partition=3, begin_offset=21, end_offset=60)
    assert raised.value.operator_action is not None
    assert "--missing-baseline rebuild" in raised.value.operator_action


def test_operator_may_choose_to_rebuild_from_what_is_left() -> None:
    plan = plan_start(
        _committed(50, 20), partition=3, begin_offset=21, end_offset=60, missing_baseline="rebuild"
    )
    assert (plan.seek_to, plan.muted_until, plan.position.baseline) == (21, 50, 21)


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
