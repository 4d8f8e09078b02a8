"""consumers.snapshots.checkpoint: when snapshots are begun, handed out and named."""

from __future__ import annotations

from typing import Any

import pytest

from consumers.snapshots.checkpoint import PORTION_BYTES, Checkpointer
from consumers.snapshots.records import CHUNK_BYTES, SnapshotName
from consumers.snapshots.store import SnapshotStore
from core.kafka.records import OutgoingRecord
from tests.support.snapshot_topic import PARTITION, LaterExecutor, MemoryLog, StateEngine

NAMED = SnapshotName(number=6, next_offset=60, chunks=1)


TOPIC = "rotascope.snapshots.v2"


WALL_S = 1_720_000_000.0


class Bench:
    """A checkpointer with a clock and a helper that wait for the test."""

    def __init__(self, named: SnapshotName | None = NAMED, interval_ms: int | None = 100) -> None:
        self.now_ns = 0
        self.helper = LaterExecutor()
        self.log = MemoryLog()
        self.checkpointer = Checkpointer(
            PARTITION,
            named=named,
            interval_ms=interval_ms,
            helper=self.helper,
            topic=TOPIC,
            monotonic_ns=lambda: self.now_ns,
            wall_s=lambda: WALL_S + self.now_ns / 1e9,
        )

    def sleep(self, milliseconds: int) -> None:
        self.now_ns += milliseconds * 1_000_000

    def portion(self) -> list[OutgoingRecord]:
        records = self.checkpointer.portion()
        assert {record.topic for record in records} <= {TOPIC}
        self.log.append(records)
        return records

    def read_back(self) -> bytes:
        named = self.checkpointer.named
        assert named is not None
        return next(SnapshotStore(self.log).candidates(PARTITION, named, [])).data


def test_it_is_due_after_the_interval_and_not_while_one_is_under_way() -> None:
    bench = Bench()
    assert not bench.checkpointer.due
    bench.sleep(100)
    assert bench.checkpointer.due
    bench.checkpointer.begin(StateEngine(b"state"), 70)
    bench.sleep(1_000)
    assert not bench.checkpointer.due
    bench.helper.work()
    assert not bench.checkpointer.due
    bench.portion()
    assert bench.checkpointer.due


def test_without_an_interval_it_is_never_due() -> None:
    bench = Bench(interval_ms=None)
    bench.sleep(10**9)
    assert not bench.checkpointer.due


def test_a_snapshot_is_named_with_its_last_record_and_not_before() -> None:
    bench = Bench()
    state = b"state" + b"x" * (3 * PORTION_BYTES)
    bench.checkpointer.begin(StateEngine(state), 70)
    assert bench.portion() == []
    bench.helper.work()
    portions = 0
    while bench.checkpointer.named == NAMED:
        records = bench.portion()
        assert records
        assert sum(len(record.value) for record in records) <= PORTION_BYTES
        portions += 1
    assert portions >= 4
    assert bench.portion() == []
    named = bench.checkpointer.named
    assert named is not None
    assert (named.number, named.next_offset, named.chunks) == (7, 70, -(-len(state) // CHUNK_BYTES))
    assert bench.read_back() == state
    assert bench.checkpointer.last_bytes == len(state)
    assert bench.checkpointer.written == 1


def test_the_state_is_that_of_the_beginning() -> None:
    bench = Bench()
    engine = StateEngine(b"state then")
    bench.checkpointer.begin(engine, 70)
    engine.state = b"state now"
    bench.helper.work()
    bench.portion()
    assert bench.read_back() == b"state then"


def test_the_first_snapshot_has_number_0() -> None:
    bench = Bench(named=None)
    assert bench.checkpointer.named is None
    bench.checkpointer.begin(StateEngine(b"state"), 0)
    bench.helper.work()
    bench.portion()
    assert bench.checkpointer.named == SnapshotName(number=0, next_offset=0, chunks=1)


def test_a_whole_one_comes_at_once_and_is_named_at_once() -> None:
    bench = Bench()
    bench.log.append(bench.checkpointer.write_whole(StateEngine(b"state" * CHUNK_BYTES), 70))
    assert bench.checkpointer.named is not None
    assert bench.checkpointer.named.number == 7
    assert bench.read_back() == b"state" * CHUNK_BYTES
    assert bench.portion() == []


@pytest.mark.parametrize("handed_out", [0, 1])
def test_a_whole_one_replaces_one_that_is_under_way(handed_out: int) -> None:
    """Never in the slot that is named, and nothing of the other comes behind it."""
    bench = Bench()
    bench.checkpointer.begin(StateEngine(b"state then" * PORTION_BYTES), 70)
    bench.helper.work()
    for _ in range(handed_out):
        bench.portion()
    bench.log.append(bench.checkpointer.write_whole(StateEngine(b"state now"), 80))
    assert bench.checkpointer.named is not None
    assert bench.checkpointer.named.slot != NAMED.slot
    assert bench.portion() == []
    assert bench.read_back() == b"state now"


def test_a_failed_packing_leaves_the_one_before_and_is_tried_again() -> None:
    bench = Bench()

    class Broken(StateEngine):
        def capture(self) -> Any:
            return None

    bench.checkpointer.begin(Broken(), 70)
    bench.helper.work()
    assert bench.portion() == []
    assert bench.checkpointer.named == NAMED
    bench.sleep(100)
    assert bench.checkpointer.due
    bench.checkpointer.begin(StateEngine(b"state"), 80)
    bench.helper.work()
    bench.portion()
    assert bench.read_back() == b"state"


def test_its_time_is_that_of_the_state_not_of_its_writing() -> None:
    bench = Bench()
    assert bench.checkpointer.captured_s is None
    bench.sleep(1_000)
    bench.checkpointer.begin(StateEngine(b"state"), 70)
    bench.sleep(2_000)
    bench.helper.work()
    bench.portion()
    assert bench.checkpointer.captured_s == WALL_S + 1
    assert bench.checkpointer.last_duration_s == 2.0
