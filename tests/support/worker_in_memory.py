"""A worker over a log in memory, and what it has published."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from consumers.snapshots.records import SNAPSHOTS_TOPIC
from consumers.snapshots.store import SnapshotStore
from consumers.worker.state import Until, WorkerState
from consumers.worker.worker import Worker
from core.kafka.records import OutgoingRecord, Record
from core.model.frames import decode_frame
from core.model.records import BAR
from core.model.settings import KafkaSettings, WorkerSettings
from tests.support.fake_engine import FakeEngine, clock, frame
from tests.support.fake_transport import FakeBroker, FakeTransport

IDLE = Until(idle_ms=0)


def worker_settings(**changes: Any) -> WorkerSettings:
    """Short waits; without validation, so that a bound may be as tight as the test needs."""
    waits = {"backoff_initial_ms": 1, "backoff_max_ms": 2, "poll_timeout_ms": 1}
    how = {"delivery": "at_least_once", "membership": "manual"}
    return WorkerSettings().model_copy(update=waits | how | changes)


class PublishedSnapshots:
    """The snapshots topic, as a reader finds it in what a broker was told."""

    def __init__(self, broker: FakeBroker) -> None:
        self.broker = broker

    def read(self, partition: int, *, last: int | None = None) -> list[Record]:
        records = [
            Record(each.topic, partition, offset, each.key, each.value, each.headers, 0)
            for offset, each in enumerate(self.broker.published)
            if each.topic == SNAPSHOTS_TOPIC and each.partition == partition
        ]
        return records if last is None else records[-last:]


def make_worker(
    broker: FakeBroker,
    transport: FakeTransport | None = None,
    *,
    definitions: str = "first",
    snapshots: bool = False,
    monotonic_ns: Callable[[], int] = time.monotonic_ns,
    **changes: Any,
) -> tuple[Worker, WorkerState, list[FakeEngine]]:
    state = WorkerState()
    engines: list[FakeEngine] = []

    def make_engine(partition: int, partitions: int) -> FakeEngine:
        assert partitions == broker.partitions
        engines.append(FakeEngine(partition, definitions=definitions))
        return engines[-1]

    worker = Worker(
        transport or FakeTransport(broker),
        make_engine,
        kafka=KafkaSettings(partitions=broker.partitions),
        settings=worker_settings(**changes),
        state=state,
        store=SnapshotStore(PublishedSnapshots(broker)) if snapshots else None,
        monotonic_ns=monotonic_ns,
    )
    return worker, state, engines


def run_to_the_end(broker: FakeBroker, **changes: Any) -> WorkerState:
    worker, state, _ = make_worker(broker, **changes)
    worker.run(IDLE)
    return state


def event_ids(records: list[OutgoingRecord]) -> list[str]:
    return [
        dict(record.headers)["ce_id"].decode()
        for record in records
        if record.topic.startswith("rotascope.events")
    ]


def dead_letters(broker: FakeBroker) -> list[tuple[str, int]]:
    letters = [json.loads(r.value) for r in broker.published if r.topic == "rotascope.dead-letters"]
    return [(letter["reason"], letter["offset"]) for letter in letters]


def bar_sequences(broker: FakeBroker) -> list[int]:
    return [
        decode_frame(record.value, BAR)[0].sequence
        for record in broker.published
        if record.topic == "rotascope.bars.1m"
    ]


def fill(broker: FakeBroker, frames: int, *, partition: int = 0, seed: int = 0) -> None:
    """Frames of 5 trades with varying prices, a clock mark after every fourth."""
    for number in range(frames):
        broker.append(frame([1000 + seed + number * 7 + k for k in range(5)], sequence=2 * number), partition)
        if number % 4 == 3:
            broker.append(clock(number + 1, sequence=2 * number + 1), partition)
