"""What a reader of committed records sees, and when: from a thread of its own, during the disturbance."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from consumers.worker.partition import QUARANTINE_REASON
from core.kafka.kafka_python import consumer_configuration
from core.model.frames import decode_frame
from core.model.records import BAR, NANOSECONDS_PER_SECOND, VALUE
from core.model.settings import KafkaSettings
from core.model.topics import (
    DAY_BARS_TOPIC,
    DEAD_LETTERS_TOPIC,
    EVENTS_PREFIX,
    MINUTE_BARS_TOPIC,
    VALUES_PREFIX,
)
from tests.chaos.market_day import HOME, PARTITIONS
from tests.support.kafka_log import EVENT_TOPICS, wait_until_stable

VALUES_TOPIC = KafkaSettings().values_topic
WATCHED_TOPICS = (*EVENT_TOPICS, MINUTE_BARS_TOPIC, DAY_BARS_TOPIC, VALUES_TOPIC, DEAD_LETTERS_TOPIC)
DRAIN_TIMEOUT_S = 60.0
MINUTE_NS = 60 * NANOSECONDS_PER_SECOND
_POLL_MS = 50


@dataclass(frozen=True, slots=True)
class Said:
    """One record that a worker published.

    Args:
        topic: Where it stands.
        key: What it is about; records of one key have an order.
        name: What it is: the event's id, or the place of a frame of bars or values in its partition.
        digest: Of the value.
        home: Partition of the ticks it was made of.
        ts_event_ns: Latest event time it speaks of; 0 where it names none.
    """

    topic: str
    key: str
    name: str
    digest: str
    home: int
    ts_event_ns: int


def identify(topic: str, key: bytes | None, value: bytes, headers: dict[str, bytes], partition: int) -> Said:
    """Describe what a published record is.

    Args:
        topic: Its topic.
        key: Its key.
        value: Its value.
        headers: Its headers.
        partition: Of the topic, where the writer chose it.
    """
    digest = hashlib.sha256(value).hexdigest()[:16]
    if topic.startswith(EVENTS_PREFIX):
        pair = (key or b"").decode()
        known = datetime.fromisoformat(headers["ce_time"].decode())
        return Said(
            topic,
            pair,
            headers["ce_id"].decode(),
            digest,
            HOME[pair.partition("/")[0]],
            int(known.timestamp()) * 10**9,
        )
    if topic == DEAD_LETTERS_TOPIC:
        letter: dict[str, Any] = json.loads(value)
        name = f"{letter['reason']} {letter['partition']}:{letter['offset']}"
        if letter["reason"] != QUARANTINE_REASON:  # that one is told in the words of the exception
            name += f" {digest}"
        return Said(topic, str(letter["partition"]), name, digest, int(letter["partition"]), 0)
    if topic.startswith(VALUES_PREFIX):
        header, _ = decode_frame(value, VALUE)
        place = f"shard {partition} of {header.source}"
        return Said(topic, place, f"{header.epoch}#{header.sequence}", digest, header.source, header.epoch)
    header, rows = decode_frame(value, BAR)
    ts_event_ns = int(rows["ts_start"].max()) + MINUTE_NS if topic == MINUTE_BARS_TOPIC else 0
    what = (key or b"").decode()
    return Said(topic, what or str(partition), f"{what}#{header.sequence}", digest, partition, ts_event_ns)


@dataclass(frozen=True, slots=True)
class Seen:
    """One record as the reader met it.

    Args:
        said: What it is.
        place: Topic, partition and offset.
        at_s: Monotonic wall time.
    """

    said: Said
    place: tuple[str, int, int]
    at_s: float


class Watcher:
    """Reads every topic that workers write, from its beginning, read_committed.

    Args:
        bootstrap_servers: Of the cluster.
    """

    def __init__(self, bootstrap_servers: str) -> None:
        settings = KafkaSettings(
            bootstrap_servers=bootstrap_servers, request_timeout_ms=3_000, fetch_max_wait_ms=50
        )
        self._settings = settings
        configuration = consumer_configuration(settings) | {
            "auto_offset_reset": "earliest",
            "isolation_level": "read_committed",
            "client_id": "chaos-watcher",
        }
        self._consumer = KafkaConsumer(**configuration)
        self._places = [
            TopicPartition(topic, partition)
            for topic in WATCHED_TOPICS
            for partition in sorted(self._consumer.partitions_for_topic(topic))
        ]
        self._consumer.assign(self._places)
        self._consumer.seek_to_beginning()
        self._stopping = threading.Event()
        self.seen: list[Seen] = []
        self._latest_ns = [0] * PARTITIONS
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)
        self._thread.start()

    def visible_ns(self, partition: int) -> int:
        """Latest event time that a partition's output speaks of."""
        return self._latest_ns[partition]

    def finish(self) -> list[Seen]:
        """Read on to the end as it is now, and close.

        Returns:
            Everything seen, by topic and partition in the order of the log.
        """
        deadline = time.monotonic() + DRAIN_TIMEOUT_S
        self._stopping.set()
        self._thread.join()
        wait_until_stable(self._settings, WATCHED_TOPICS)
        behind: dict[Any, int] = {}
        while True:
            assert time.monotonic() < deadline, f"the reader does not come to the end: {behind}"
            try:
                ends = self._consumer.end_offsets(self._places)
                behind = {
                    place: end
                    for place, end in ends.items()
                    if (self._consumer.position(place, timeout_ms=5_000) or 0) < end
                }
                if not behind:
                    break
            except KafkaError:
                continue
            self._read()
        self._consumer.close(autocommit=False, timeout_ms=1_000)
        return sorted(self.seen, key=lambda each: each.place)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._read()

    def _read(self) -> None:
        try:
            polled = self._consumer.poll(timeout_ms=_POLL_MS)
        except KafkaError:  # a broker is down; what it had is read when it is back
            return
        now_s = time.monotonic()
        for place, records in polled.items():
            for record in records:
                said = identify(
                    place.topic, record.key, record.value, dict(record.headers), place.partition % PARTITIONS
                )
                self.seen.append(Seen(said, (place.topic, place.partition, record.offset), now_s))
                self._latest_ns[said.home] = max(self._latest_ns[said.home], said.ts_event_ns)
