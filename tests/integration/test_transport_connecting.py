"""Every transport against a real Apache Kafka broker: connecting, and what it needs for that."""

from __future__ import annotations

import importlib.util
import time

import pytest
from kafka import KafkaProducer

from consumers.transport.registry import TRANSPORTS, make_transport
from consumers.transport.seam import Transport
from core.model.errors import ConfigurationError, TransportError
from core.model.settings import KafkaSettings, WorkerSettings
from deploy.kafka.broker import LocalKafka
from tests.support.kafka_broker import MakeTopic
from tests.support.ports import free_port
from tests.support.transports import Connect, read_records, wait_until

pytestmark = pytest.mark.integration


def test_a_topic_that_is_not_there_is_named_and_not_made(connect: Connect) -> None:
    transport = connect()
    for _ in range(2):
        with pytest.raises(TransportError, match="topic 'no-such-topic' does not exist") as raised:
            transport.partitions("no-such-topic")
        assert "rotascope topics apply" in str(raised.value)


def test_a_new_client_without_an_answer_leaves_the_old_one_in_use(
    kafka: LocalKafka, connect: Connect, make_topic: MakeTopic
) -> None:
    """Regression: the old one was closed first, so that every poll after an outage was refused."""
    topic = make_topic()
    transport = connect(bootstrap_timeout_ms=1_000)
    transport.assign(topic, [0])
    transport.seek(0, 0)
    transport.send(topic, None, b"before", (), 0)
    transport.flush(10_000)
    assert len(read_records(transport, 1)) == 1
    kafka.pause(1)
    try:
        assert not transport.fresh_client_answers(500)
        with pytest.raises(TransportError) as raised:
            transport.rebuild_consumer()
        assert raised.value.retriable
    finally:
        kafka.resume(1)
    assert transport.fresh_client_answers(10_000)
    with KafkaProducer(bootstrap_servers=kafka.bootstrap_servers) as producer:
        producer.send(topic, b"after", partition=0).get(timeout=10)
        assert [record.value for record in read_records(transport, 1)] == [b"after"]
        wait_until(lambda: _rebuilt(transport))
        assert transport.poll(200) == {}, "held until it is sought again"
        transport.seek(0, 1)
        assert [record.value for record in read_records(transport, 1)] == [b"after"]


def _rebuilt(transport: Transport) -> bool:
    """Make the client anew; on a starved machine the first answer may take too long."""
    try:
        transport.rebuild_consumer()
    except TransportError:
        return False
    return True


@pytest.mark.parametrize("client", TRANSPORTS)
def test_no_broker_is_a_quick_and_clear_error(client: str) -> None:
    """Also with an explicit api_version, where kafka-python alone would wait for ever."""
    for api_version in (None, (2, 3)):
        settings = KafkaSettings.model_validate(
            {
                "bootstrap_servers": f"127.0.0.1:{free_port()}",
                "bootstrap_timeout_ms": 300,
                "api_version": api_version,
                "client": client,
            }
        )
        started = time.monotonic()
        with pytest.raises(TransportError, match="no broker at") as raised:
            make_transport(settings, WorkerSettings())
        assert time.monotonic() - started < 3
        assert raised.value.operator_action is not None
        assert raised.value.retriable


@pytest.mark.parametrize("client", TRANSPORTS)
@pytest.mark.parametrize("servers", ["nohost", "host:", ":9092", "host:port"])
def test_an_address_that_is_none_is_a_configuration_error(client: str, servers: str) -> None:
    settings = KafkaSettings.model_validate({"bootstrap_servers": servers, "client": client})
    with pytest.raises(ConfigurationError, match="is not host:port"):
        make_transport(settings, WorkerSettings())


def test_without_crc32c_it_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """kafka-python falls back to pure Python in silence: 330 frames a second."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match="crc32c") as raised:
        make_transport(KafkaSettings(), WorkerSettings())
    assert raised.value.operator_action == "pip install 'kafka-python[crc32c,lz4]'"


def test_empty_answers_are_counted_as_answers(connect: Connect, make_topic: MakeTopic) -> None:
    """A quiet night is no outage: without any record the count goes on."""
    topic = make_topic()
    transport = connect()
    transport.assign(topic, [0])
    transport.seek(0, 0)
    for _ in range(2):
        before = transport.answers()
        assert before > 0
        wait_until(lambda b=before: transport.poll(50) == {} and transport.answers() > b)  # type: ignore[misc]
