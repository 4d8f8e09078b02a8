"""Every transport against a real Apache Kafka broker: sending."""

from __future__ import annotations

import re
import time

import pytest

from consumers.transport.registry import TRANSPORTS
from consumers.transport.seam import first_failure
from core.model.errors import TransportError
from deploy.kafka.broker import LocalKafka
from tests.support.kafka_broker import MakeTopic
from tests.support.transports import DEADLINE_S, Connect, read_records

pytestmark = pytest.mark.integration


def test_a_key_decides_the_partition_when_none_is_given(connect: Connect, make_topic: MakeTopic) -> None:
    topic = make_topic(partitions=4)
    transport = connect()
    transport.assign(topic, range(4))
    for partition in range(4):
        transport.seek(partition, 0)
    for _ in range(5):
        transport.send(topic, b"IWM/SPY", b"x", ())
    transport.flush(10_000)
    assert len({record.partition for record in read_records(transport, 5)}) == 1


def test_every_client_puts_a_key_into_the_same_partition(kafka: LocalKafka, make_topic: MakeTopic) -> None:
    """A pair's events must keep their order when a fleet changes from one client to the other."""
    topic = make_topic(partitions=6)
    keys = [b"IWM/SPY", b"RUT/SPX", b"BTC-USD", b"1/2024-07-09", b""]
    for client in TRANSPORTS:
        transport = Connect(kafka, client)()
        for key in keys:
            transport.send(topic, key, client.encode(), ())
        transport.flush(10_000)
        transport.close()
    reader = Connect(kafka, "kafka-python")()
    reader.assign(topic, range(6))
    for partition in range(6):
        reader.seek(partition, 0)
    records = read_records(reader, len(keys) * len(TRANSPORTS))
    reader.close()
    homes = {
        client: {r.key: r.partition for r in records if r.value == client.encode()} for client in TRANSPORTS
    }
    assert homes["confluent"] == homes["kafka-python"]
    assert set(homes["confluent"]) == set(keys)


def test_a_record_that_is_too_large_is_refused_in_our_words(connect: Connect, make_topic: MakeTopic) -> None:
    with pytest.raises(TransportError, match=r"a record of 3,145,728 bytes is too large for topic") as raised:
        connect().send(make_topic(), None, bytes(3 * 1024 * 1024), (), 0)
    assert "kafka.max_request_bytes" in str(raised.value)
    assert not raised.value.retriable


def test_an_unanswered_record_counts_as_failed(
    kafka: LocalKafka, connect: Connect, make_topic: MakeTopic
) -> None:
    """A frozen broker answers nothing: flush comes back in time, and the delivery says so."""
    topic = make_topic()
    transport = connect()
    warm = transport.send(topic, None, b"warm", (), 0)
    transport.flush(10_000)
    assert first_failure([warm]) is None
    kafka.pause(1)
    try:
        delivery = transport.send(topic, None, b"lost?", (), 0)
        started = time.monotonic()
        transport.flush(300)
        assert 0.2 < time.monotonic() - started < 5
        assert first_failure([warm, delivery]) == (
            f"1 records not acknowledged; the first: {topic}: no answer yet"
        )
    finally:
        kafka.resume(1)
    transport.flush(20_000)
    assert first_failure([delivery]) is None


def test_an_expired_record_says_why(kafka: LocalKafka, connect: Connect, make_topic: MakeTopic) -> None:
    """flush() does not raise for it: only the record's own outcome tells."""
    topic = make_topic()
    transport = connect(delivery_timeout_ms=1_000, request_timeout_ms=500)
    transport.send(topic, None, b"warm", (), 0)
    transport.flush(10_000)
    kafka.pause(1)
    try:
        delivery = transport.send(topic, None, b"expires", (), 0)
        transport.flush(10_000)
        failure = delivery.failure()
        assert failure is not None
        assert re.search("(?i)time.?out|timed.?out", failure)
    finally:
        kafka.resume(1)


def test_sending_goes_on_after_a_record_has_expired(
    kafka: LocalKafka, connect: Connect, make_topic: MakeTopic
) -> None:
    """kafka-python's idempotent producer never sends again after an expiry: it must be replaced."""
    topic = make_topic()
    transport = connect(delivery_timeout_ms=1_000, request_timeout_ms=500)
    transport.send(topic, None, b"warm", (), 0)
    transport.flush(10_000)
    kafka.pause(1)
    try:
        expired = transport.send(topic, None, b"expires", (), 0)
        transport.flush(10_000)
        assert expired.failure() is not None
    finally:
        kafka.resume(1)
    deadline = time.monotonic() + DEADLINE_S
    failure: str | None = "not sent yet"
    while failure is not None:
        assert time.monotonic() < deadline, failure
        transport.discard_sends()
        try:
            again = transport.send(topic, None, b"again", (), 0)
        except TransportError as error:
            failure = str(error)  # the broker is waking up
        else:
            transport.flush(2_000)
            failure = again.failure()
