"""A worker that starts again in the middle of a day, on a real broker: as if it had never stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest
from kafka import KafkaAdminClient, TopicPartition

from consumers.snapshots.log import TopicSnapshotLog
from consumers.snapshots.position import decode_position
from consumers.snapshots.store import SnapshotStore
from consumers.transport.registry import TRANSPORTS, make_transport
from consumers.worker.state import WorkerState
from consumers.worker.worker import Worker
from core.engine.engine import PartitionEngine
from core.engine.samples import all_samples
from core.events.events import Event
from core.model.frames import decode_frame
from core.model.metrics import METRICS_BY_NAME, MetricKind
from core.model.records import BAR
from core.model.settings import KafkaSettings, WorkerSettings
from deploy.kafka.broker import LocalKafka
from tests.support.kafka_broker import TEST_PARTITIONS
from tests.support.kafka_log import EVENT_TOPICS, TICKS, publish, read
from tests.support.logs import Run, cut, run
from tests.support.rich_log import rich_log, warm_start
from tests.support.worlds import make_engine

pytestmark = [pytest.mark.integration, pytest.mark.slow]

DEADLINE_S = 120.0
FRAME_RECORDS = 100


@pytest.fixture(scope="module")
def frames() -> list[bytes]:
    records = np.concatenate([warm_start(), rich_log(1)])
    return cut(records, range(0, len(records), FRAME_RECORDS))


@pytest.fixture(scope="module")
def undisturbed(frames: list[bytes]) -> tuple[PartitionEngine, Run]:
    engine = make_engine()
    return engine, run(engine, frames)


@pytest.mark.parametrize("client", TRANSPORTS)
def test_metrics_and_events_are_those_of_the_run_without_it(
    kafka_with_topics: LocalKafka,
    frames: list[bytes],
    undisturbed: tuple[PartitionEngine, Run],
    client: str,
) -> None:
    """Shown to come from the snapshot by deleting the log before it."""
    kafka = kafka_with_topics
    group_id, half = f"mid-day-{client}", len(frames) // 2
    publish(kafka, {0: frames[:half]})
    _work(kafka, client, group_id, lambda state: _named(state) == half)
    _delete_before(kafka, half)
    publish(kafka, {0: frames[half:]})
    engine = _work(kafka, client, group_id, lambda state: _committed(state) == len(frames))
    whole, said = undisturbed
    assert _gauges(engine) == _gauges(whole)
    assert engine.snapshot() == whole.snapshot()
    seen = [dict(record.headers)["ce_id"].decode() for record in read(kafka, EVENT_TOPICS)]
    assert sorted(seen) == sorted(_ids(said.events))
    assert len(seen) == len(set(seen)) > 0
    bars = [decode_frame(record.value, BAR) for record in read(kafka, ["rotascope.bars.1m"])]
    assert [header.sequence for header, _ in bars] == list(range(len(bars)))
    assert np.concatenate([rows for _, rows in bars]).tobytes() == np.concatenate(said.minute_bars).tobytes()


def _gauges(engine: PartitionEngine) -> list[str]:
    """What a scrape shows; counters are the process's own, and begin at 0 as any restarted one's."""
    samples = all_samples(engine.expose())
    return [repr(each) for each in samples if METRICS_BY_NAME[each.name].kind is MetricKind.GAUGE]


def _ids(events: list[Event]) -> list[str]:
    return [event.event_id for event in events]


def _work(
    kafka: LocalKafka, client: str, group_id: str, done: Callable[[WorkerState], bool]
) -> PartitionEngine:
    """Run a worker until its first partition is as far as that; its engine as it then stands."""
    reach = KafkaSettings.model_validate(
        {"bootstrap_servers": kafka.bootstrap_servers, "partitions": TEST_PARTITIONS, "client": client}
    )
    settings = WorkerSettings(group_id=group_id, slot="a", snapshot_interval_ms=100)
    state, log = WorkerState(), TopicSnapshotLog(reach)
    worker = Worker(
        make_transport(reach, settings),
        lambda partition, partitions: make_engine(),
        kafka=reach,
        settings=settings,
        state=state,
        store=SnapshotStore(log),
    )
    errors: list[BaseException] = []

    def turn() -> None:
        try:
            worker.run()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=turn, daemon=True)
    thread.start()
    deadline = time.monotonic() + DEADLINE_S
    try:
        while not done(state):
            assert time.monotonic() < deadline
            assert thread.is_alive(), errors
            time.sleep(0.02)
        engine = state.tasks[0].engine
    finally:
        worker.stop()
        thread.join(DEADLINE_S)
        log.close()
    assert errors == []
    assert isinstance(engine, PartitionEngine)
    return engine


def _committed(state: WorkerState) -> int:
    task = state.tasks.get(0)
    return -1 if task is None or task.committed is None else task.committed.offset


def _named(state: WorkerState) -> int:
    """Offset of the snapshot that the committed position names."""
    task = state.tasks.get(0)
    position = (
        None
        if task is None or task.committed is None
        else decode_position(task.committed.metadata, partition=0)
    )
    return -1 if position is None or position.snapshot is None else position.snapshot.next_offset


def _delete_before(kafka: LocalKafka, offset: int) -> None:
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    try:
        admin.delete_records({TopicPartition(TICKS, 0): offset})
    finally:
        admin.close()
