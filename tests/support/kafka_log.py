"""Put a log of ticks into Kafka, and see what a worker made of it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from core.kafka.kafka_python import consumer_configuration
from core.kafka.records import Record
from core.kafka.topic_reader import TopicReader
from core.model.event_families import EVENT_FAMILIES
from core.model.settings import KafkaSettings
from core.model.topics import EVENTS_PREFIX
from deploy.kafka.broker import LocalKafka
from tests.support.kafka_broker import TEST_PARTITIONS

TICKS = "rotascope.ticks.v1"
EVENT_TOPICS = [EVENTS_PREFIX + family for family in EVENT_FAMILIES]
ANSWER_TIMEOUT_S = 60.0

Log = Mapping[int, Sequence[bytes]]


def publish(kafka: LocalKafka, log: Log) -> None:
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap_servers, linger_ms=5, batch_size=256 * 1024)
    try:
        sent = [producer.send(TICKS, value, partition=p) for p, values in log.items() for value in values]
        for future in sent:
            future.get(timeout=ANSWER_TIMEOUT_S)
    finally:
        producer.close()


def read(kafka: LocalKafka, topics: Sequence[str], *, after_a_kill: bool = False) -> list[Record]:
    """Give all committed records of these topics.

    Args:
        kafka: The broker.
        topics: Existing topics.
        after_a_kill: Do not wait for transactions to end; one that a killed worker left open stays open.
    """
    return read_with(_settings(kafka), topics, after_a_kill=after_a_kill)


def read_with(settings: KafkaSettings, topics: Sequence[str], *, after_a_kill: bool = False) -> list[Record]:
    """See `read`; with the settings of a secured broker, say."""
    if not after_a_kill:
        wait_until_stable(settings, topics)
    with TopicReader(settings) as reader:
        return list(reader.read(topics, until_end=True))


def wait_until_stable(settings: KafkaSettings, topics: Sequence[str]) -> None:
    """Wait until no transaction is open on these topics.

    A commit is answered before its markers are written, so a reader right behind it may not see it yet.
    """
    deadline = time.monotonic() + ANSWER_TIMEOUT_S
    configuration = consumer_configuration(settings)
    committed = KafkaConsumer(**(configuration | {"isolation_level": "read_committed"}))
    uncommitted = KafkaConsumer(**(configuration | {"isolation_level": "read_uncommitted"}))
    try:
        parts = [TopicPartition(topic, n) for topic in topics for n in committed.partitions_for_topic(topic)]
        while True:
            with suppress(KafkaError):  # a broker that has just started may still refuse
                ends = committed.end_offsets(parts), uncommitted.end_offsets(parts)
                if ends[0] == ends[1]:
                    return
            assert time.monotonic() < deadline, "a transaction stays open, or the broker does not answer"
            time.sleep(0.01)
    finally:
        committed.close(autocommit=False)
        uncommitted.close(autocommit=False)


def event_ids(kafka: LocalKafka, *, after_a_kill: bool = False) -> list[str]:
    records = read(kafka, EVENT_TOPICS, after_a_kill=after_a_kill)
    return [dict(record.headers)["ce_id"].decode() for record in records]


def committed_offsets(kafka: LocalKafka, group_id: str) -> dict[int, int]:
    return committed_offsets_with(_settings(kafka), group_id, TEST_PARTITIONS)


def committed_offsets_with(settings: KafkaSettings, group_id: str, partitions: int) -> dict[int, int]:
    """Give what a group has committed, waiting for offsets whose transaction is just being committed."""
    own = {"group_id": group_id, "isolation_level": "read_committed", "enable_auto_commit": False}
    consumer = KafkaConsumer(**(consumer_configuration(settings) | own))
    try:
        return {p: consumer.committed(TopicPartition(TICKS, p)) or 0 for p in range(partitions)}
    finally:
        consumer.close(autocommit=False)


def _settings(kafka: LocalKafka) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=kafka.bootstrap_servers)
