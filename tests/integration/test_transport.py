"""Every transport against a real Apache Kafka broker: reading, sending, committing."""

from __future__ import annotations

import importlib.util
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

from consumers.snapshots.position import Position, decode_position, same_place
from consumers.transport.registry import TRANSPORTS, make_transport
from consumers.transport.seam import Transport, first_failure
from core.kafka.records import Committed, Record
from core.model.errors import ConfigurationError, TransportError
from core.model.settings import KafkaSettings, WorkerSettings
from deploy.kafka.broker import LocalKafka
from tests.support.kafka_broker import MakeTopic
from tests.support.ports import free_port

pytestmark = pytest.mark.integration

DEADLINE_S = 20.0


@dataclass
class Connect:
    """Makes transports to the session's broker, and closes them after the test."""

    kafka: LocalKafka
    client: str
    made: list[Transport] = field(default_factory=list)

    def __call__(self, group_id: str = "test", **settings: object) -> Transport:
        transport = make_transport(
            KafkaSettings.model_validate(
                {"bootstrap_servers": self.kafka.bootstrap_servers, "client": self.client} | settings
            ),
            WorkerSettings(group_id=group_id),
        )
        self.made.append(transport)
        return transport


@pytest.fixture(params=TRANSPORTS)
def connect(kafka: LocalKafka, request: pytest.FixtureRequest) -> Iterator[Connect]:
    connect = Connect(kafka, request.param)
    yield connect
    for transport in connect.made:
        transport.close()


def _read(transport: Transport, count: int) -> list[Record]:
    records: list[Record] = []
    deadline = time.monotonic() + DEADLINE_S
    while len(records) < count:
        assert time.monotonic() < deadline, f"{len(records)} of {count} records came"
        for batch in transport.poll(100).values():
            records += batch
    return records


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline


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
    records = _read(transport, 2)
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
    assert len(_read(transport, 10)) == 10
    transport.seek(0, 7)
    assert [record.value for record in _read(transport, 3)] == [b"7", b"8", b"9"]


def test_a_held_partition_is_silent_until_it_is_sought(connect: Connect, make_topic: MakeTopic) -> None:
    topic = make_topic(partitions=2)
    transport = connect()
    for number in range(4):
        transport.send(topic, None, b"%d" % number, (), number % 2)
    transport.flush(10_000)
    transport.assign(topic, [0, 1])
    for partition in (0, 1):
        transport.seek(partition, 0)
    assert len(_read(transport, 4)) == 4
    transport.hold(0)
    transport.seek(1, 0)
    assert {record.partition for record in _read(transport, 2)} == {1}
    transport.seek(0, 1)
    assert [(record.partition, record.value) for record in _read(transport, 1)] == [(0, b"2")]


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


def test_a_key_decides_the_partition_when_none_is_given(connect: Connect, make_topic: MakeTopic) -> None:
    topic = make_topic(partitions=4)
    transport = connect()
    transport.assign(topic, range(4))
    for partition in range(4):
        transport.seek(partition, 0)
    for _ in range(5):
        transport.send(topic, b"IWM/SPY", b"x", ())
    transport.flush(10_000)
    assert len({record.partition for record in _read(transport, 5)}) == 1


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
    records = _read(reader, len(keys) * len(TRANSPORTS))
    reader.close()
    homes = {
        client: {r.key: r.partition for r in records if r.value == client.encode()} for client in TRANSPORTS
    }
    assert homes["confluent"] == homes["kafka-python"]
    assert set(homes["confluent"]) == set(keys)


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
            poison = tuple(range(10**9, 10**9 + number))
            sent = Committed(number, Position(baseline=number, commits=number, poison=poison).encode())
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
    assert [record.value for record in _read(transport, 1)] == [b"committed"]
    _wait(lambda: transport.poll(50) == {} and transport.position(0) == 4)
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
    assert [record.offset for record in _read(transport, 4)] == [6, 7, 8, 9]
    transport.seek(0, 2)
    with pytest.raises(TransportError, match="deleted before it was read"):
        _read(transport, 1)


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


def test_a_topic_that_is_not_there_is_named_and_not_made(connect: Connect) -> None:
    transport = connect()
    for _ in range(2):
        with pytest.raises(TransportError, match="topic 'no-such-topic' does not exist") as raised:
            transport.partitions("no-such-topic")
        assert "rotascope topics apply" in str(raised.value)


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


def test_reading_before_the_start_of_the_log_is_no_silent_skip(
    kafka: LocalKafka, connect: Connect, make_topic: MakeTopic
) -> None:
    topic = make_topic()
    transport = connect()
    transport.assign(topic, [0])
    transport.seek(0, 99)
    with pytest.raises(TransportError, match="deleted before it was read") as raised:
        _read(transport, 1)
    assert not raised.value.retriable


def test_empty_answers_are_counted_as_answers(connect: Connect, make_topic: MakeTopic) -> None:
    """A quiet night is no outage: without any record the count goes on."""
    topic = make_topic()
    transport = connect()
    transport.assign(topic, [0])
    transport.seek(0, 0)
    for _ in range(2):
        before = transport.answers()
        assert before > 0
        _wait(lambda b=before: transport.poll(50) == {} and transport.answers() > b)  # type: ignore[misc]


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
    assert {record.partition for record in _read(transport, 2)} == {1}
    assert transport.poll(300) == {}
    transport.seek(0, 1)
    assert [record.value for record in _read(transport, 1)] == [b"2"]


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
    assert len(_read(transport, 1)) == 1
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
        assert [record.value for record in _read(transport, 1)] == [b"after"]
        _wait(lambda: _rebuilt(transport))
        assert transport.poll(200) == {}, "held until it is sought again"
        transport.seek(0, 1)
        assert [record.value for record in _read(transport, 1)] == [b"after"]


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
