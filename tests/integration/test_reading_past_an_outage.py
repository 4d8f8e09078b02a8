"""Readers whose broker goes away while they read: nothing is lost, nothing comes twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from kafka import KafkaProducer

from core.kafka.records import Record
from core.kafka.topic_reader import TopicReader
from core.model.errors import RotascopeError, TransportError
from core.model.settings import KafkaSettings
from deploy.kafka.broker import LocalKafka
from deploy.kafka.cluster import connect
from producers.backfill.log_reader import log_reader

pytestmark = [pytest.mark.integration]

TOPIC = "past-an-outage"
DEADLINE_S = 60.0


@pytest.fixture(scope="module")
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalKafka]:
    """A broker that may be stopped: nobody else uses it."""
    broker = LocalKafka(tmp_path_factory.mktemp("kafka-away"))
    try:
        broker.start()
    except RotascopeError as error:
        pytest.fail(f"Apache Kafka could not be started: {error}", pytrace=False)
    with connect(broker.bootstrap_servers) as client:
        client.create_topics({TOPIC: {"num_partitions": 2, "replication_factor": 1}}, wait_for_metadata=True)
    yield broker
    broker.stop()


def write(kafka: LocalKafka, values: range) -> None:
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap_servers)
    for value in values:
        producer.send(TOPIC, b"%d" % value, partition=value % 2)
    producer.flush()
    producer.close()


def until(reader: TopicReader, read: list[int], condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline_s, f"read {len(read)}"
        read += [int(record.value) for record in reader.poll()]


def test_a_broker_that_goes_away_is_waited_for_and_read_on(own_kafka: LocalKafka) -> None:
    write(own_kafka, range(100))
    lines: list[str] = []
    read: list[int] = []
    settings = KafkaSettings(bootstrap_servers=own_kafka.bootstrap_servers)
    hasty = settings.model_copy(update={"request_timeout_ms": 1_000, "patience_ms": 1_000})
    with (
        TopicReader(settings, follow=True, tell=lines.append) as reader,
        TopicReader(hasty) as bounded,
        log_reader(hasty) as log,
    ):
        reader.start([TOPIC])
        until(reader, read, lambda: len(read) == 100)
        bounded.start([TOPIC])
        assert len(list(bounded.rest())) == 100

        own_kafka.stop()
        until(reader, read, lambda: len(lines) == 1)
        reads: list[Callable[[], list[Record]]] = [
            lambda: list(bounded.rest()),
            lambda: list(log.read([TOPIC], until_end=True)),
        ]
        for bounded_read in reads:
            with pytest.raises(TransportError, match="no answer from the broker at") as raised:
                bounded_read()
            assert raised.value.retriable
        own_kafka.restart(1)

        until(reader, read, lambda: len(lines) == 2)
        write(own_kafka, range(100, 200))
        until(reader, read, lambda: len(read) >= 200)
        assert list(reader.poll()) == []
    assert sorted(read) == list(range(200))
    for parity in (0, 1):
        assert [value for value in read if value % 2 == parity] == list(range(parity, 200, 2))
    assert lines[0] == f"no answer from the broker at {own_kafka.bootstrap_servers}; waiting for it"
    assert lines[1].startswith(f"the broker at {own_kafka.bootstrap_servers} answers again after ")


def test_a_broker_that_stands_still_is_noticed(own_kafka: LocalKafka) -> None:
    """It keeps its connections, and answers nothing."""
    lines: list[str] = []
    read: list[int] = []
    settings = KafkaSettings(bootstrap_servers=own_kafka.bootstrap_servers)
    with TopicReader(settings, follow=True, tell=lines.append) as reader:
        reader.start([TOPIC], from_beginning=False)
        own_kafka.pause(1)
        try:
            until(reader, read, lambda: len(lines) == 1)
        finally:
            own_kafka.resume(1)
        until(reader, read, lambda: len(lines) == 2)
        write(own_kafka, range(10))
        until(reader, read, lambda: len(read) >= 10)
    assert sorted(read) == list(range(10))
