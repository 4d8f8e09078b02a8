"""Snapshots through a real Apache Kafka broker: written, read back, damaged, and fallen back from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from consumers.snapshots.log import TopicSnapshotLog
from consumers.snapshots.position import Position
from consumers.snapshots.records import CHUNK_BYTES, SnapshotName, snapshot_records
from consumers.snapshots.restore import Opened, open_partition
from consumers.snapshots.store import SnapshotStore
from consumers.transport.kafka_python import KafkaPythonTransport
from consumers.transport.seam import first_failure
from core.engine.engine import PartitionEngine
from core.kafka.records import Committed, OutgoingRecord
from core.model.errors import ConfigurationError, SnapshotError
from core.model.settings import KafkaSettings, WorkerSettings
from deploy.kafka.broker import LocalKafka
from tests.support.kafka_broker import delete_topics
from tests.support.logs import cut, run
from tests.support.rich_log import rich_log, warm_start
from tests.support.worlds import make_engine

pytestmark = pytest.mark.integration

PARTITION = 2
FRAME_RECORDS = 100


@dataclass
class Desk:
    """A log stepped part by part, with a snapshot on the broker after each part."""

    settings: KafkaSettings
    transport: KafkaPythonTransport
    log: TopicSnapshotLog
    frames: list[bytes]

    def snapshot_at(self, offset: int, number: int) -> SnapshotName:
        engine = make_engine()
        run(engine, self.frames[:offset])
        return self.write(engine.snapshot(), number, offset)

    def write(self, data: bytes, number: int, offset: int) -> SnapshotName:
        name, records = snapshot_records(data, {}, partition=PARTITION, number=number, next_offset=offset)
        self.send(*records)
        return name

    def send(self, *records: OutgoingRecord) -> None:
        deliveries = [self.transport.send(*record) for record in records]
        self.transport.flush(20_000)
        assert first_failure(deliveries) is None

    def open(self, named: SnapshotName, *, begin: int = 0) -> Opened[PartitionEngine]:
        position = Position(baseline=0, snapshot=named)
        return open_partition(
            make_engine,
            Committed(len(self.frames), position.encode()),
            SnapshotStore(self.log),
            partition=PARTITION,
            begin_offset=begin,
            end_offset=len(self.frames),
        )

    def expect_the_rest(self, opened: Opened[PartitionEngine]) -> None:
        """What is stepped from there on gives the state of a run without any restore."""
        start = opened.plan.seek_to
        run(opened.engine, self.frames[start:], first_offset=start)
        whole = make_engine()
        run(whole, self.frames)
        assert opened.engine.snapshot() == whole.snapshot()


@pytest.fixture
def desk(kafka_with_topics: LocalKafka) -> Iterator[Desk]:
    settings = KafkaSettings(bootstrap_servers=kafka_with_topics.bootstrap_servers, partitions=4)
    transport = KafkaPythonTransport(settings, WorkerSettings(group_id="snapshots"))
    log = TopicSnapshotLog(settings)
    records = np.concatenate([warm_start(), rich_log(1)])
    yield Desk(settings, transport, log, cut(records, range(0, len(records), FRAME_RECORDS)))
    log.close()
    transport.close()


def test_an_engine_comes_back_from_the_topic(desk: Desk) -> None:
    middle = len(desk.frames) // 2
    opened = desk.open(desk.snapshot_at(middle, number=0))
    assert opened.plan.seek_to == middle
    assert opened.problems == ()
    desk.expect_the_rest(opened)


def test_damaged_ones_are_fallen_back_from_one_after_another(desk: Desk) -> None:
    third = len(desk.frames) // 3
    names = [desk.snapshot_at(offset, number) for number, offset in enumerate((third, 2 * third))]
    key = f"{PARTITION}/{names[1].slot}/0".encode()
    _, records = snapshot_records(b"?", {}, partition=PARTITION, number=1, next_offset=2 * third)
    desk.send(records[0]._replace(key=key))
    opened = desk.open(names[1])
    assert opened.restored == names[0]
    assert "CRC32C" in opened.problems[0]
    desk.expect_the_rest(opened)
    desk.send(records[0]._replace(key=f"{PARTITION}/{names[0].slot}/manifest".encode(), value=b"?"))
    opened = desk.open(names[1])
    assert opened.restored is None
    assert len(opened.problems) == 2
    assert opened.plan.seek_to == 0
    desk.expect_the_rest(opened)
    with pytest.raises(SnapshotError, match=r"CRC32C.*manifest") as refusal:
        desk.open(names[1], begin=1)
    assert "Operator action" in str(refusal.value)


def test_a_snapshot_of_many_chunks_with_others_around_it(desk: Desk) -> None:
    generator = np.random.default_rng(1)
    states = [generator.bytes(5 * CHUNK_BYTES + 17) for _ in range(4)]
    names = [desk.write(state, number, 10 * number) for number, state in enumerate(states)]
    stored = list(SnapshotStore(desk.log).candidates(PARTITION, names[3], []))
    assert [each.name for each in stored] == [names[3], names[2], names[1]]
    assert [each.data for each in stored] == [states[3], states[2], states[1]]


def test_without_the_topic_an_operator_is_told_what_to_do(desk: Desk, kafka: LocalKafka) -> None:
    delete_topics(kafka)
    with pytest.raises(ConfigurationError, match=r"rotascope\.snapshots\.v1") as refusal:
        desk.open(SnapshotName(number=0, next_offset=0, chunks=1))
    assert "rotascope topics apply" in str(refusal.value)
