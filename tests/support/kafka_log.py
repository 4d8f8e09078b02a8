"""Put a log of ticks into Kafka, and see what a worker made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

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


def read(kafka: LocalKafka, topics: Sequence[str]) -> list[Record]:
    with TopicReader(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers)) as reader:
        return list(reader.read(topics, until_end=True))


def event_ids(kafka: LocalKafka) -> list[str]:
    return [dict(record.headers)["ce_id"].decode() for record in read(kafka, EVENT_TOPICS)]


def committed_offsets(kafka: LocalKafka, group_id: str) -> dict[int, int]:
    consumer = KafkaConsumer(bootstrap_servers=kafka.bootstrap_servers, group_id=group_id)
    try:
        offsets = {p: consumer.committed(TopicPartition(TICKS, p)) for p in range(TEST_PARTITIONS)}
    finally:
        consumer.close(autocommit=False)
    return {partition: offset or 0 for partition, offset in offsets.items()}
