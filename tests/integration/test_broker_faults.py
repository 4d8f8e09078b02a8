"""What a broker refuses, or a client cannot read: named, final, and in time, with both clients."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import numpy as np
import pytest
from kafka import KafkaProducer
from kafka.errors import UnsupportedCodecError

from consumers.transport.registry import TRANSPORTS, make_transport
from consumers.transport.seam import Transport
from core.kafka.records import Committed, OutgoingRecord
from core.kafka.topic_reader import TopicReader
from core.model.errors import RotascopeError, TransportError
from core.model.frames import encode_frame
from core.model.records import BAR
from core.model.settings import KafkaSettings, WorkerSettings
from core.runtime.exit_codes import exit_code
from deploy.kafka.broker import LocalKafka
from producers.backfill.log_reader import log_reader
from producers.framing.publisher import Publisher, open_producer
from producers.metrics import ProducerCounters
from tests.support.kafka_broker import MakeTopic
from tests.support.ports import free_port

pytestmark = [pytest.mark.integration]

DEADLINE_S = 30.0
LARGE = 150_000
LIMIT = "65536"


def settings_of(kafka: LocalKafka, **more: object) -> KafkaSettings:
    return KafkaSettings.model_validate({"bootstrap_servers": kafka.bootstrap_servers} | more)


@pytest.fixture(params=TRANSPORTS)
def client(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def transport(kafka: LocalKafka, client: str) -> Iterator[Transport]:
    made = make_transport(settings_of(kafka, client=client), WorkerSettings(group_id=f"faults-{client}"))
    yield made
    made.close()


def write_with_codec(kafka: LocalKafka, topic: str) -> None:
    """Two plain records, then one that the broker compresses anew."""
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap_servers)
    for value in (b"one", b"two", b"three"):
        producer.send(topic, value, partition=0)
        producer.flush()
    producer.close()


def failure_of(transport: Transport) -> TransportError:
    """Poll until it raises."""
    deadline_s = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline_s:
        try:
            transport.poll(200)
        except TransportError as error:
            return error
    raise AssertionError("the poll never raised")


def test_a_codec_that_the_client_lacks_is_named_and_final(kafka: LocalKafka, make_topic: MakeTopic) -> None:
    """Guards kafka-python's poll, which never came back after it had raised once."""
    topic = make_topic(config={"compression.type": "zstd"})
    write_with_codec(kafka, topic)
    made = make_transport(settings_of(kafka), WorkerSettings(group_id="codec"))
    try:
        made.assign(topic, [0])
        made.seek(0, 1)
        for _ in range(3):
            error = failure_of(made)
            assert f"the batch at offset 1 of {topic}/0 is compressed with zstd" in error.message
            assert isinstance(error.__cause__, UnsupportedCodecError)
            assert "kafka-python[zstd]" in str(error.operator_action)
            assert (error.retriable, exit_code(error)) == (False, 2)
    finally:
        made.close()
    with TopicReader(settings_of(kafka)) as reader, pytest.raises(TransportError, match="zstd"):
        list(reader.read([topic], until_end=True))
    with log_reader(settings_of(kafka)) as log, pytest.raises(TransportError, match="zstd"):
        list(log.read([topic], until_end=True))


def test_librdkafka_reads_what_kafka_python_cannot(kafka: LocalKafka, make_topic: MakeTopic) -> None:
    """The remedy that the message names."""
    topic = make_topic(config={"compression.type": "zstd"})
    write_with_codec(kafka, topic)
    made = make_transport(settings_of(kafka, client="confluent"), WorkerSettings(group_id="codec"))
    made.assign(topic, [0])
    made.seek(0, 0)
    values: list[bytes] = []
    deadline_s = time.monotonic() + DEADLINE_S
    while len(values) < 3 and time.monotonic() < deadline_s:
        values += [record.value for batch in made.poll(200).values() for record in batch]
    made.close()
    assert values == [b"one", b"two", b"three"]


@pytest.mark.parametrize("refused_by", ["broker", "client"])
def test_output_that_is_too_large_is_named_with_its_size_and_the_setting(
    kafka: LocalKafka, client: str, make_topic: MakeTopic, refused_by: str
) -> None:
    ticks, output = make_topic(), make_topic(config={"max.message.bytes": LIMIT})
    bound = {"max_request_bytes": 65_536} if refused_by == "client" else {}
    setting = "kafka.max_request_bytes" if refused_by == "client" else "max.message.bytes"
    group = WorkerSettings(group_id=f"large-{client}-{refused_by}", slot=f"large-{client}-{refused_by}")
    made = make_transport(settings_of(kafka, client=client, **bound), group)
    try:
        made.assign(ticks, [0])
        record = OutgoingRecord(output, b"key", bytes(LARGE), ())
        with pytest.raises(TransportError) as raised:
            made.transact([record], {0: Committed(1, "")}, None, 10_000)
        assert f"a record of {LARGE + 3:,} bytes is too large for topic {output}" in raised.value.message
        assert setting in str(raised.value.operator_action)
        assert (raised.value.retriable, exit_code(raised.value)) == (False, 2)
        assert made.committed(0) is None
    finally:
        made.close()


def test_a_producers_record_that_is_too_large_is_named(kafka: LocalKafka, make_topic: MakeTopic) -> None:
    topic = make_topic(config={"max.message.bytes": "100"})
    publisher = Publisher(
        open_producer(settings_of(kafka)),
        topic=topic,
        source="history",
        bytes_in_flight_max=1_000_000,
        counters=ProducerCounters("history"),
    )
    bar = encode_frame(np.zeros(1, BAR), source=0, epoch=1, sequence=0)

    def publish() -> None:
        # Several in a batch, which the client splits before it fails.
        for _ in range(5):
            publisher.keyed(topic, b"day", bar, [], partition=0)
        publisher.flush(DEADLINE_S)

    try:
        with pytest.raises(TransportError) as raised:
            publish()
    finally:
        publisher.close()
    assert f"a record of {len(bar) + 3:,} bytes is too large for topic {topic}" in raised.value.message
    assert "max.message.bytes" in str(raised.value.operator_action)
    assert (raised.value.retriable, exit_code(raised.value)) == (False, 2)


QUICK = {"bootstrap_timeout_ms": 500, "request_timeout_ms": 1_000, "patience_ms": 500}


@pytest.fixture(params=["closed", "silent", "unresolvable"])
def bad_servers(request: pytest.FixtureRequest) -> Iterator[str]:
    """An address where no broker answers, in each way there is."""
    if request.param == "unresolvable":
        yield "no-such-host.invalid:9092"
    elif request.param == "closed":
        yield f"127.0.0.1:{free_port()}"
    else:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("version", [None, (2, 3)])
def test_a_reader_without_a_broker_ends_in_time(bad_servers: str, version: tuple[int, int] | None) -> None:
    settings = KafkaSettings.model_validate(
        QUICK | {"bootstrap_servers": bad_servers, "api_version": version}
    )
    for connect in (TopicReader, log_reader):
        started_s = time.monotonic()
        with pytest.raises(RotascopeError) as raised:
            connect(settings)
        assert time.monotonic() - started_s < DEADLINE_S
        assert exit_code(raised.value) == 1
        assert bad_servers in raised.value.message
        assert raised.value.operator_action
