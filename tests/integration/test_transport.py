"""Every transport against a real Apache Kafka broker: reading and committing."""

from __future__ import annotations

import time

import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

from consumers.snapshots.position import Position, decode_position, same_place
from consumers.transport.registry import TRANSPORTS
from consumers.transport.seam import first_failure
from core.kafka.records import Committed
from core.model.errors import TransportError
from deploy.kafka.broker import LocalKafka
from tests.support.kafka_broker import MakeTopic
from tests.support.transports import DEADLINE_S, Connect, read_records, wait_until

pytestmark = pytest.mark.integration


def test_records_come_back_as_they_were_sent(connect: Connect, make_topic: MakeTopic) -> None:
    topic = make_topic(partitions=2)
    transport = connect()
    assert transport.partitions(topic) == 2
    transport.assign(topic, [0, 1])
    for partition in range(2):
        transport.seek(partition, 0)
    sent = [
        transport.send(topic, b"key", b"one", (("schema", b"tick/1"),), 1),
        transport.send(topic, None, b"two", (), 1),
    ]
    transport.flush(10_000)
    assert first_failure(sent) is None
    records = read_records(transport, 2)
    assert [(r.partition, r.offset, r.key, r.value, r.headers) for r in records] == [
        (1, 0, b"key", b"one", (("schema", b"tick/1"),)),
        (1, 1, None, b"two", ()),
    ]
    assert records[0].timestamp_ms > 0
    assert (transport.begin_offset(1), transport.end_offset(1), transport.end_seen(1)) == (0, 2, 2)
    assert transport.position(1) == 2


def test_seek_reads_again_from_there(connect: Connect, make_topic: MakeTopic) -> None:
    topic = make_topic()
    transport = connect()
    transport.assign(topic, [0])
    transport.seek(0, 0)
    for number in range(10):
        transport.send(topic, None, b"%d" % number, (), 0)
    transport.flush(10_000)
    assert len(read_records(transport, 10)) == 10
    transport.seek(0, 7)
    assert [record.value for record in read_records(transport, 3)] == [b"7", b"8", b"9"]


def test_a_held_partition_is_silent_until_it_is_sought(connect: Connect, make_topic: MakeTopic) -> None:
    topic = make_topic(partitions=2)
    transport = connect()
    for number in range(4):
        transport.send(topic, None, b"%d" % number, (), number % 2)
    transport.flush(10_000)
    transport.assign(topic, [0, 1])
    for partition in (0, 1):
        transport.seek(partition, 0)
    assert len(read_records(transport, 4)) == 4
    transport.hold(0)
    transport.seek(1, 0)
    assert {record.partition for record in read_records(transport, 2)} == {1}
    transport.seek(0, 1)
    assert [(record.partition, record.value) for record in read_records(transport, 1)] == [(0, b"2")]


def test_a_poll_gives_no_more_than_it_is_asked_for(connect: Connect, make_topic: MakeTopic) -> None:
    topic = make_topic()
    transport = connect()
    for number in range(5):
        transport.send(topic, None, b"%d" % number, (), 0)
    transport.flush(10_000)
    transport.assign(topic, [0])
    transport.seek(0, 0)
    values: list[bytes] = []
    deadline = time.monotonic() + DEADLINE_S
    while len(values) < 5:
        assert time.monotonic() < deadline
        batch = transport.poll(100, max_records=1).get(0, [])
        assert len(batch) <= 1
        values += [record.value for record in batch]
    assert values == [b"%d" % number for number in range(5)]


def test_committed_offsets_keep_their_metadata(connect: Connect, make_topic: MakeTopic) -> None:
    topic = make_topic(partitions=2)
    transport = connect("group-of-metadata")
    transport.assign(topic, [0, 1])
    assert transport.committed(0) is None
    transport.commit({0: Committed(5, '{"baseline":3}'), 1: Committed(0, "")})
    other = connect("group-of-metadata")
    other.assign(topic, [0, 1])
    assert other.committed(0) == Committed(5, '{"baseline":3}')
    assert other.committed(1) == Committed(0, "")
    stranger = connect("another-group")
    stranger.assign(topic, [0])
    assert stranger.committed(0) is None


def test_positions_are_the_same_whichever_client_committed_them(
    kafka: LocalKafka, connect: Connect, make_topic: MakeTopic
) -> None:
    """Guards the change of client: one reads metadata past their end, one shows the byte that ends them."""
    topic = make_topic(partitions=1)
    reader = connect("group-of-two-clients")
    reader.assign(topic, [0])
    for client in TRANSPORTS:
        writer = Connect(kafka, client)("group-of-two-clients")
        writer.assign(topic, [0])
        for number in range(25):
            offsets = tuple(range(10**9, 10**9 + number))
            sent = Committed(number, Position(baseline=number, commits=number, quarantined=offsets).encode())
            writer.commit({0: sent})
            found = reader.committed(0)
            assert found is not None
            assert decode_position(found.metadata, partition=0) == decode_position(sent.metadata, partition=0)
            assert same_place(found, sent)
        writer.close()


def test_transactions_of_others_are_read_when_they_are_committed(
    kafka: LocalKafka, connect: Connect, make_topic: MakeTopic
) -> None:
    """What is still open is not read, what was aborted never, and the position passes the marks."""
    topic = make_topic()
    transport = connect()
    transport.assign(topic, [0])
    transport.seek(0, 0)
    writer = KafkaProducer(bootstrap_servers=kafka.bootstrap_servers, transactional_id=f"writer-{topic}")
    writer.init_transactions()
    for value, commit in ((b"aborted", False), (b"committed", True)):
        writer.begin_transaction()
        writer.send(topic, value, partition=0)
        writer.flush()
        assert transport.poll(300) == {}
        assert transport.end_offset(0) == (0 if value == b"aborted" else 2)
        (writer.commit_transaction if commit else writer.abort_transaction)()
    writer.close()
    assert [record.value for record in read_records(transport, 1)] == [b"committed"]
    wait_until(lambda: transport.poll(50) == {} and transport.position(0) == 4)
    assert transport.end_offset(0) == transport.end_seen(0) == 4


def test_an_offset_in_an_open_transaction_is_waited_for(
    kafka: LocalKafka, connect: Connect, make_topic: MakeTopic
) -> None:
    """Read past it, a partition's new owner would repeat what the old one is just publishing."""
    topic = make_topic()
    transport = connect("waits")
    transport.assign(topic, [0])
    transport.commit({0: Committed(10, "")})
    writer = KafkaProducer(bootstrap_servers=kafka.bootstrap_servers, transactional_id=f"offsets-{topic}")
    writer.init_transactions()
    writer.begin_transaction()
    writer.send_offsets_to_transaction({TopicPartition(topic, 0): OffsetAndMetadata(20, "", -1)}, "waits")
    started = time.monotonic()
    with pytest.raises(TransportError):
        transport.committed(0, timeout_ms=500)
    assert time.monotonic() - started < 5
    writer.commit_transaction()
    writer.close()
    assert transport.committed(0) == Committed(20, "")


def test_a_log_that_has_lost_its_beginning_is_read_from_there(
    kafka: LocalKafka, connect: Connect, make_topic: MakeTopic
) -> None:
    topic = make_topic()
    transport = connect()
    for number in range(10):
        transport.send(topic, None, b"%d" % number, (), 0)
    transport.flush(10_000)
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    admin.delete_records({TopicPartition(topic, 0): 6})
    admin.close()
    transport.assign(topic, [0])
    assert (transport.begin_offset(0), transport.end_offset(0)) == (6, 10)
    transport.seek(0, 6)
    assert [record.offset for record in read_records(transport, 4)] == [6, 7, 8, 9]
    transport.seek(0, 2)
    with pytest.raises(TransportError, match="deleted before it was read"):
        read_records(transport, 1)


def test_a_poll_hands_out_what_is_there_and_waits_for_no_more(
    connect: Connect, make_topic: MakeTopic
) -> None:
    """A batch call of librdkafka would wait until the batch is full, or the time is over."""
    topic = make_topic()
    transport = connect()
    transport.assign(topic, [0])
    transport.seek(0, 0)
    for number in range(3):
        transport.send(topic, None, b"%d" % number, (), 0)
    transport.flush(10_000)
    started = time.monotonic()
    records = [record for batch in transport.poll(20_000).values() for record in batch]
    assert 0 < len(records) <= 3
    assert time.monotonic() - started < 10


def test_reading_before_the_start_of_the_log_is_no_silent_skip(
    kafka: LocalKafka, connect: Connect, make_topic: MakeTopic
) -> None:
    topic = make_topic()
    transport = connect()
    transport.assign(topic, [0])
    transport.seek(0, 99)
    with pytest.raises(TransportError, match="deleted before it was read") as raised:
        read_records(transport, 1)
    assert not raised.value.retriable


def test_what_is_assigned_by_hand_gives_nothing_before_it_is_sought(
    connect: Connect, make_topic: MakeTopic
) -> None:
    topic = make_topic(partitions=2)
    transport = connect()
    for number in range(4):
        transport.send(topic, None, b"%d" % number, (), number % 2)
    transport.flush(10_000)
    transport.assign(topic, [0, 1])
    transport.seek(1, 0)
    assert {record.partition for record in read_records(transport, 2)} == {1}
    assert transport.poll(300) == {}
    transport.seek(0, 1)
    assert [record.value for record in read_records(transport, 1)] == [b"2"]
