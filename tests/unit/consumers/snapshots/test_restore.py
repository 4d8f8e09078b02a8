"""consumers.snapshots.restore: the best of what is left, and a named error where nothing is."""

from __future__ import annotations

import crc32c
import msgspec
import pytest

from consumers.snapshots.position import Position
from consumers.snapshots.records import SnapshotName
from consumers.snapshots.restore import Opened, open_partition
from consumers.snapshots.store import SnapshotStore
from core.engine.engine import PartitionEngine
from core.kafka.records import Committed
from core.model.errors import SnapshotError
from tests.support.snapshot_topic import PARTITION, MemoryLog, StateEngine, write
from tests.support.worlds import make_engine

COMMITTED = 100


class Topic:
    """Three snapshots at offsets 20, 40 and 60; the committed offset names the last."""

    def __init__(self) -> None:
        self.log = MemoryLog()
        self.names = [
            write(self.log, f"state {offset}".encode(), number=number, next_offset=offset)
            for number, offset in enumerate((20, 40, 60))
        ]

    def committed(self, snapshot: SnapshotName | None, **fields: object) -> Committed:
        position = Position(baseline=5, bars_sequence=17, poison=(30, 70), snapshot=snapshot, **fields)  # type: ignore[arg-type]
        return Committed(COMMITTED, position.encode())

    def open(
        self,
        committed: Committed | None = None,
        *,
        begin: int = 0,
        end: int = 120,
        missing_baseline: str = "fail",
        store: bool = True,
    ) -> Opened[StateEngine]:
        return open_partition(
            StateEngine,
            committed or self.committed(self.names[2]),
            SnapshotStore(self.log) if store else None,
            partition=PARTITION,
            begin_offset=begin,
            end_offset=end,
            missing_baseline=missing_baseline,  # type: ignore[arg-type]
        )


def test_the_named_snapshot() -> None:
    topic = Topic()
    opened = topic.open(topic.committed(topic.names[2], adopted_at=33))
    assert opened.engine.state == b"state 60"
    assert opened.plan[:2] == (60, COMMITTED)
    assert opened.restored == topic.names[2]
    assert opened.plan.position == Position(
        baseline=5, bars_sequence=17, poison=(30, 70), snapshot=topic.names[2], adopted_at=33
    )
    assert not opened.rebuilt
    assert opened.problems == ()


def test_the_one_before_when_the_named_one_is_damaged() -> None:
    topic = Topic()
    topic.log.change(b"3/2/0", b"?")
    opened = topic.open()
    assert opened.engine.state == b"state 40"
    assert opened.plan.seek_to == 40
    assert opened.plan.position.snapshot == topic.names[2], (
        "the next snapshot must not be written over the good one"
    )
    assert opened.restored == topic.names[1]
    assert len(opened.problems) == 1
    assert "CRC32C" in opened.problems[0]


def test_the_one_before_when_the_engine_refuses_the_named_one() -> None:
    topic = Topic()
    named = write(topic.log, b"of another universe", number=3, next_offset=80)
    opened = topic.open(topic.committed(named))
    assert opened.engine.state == b"state 60"
    assert "another universe" in opened.problems[0]


def test_the_baseline_when_all_snapshots_are_gone() -> None:
    topic = Topic()
    topic.log.records.clear()
    opened = topic.open()
    assert opened.engine.state == b"fresh"
    assert opened.plan[:2] == (5, COMMITTED)
    assert opened.restored is None
    assert opened.plan.position == Position(
        baseline=5, bars_sequence=17, poison=(30, 70), snapshot=topic.names[2]
    )
    assert not opened.rebuilt


def test_a_snapshot_older_than_the_log_is_a_named_error() -> None:
    topic = Topic()
    with pytest.raises(SnapshotError) as refusal:
        topic.open(begin=61)
    text = str(refusal.value)
    assert "partition 3" in text
    assert "the log starts at 61" in text
    assert text.count("too old for the log, which starts at 61") == 3
    assert "Operator action: start once with --missing-baseline rebuild" in text


def test_on_request_what_is_gone_is_rebuilt_and_marked() -> None:
    topic = Topic()
    opened = topic.open(begin=61, missing_baseline="rebuild")
    assert opened.rebuilt
    assert opened.engine.rebuilt
    assert opened.plan.seek_to == 61
    assert opened.plan.muted_until == COMMITTED
    assert opened.plan.position.baseline == 61


def test_a_snapshot_that_still_meets_the_log_is_not_too_old() -> None:
    assert Topic().open(begin=60).engine.state == b"state 60"


def test_a_snapshot_ahead_of_the_committed_offset_is_none() -> None:
    """Somebody has set the offset back by hand, and kept the metadata."""
    topic = Topic()
    named = write(topic.log, b"state 130", number=3, next_offset=130)
    opened = topic.open(topic.committed(named))
    assert opened.engine.state == b"state 60"
    assert "ahead of the committed offset" in opened.problems[0]


def test_no_commit_no_snapshot_no_store() -> None:
    topic = Topic()
    fresh = open_partition(
        StateEngine, None, SnapshotStore(topic.log), partition=PARTITION, begin_offset=8, end_offset=9
    )
    assert fresh.plan == (8, 8, Position(baseline=8), None)
    for opened in (topic.open(topic.committed(None)), topic.open(store=False)):
        assert opened.engine.state == b"fresh"
        assert opened.plan.seek_to == 5
        assert topic.log.reads == []


def test_a_log_that_is_shorter_than_what_was_committed_is_another_log() -> None:
    with pytest.raises(SnapshotError, match="the log ends at 99"):
        Topic().open(end=99)


def test_metadata_of_before_there_were_snapshots_can_be_read() -> None:
    metadata = '{"baseline":5,"bars_sequence":17,"poison":[],"version":1}'
    assert Topic().open(Committed(COMMITTED, metadata)).plan.seek_to == 5


def engine_snapshot(**entry: object) -> bytes:
    """A snapshot of a real engine, whose first definition says something else."""
    content = msgspec.msgpack.decode(make_engine().snapshot()[4:])
    content["head"]["catalogue"] = "0ld"
    content["head"]["definitions"][0]["entry"] |= entry
    body = msgspec.msgpack.encode(content)
    return crc32c.crc32c(body).to_bytes(4, "little") + body


def open_engine(data: bytes) -> Opened[PartitionEngine]:
    log = MemoryLog()
    name = write(log, data, number=0, next_offset=20)
    position = Position(baseline=5, bars_sequence=17, poison=(), snapshot=name)
    return open_partition(
        make_engine,
        Committed(COMMITTED, position.encode()),
        SnapshotStore(log),
        partition=PARTITION,
        begin_offset=0,
        end_offset=120,
    )


def test_a_definition_over_an_output_that_this_release_lacks_does_not_keep_a_partition_shut() -> None:
    opened = open_engine(engine_snapshot(enter=["output_that_is_gone >= 3"]))
    assert opened.restored is not None
    assert opened.problems == ()
    assert opened.engine.definitions_wait, "its lives wait to be withdrawn"


def test_definitions_that_cannot_be_computed_are_a_reason_to_pass_a_snapshot_over() -> None:
    opened = open_engine(engine_snapshot(pairs=["SML/GONE"]))
    assert opened.restored is None
    assert opened.plan.seek_to == 5
    assert len(opened.problems) == 1
    assert "the definitions of the snapshot cannot be computed" in opened.problems[0]
