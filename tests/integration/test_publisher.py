"""The publisher on Apache Kafka: order, bounded memory, and every record answered for."""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition

from core.kafka.security_files import SecurityFiles
from core.model.errors import TransportError
from core.model.settings import KafkaSettings
from core.runtime.backoff import Backoff
from deploy.kafka.broker import LocalKafka
from producers.framing.framer import Frame
from producers.framing.hold import Hold
from producers.framing.holding_publisher import HoldingPublisher
from producers.framing.publisher import SENDERS, Publisher, check_topics, open_producer
from producers.ingest.queue import Overflow
from producers.metrics import ProducerCounters
from tests.support.kafka_broker import MakeTopic

pytestmark = pytest.mark.integration

DEADLINE_S = 30.0
FRAME_BYTES = 24_608
MIB = 1024 * 1024


@pytest.fixture(params=sorted(SENDERS))
def client(request: pytest.FixtureRequest) -> str:
    """Each client that a producer can use: all keep the same contract."""
    return str(request.param)


class Stage:
    """A publisher on a topic of its own."""

    def __init__(self, kafka: LocalKafka, client: str, topic: str, budget: int, **settings: Any) -> None:
        self.kafka = kafka
        self.topic = topic
        self.counters = ProducerCounters("alpaca")
        self.sender = open_producer(
            KafkaSettings.model_validate(
                {"bootstrap_servers": kafka.bootstrap_servers, "client": client, **settings}
            )
        )
        self.publisher = Publisher(
            self.sender, topic=topic, source="alpaca", bytes_in_flight_max=budget, counters=self.counters
        )

    def log(self, partitions: int, count: int | None) -> dict[int, list[int]]:
        """Numbers of the frames in each partition, in order: `count` of them, or all that stand there."""
        consumer = KafkaConsumer(bootstrap_servers=self.kafka.bootstrap_servers, auto_offset_reset="earliest")
        numbers: dict[int, list[int]] = defaultdict(list)
        try:
            places = [TopicPartition(self.topic, partition) for partition in range(partitions)]
            consumer.assign(places)
            count = sum(consumer.end_offsets(places).values()) if count is None else count
            deadline = time.monotonic() + DEADLINE_S
            while sum(map(len, numbers.values())) < count:
                assert time.monotonic() < deadline
                for place, records in consumer.poll(timeout_ms=200).items():
                    numbers[place.partition] += [
                        int.from_bytes(record.value[:8], "big") for record in records
                    ]
            # Nothing more may follow.
            for records in consumer.poll(timeout_ms=300).values():
                assert records == []
        finally:
            consumer.close()
        return dict(numbers)


def frame(number: int, partition: int) -> Frame:
    return Frame(partition, number.to_bytes(8, "big") + bytes(FRAME_BYTES - 8))


@contextmanager
def frozen(kafka: LocalKafka) -> Iterator[None]:
    kafka.pause(1)
    try:
        yield
    finally:
        kafka.resume(1)


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_frames_arrive_once_in_order_with_their_headers(
    client: str, kafka: LocalKafka, make_topic: MakeTopic
) -> None:
    stage = Stage(kafka, client, make_topic(partitions=3), 4 * MIB)
    try:
        for number in range(300):
            stage.publisher.send(frame(number, number % 3))
        stage.publisher.flush(DEADLINE_S)
        assert stage.publisher.in_flight_bytes == 0
        assert [stage.counters.of(partition).frames for partition in range(3)] == [100, 100, 100]
    finally:
        stage.publisher.close()
    assert stage.log(3, 300) == {partition: list(range(partition, 300, 3)) for partition in range(3)}


def test_a_frozen_broker_costs_bounded_memory_and_no_frame(
    client: str, kafka: LocalKafka, make_topic: MakeTopic
) -> None:
    """Regression: kafka-python's send() took 983 MB in two seconds from a broker that did not answer."""
    budget, frames = MIB, 4_000
    stage = Stage(kafka, client, make_topic(partitions=2), budget)
    done = threading.Event()

    def send() -> None:
        for number in range(frames):
            stage.publisher.send(frame(number, number % 2))
        done.set()

    try:
        stage.publisher.send(frame(0, 0))
        stage.publisher.flush(DEADLINE_S)
        before = resident_bytes()
        with frozen(kafka):
            thread = threading.Thread(target=send)
            thread.start()
            deadline = time.monotonic() + DEADLINE_S
            while stage.counters.of(0).waits + stage.counters.of(1).waits == 0:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            time.sleep(1.0)
            assert stage.publisher.in_flight_bytes <= 2 * budget
            assert not done.is_set()
            assert resident_bytes() - before < 32 * MIB  # what 4,000 frames would take is 96 MiB
        thread.join(DEADLINE_S)
        assert done.is_set()
        stage.publisher.flush(DEADLINE_S)
    finally:
        stage.publisher.close()
    expected = {0: [0, *range(0, frames, 2)], 1: list(range(1, frames, 2))}
    assert stage.log(2, frames + 1) == expected


def test_a_broker_frozen_for_too_long_ends_the_producer(
    client: str, kafka: LocalKafka, make_topic: MakeTopic
) -> None:
    topic = make_topic()
    stage = Stage(kafka, client, topic, MIB, delivery_timeout_ms=1_500, request_timeout_ms=1_000, linger_ms=0)
    try:
        stage.publisher.send(frame(0, 0))
        stage.publisher.flush(DEADLINE_S)
        with frozen(kafka):
            stage.publisher.send(frame(1, 0))
            with pytest.raises(TransportError, match="not delivered") as caught:
                stage.publisher.flush(DEADLINE_S)
        assert caught.value.retriable
        with pytest.raises(TransportError):
            stage.publisher.send(frame(2, 0))
        assert stage.counters.of(0).failures == 1
    finally:
        stage.publisher.close()


def test_a_feed_survives_a_frozen_broker_in_order_although_records_repeat(
    client: str, kafka: LocalKafka, make_topic: MakeTopic
) -> None:
    """What the old client had on its way may be appended when the broker thaws: repeats, but no holes."""
    topic, frames = make_topic(partitions=2), 400
    settings = KafkaSettings.model_validate(
        {
            "bootstrap_servers": kafka.bootstrap_servers,
            "client": client,
            "delivery_timeout_ms": 1_000,
            "request_timeout_ms": 800,
            "bootstrap_timeout_ms": 500,
        }
    )
    stage = Stage(kafka, client, topic, MIB)
    publisher = HoldingPublisher(
        lambda: open_producer(settings), topic=topic, source="alpaca", hold=Hold(10**9, 10**6, MIB),
        bytes_in_flight_max=MIB, counters=stage.counters, backoff=Backoff(10, 10, 0, random=lambda: 0.5),
        files=SecurityFiles(settings.security, monotonic_ns=time.monotonic_ns),
    )  # fmt: skip
    publisher.overflow = Overflow.DROP
    try:
        for number in range(frames):
            publisher.send(frame(number, number % 2))
            if number == frames // 4:
                publisher.flush(DEADLINE_S)
                kafka.pause(1)
        deadline = time.monotonic() + DEADLINE_S
        while stage.counters.broker_reconnects == 0:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        kafka.resume(1)
    publisher.flush(DEADLINE_S)
    publisher.close()
    stage.publisher.close()
    for partition, numbers in stage.log(2, None).items():
        expected = partition
        for number in numbers:
            assert number <= expected, "a record came before one that it must follow"
            expected += 2 if number == expected else 0
        assert expected == frames + partition


def test_topics_are_checked_before_anything_is_sent(client: str, kafka: LocalKafka) -> None:
    settings = KafkaSettings.model_validate(
        {
            "bootstrap_servers": kafka.bootstrap_servers,
            "client": client,
            "topic_generation": 77,
            "request_timeout_ms": 500,
        }
    )
    sender = open_producer(settings)
    try:
        with pytest.raises(TransportError, match=r"rotascope\.ticks\.v77"):
            check_topics(sender, settings)
    finally:
        sender.close(timeout=1)
