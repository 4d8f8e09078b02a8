"""A worker that writes snapshots, and one that comes back from them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from consumers.snapshots.position import decode_position
from consumers.snapshots.records import SNAPSHOTS_TOPIC, SnapshotName, decode_manifest
from consumers.snapshots.store import SnapshotStore
from consumers.transport.seam import Outcome, OutcomeKind
from consumers.worker.state import WorkerState
from consumers.worker.worker import Worker
from core.kafka.records import OutgoingRecord
from core.model.errors import SnapshotError
from core.model.settings import KafkaSettings
from tests.support.fake_engine import RAISING_PRICE, FakeEngine, frame
from tests.support.fake_transport import FakeBroker, FakeTransport
from tests.support.worker_in_memory import (
    IDLE,
    PublishedSnapshots,
    bar_sequences,
    dead_letters,
    event_ids,
    fill,
    make_worker,
    run_to_the_end,
    worker_settings,
)

EAGER: dict[str, Any] = {
    "delivery": "exactly_once",
    "snapshots": True,
    "snapshot_interval_ms": 1,
    "commit_interval_ms": 0,
    "eager_commit_interval_ms": 0,
}
NEVER = EAGER | {"snapshot_interval_ms": 3_600_000}
"""Restores from snapshots, and writes none."""


def _run(
    broker: FakeBroker, transport: FakeTransport | None = None, **changes: object
) -> tuple[WorkerState, list[FakeEngine]]:
    worker, state, engines = make_worker(broker, transport, **(EAGER | changes))
    worker.run(IDLE)
    return state, engines


def _turn_until_named(worker: Worker, broker: FakeBroker, offset: int) -> SnapshotName:
    """Go on until a snapshot at or behind an offset is named by what is committed."""
    while True:
        worker.turn()
        named = _named(broker)
        if named is not None and named.next_offset >= offset:
            return named


def _is_manifest(record: OutgoingRecord) -> bool:
    return record.topic == SNAPSHOTS_TOPIC and (record.key or b"").endswith(b"manifest")


def _named(broker: FakeBroker) -> SnapshotName | None:
    committed = broker.committed.get(0)
    position = None if committed is None else decode_position(committed.metadata, partition=0)
    return None if position is None else position.snapshot


def _snapshotted(frames: int = 40) -> FakeBroker:
    """A broker with a log whose end a snapshot holds, and nothing behind it."""
    broker = FakeBroker()
    fill(broker, frames)
    worker, _, _ = make_worker(broker, **EAGER)
    worker.start()
    named = _turn_until_named(worker, broker, len(broker.log[0]))
    assert named.next_offset == len(broker.log[0])
    return broker


def test_a_restart_begins_at_the_snapshot_and_says_what_an_undisturbed_run_says() -> None:
    calm, broker = FakeBroker(), _snapshotted()
    fill(calm, 40)
    fill(calm, 24, seed=5)
    run_to_the_end(calm)
    stands = len(broker.log[0])
    fill(broker, 24, seed=5)
    _, (engine,) = _run(broker, **NEVER)
    assert engine.steps == len(broker.log[0]) - stands, "what the snapshot holds is not stepped again"
    assert event_ids(broker.published) == event_ids(calm.published)
    assert bar_sequences(broker) == bar_sequences(calm)


def test_without_a_log_before_the_snapshot_a_restart_works_and_without_both_it_says_why() -> None:
    broker = _snapshotted()
    broker.begin = 30
    _run(broker, **NEVER)
    broker.published = [each for each in broker.published if each.topic != SNAPSHOTS_TOPIC]
    with pytest.raises(SnapshotError, match="slot is empty") as refusal:
        _run(broker, **NEVER)
    assert "--missing-baseline rebuild" in str(refusal.value)
    _, (engine,) = _run(broker, **(NEVER | {"missing_baseline": "rebuild"}))
    assert engine.rebuilt


def test_a_damaged_snapshot_is_passed_over_for_the_one_before() -> None:
    broker = FakeBroker()
    fill(broker, 20)
    worker, _, _ = make_worker(broker, **EAGER)
    worker.start()
    _turn_until_named(worker, broker, 25)
    fill(broker, 20, seed=1)
    second = _turn_until_named(worker, broker, 50)
    manifests = [decode_manifest(each.value).name for each in broker.published if _is_manifest(each)]
    assert manifests[-1] == second
    key = f"0/{second.slot}/0".encode()
    broker.published.append(OutgoingRecord(SNAPSHOTS_TOPIC, key, b"damaged", (), 0))
    published = event_ids(broker.published)
    _, (*_, engine) = _run(broker, **NEVER)
    assert engine.steps == 50 - manifests[-2].next_offset
    assert event_ids(broker.published) == published, "replayed in silence"


def test_a_snapshot_is_named_only_once_it_is_committed() -> None:
    """An abort takes the snapshot with it; it is sent again, and named with what was sent."""
    broker = FakeBroker()
    fill(broker, 20)
    transport = FakeTransport(broker)
    transport.outcomes.extend([Outcome(OutcomeKind.ABORTED, "a send expired")] * 5)
    worker, _, _ = make_worker(broker, transport, **EAGER)
    worker.start()
    named = _turn_until_named(worker, broker, 25)
    whole = {each.key for each in broker.published if each.topic == SNAPSHOTS_TOPIC}
    assert f"0/{named.slot}/manifest".encode() in whole
    assert len(event_ids(broker.published)) == len(set(event_ids(broker.published)))


def test_nothing_new_makes_no_new_snapshot() -> None:
    broker = _snapshotted()
    written = len(broker.published)
    state, _ = _run(broker)
    assert len(broker.published) == written
    assert state.counters.commits == {}


def test_a_quarantined_record_is_replayed_from_the_snapshot_although_the_baseline_is_gone() -> None:
    """Guards a rebuild from the log's beginning, which retention has taken."""
    calm, broker = FakeBroker(), _snapshotted()
    broker.begin = 30
    for each in (calm, broker):
        if each is calm:
            fill(each, 40)
        each.append(frame([1, 2, RAISING_PRICE], sequence=500))
        fill(each, 12, seed=9)
    run_to_the_end(calm)
    _, engines = _run(broker, **NEVER)
    assert len(engines) == 2
    assert engines[1].steps == 15, "from the snapshot, without the quarantined record"
    assert event_ids(broker.published) == event_ids(calm.published)
    assert dead_letters(broker) == [("step_raised", 50)]


def test_other_definitions_are_adopted_once_and_a_snapshot_goes_with_the_change() -> None:
    broker = _snapshotted()
    before = event_ids(broker.published)
    _, (engine,) = _run(broker, **NEVER, definitions="second")
    assert engine.in_force == "second"
    assert len(event_ids(broker.published)) == len(before) + 1
    withdrawn = broker.published[-3:]
    assert json.loads(withdrawn[0].value)["state"] == "withdrawn"
    named = _named(broker)
    assert named is not None
    assert named.next_offset == 50
    _, (again,) = _run(broker, **NEVER, definitions="second")
    assert again.in_force == "second"
    assert len(event_ids(broker.published)) == len(before) + 1, "adopted once"


def test_where_the_silence_behind_an_earlier_release_ends_a_snapshot_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only the snapshot records which episodes that release published, and under which versions."""
    broker = _snapshotted()
    before = _named(broker)
    assert before is not None
    fill(broker, 12, seed=3)
    _run(broker, **NEVER)
    assert _named(broker) == before
    fill(broker, 5, seed=4)
    silence_ends = broker.committed[0].offset
    monkeypatch.setattr(FakeEngine, "snapshots_are_earlier", True)
    _, (engine,) = _run(broker, **NEVER)
    assert not engine.translated
    named = _named(broker)
    assert named is not None
    assert (named.number, named.next_offset) == (before.number + 1, silence_ends)


def test_a_restart_from_before_the_change_makes_it_again_in_silence() -> None:
    broker = _snapshotted()
    _run(broker, **NEVER, definitions="second")
    fill(broker, 12, seed=3)
    _run(broker, **NEVER, definitions="second")
    named, published = _named(broker), event_ids(broker.published)
    assert named is not None
    broker.published.append(OutgoingRecord(SNAPSHOTS_TOPIC, f"0/{named.slot}/0".encode(), b"damaged", (), 0))
    _, (engine,) = _run(broker, **NEVER, definitions="second")
    assert engine.in_force == "second"
    assert engine.steps == 15
    assert event_ids(broker.published) == published


@pytest.mark.parametrize("killed_after", [3, 8, 13, 21])
def test_killed_anywhere_with_snapshots_gives_the_same_events(killed_after: int) -> None:
    calm, broker = FakeBroker(), FakeBroker()
    for each in (calm, broker):
        fill(each, 48)
    run_to_the_end(calm)
    for turns in (killed_after, killed_after + 2):
        worker, _, _ = make_worker(broker, FakeTransport(broker, poll_records=4), **EAGER)
        worker.start()
        for _ in range(turns):
            worker.turn()
    _run(broker)
    assert event_ids(broker.published) == event_ids(calm.published)
    assert bar_sequences(broker) == bar_sequences(calm)


class _SecondGeneration(FakeTransport):
    def partitions(self, topic: str) -> int:
        assert topic in ("rotascope.ticks.v2", "rotascope.values.v2")
        return self.broker.partitions


def test_another_generation_of_the_ticks_has_snapshots_of_its_own() -> None:
    broker = FakeBroker()
    fill(broker, 40)
    worker = Worker(
        _SecondGeneration(broker),
        lambda partition, _: FakeEngine(partition),
        kafka=KafkaSettings(partitions=1, topic_generation=2),
        settings=worker_settings(**{name: value for name, value in EAGER.items() if name != "snapshots"}),
        state=WorkerState(),
        store=SnapshotStore(PublishedSnapshots(broker)),
    )
    worker.start()
    _turn_until_named(worker, broker, 1)
    topics = {each.topic for each in broker.published if each.topic.startswith("rotascope.snapshots")}
    assert topics == {"rotascope.snapshots.v2"}
