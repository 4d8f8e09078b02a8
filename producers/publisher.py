"""Frames and dead letters to Kafka, with the bytes in flight bounded per partition.

`KafkaProducer.send()` never blocks: with a stalled broker it takes a gigabyte in two seconds. So
the bound is ours: a partition whose budget is used up makes `send` wait, nothing is dropped, and
the other partitions keep what room they have. What the broker refuses, or does not acknowledge
within the delivery time-out, ends the producer: a log with a hole in it is worse than a restart.

One thread sends (the pipeline's); acknowledgements arrive on the client's own thread.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec
from kafka import KafkaProducer
from kafka.errors import KafkaError

from core.errors import ConfigurationError, TransportError
from core.records import TICK_VERSION
from core.settings import KafkaSettings
from producers.feeds.base import MAX_REJECT_BYTES, Reject
from producers.framer import Frame
from producers.metrics import PartitionCounters, ProducerCounters

DEAD_LETTERS_TOPIC: Final = "rotascope.dead-letters"
SIDE: Final = -1
"""Stands for the keyed side topics where a partition is meant: they have a budget of their own."""

TICK_HEADERS: Final = [
    ("content-type", b"application/vnd.rotascope.frame"),
    ("schema", f"tick/{TICK_VERSION}".encode()),
]
DEAD_LETTER_HEADERS: Final = [("content-type", b"application/json")]

MAX_REQUEST_BYTES: Final = 2 * 1024 * 1024
_WAIT_SLICE_S: Final = 1.0
_CHECK_BROKER: Final = "check that the broker runs and that the bootstrap servers can be reached"


class RecordSender(Protocol):
    """What the publisher needs from kafka-python's producer."""

    def send(
        self,
        topic: str,
        value: bytes,
        key: bytes | None = None,
        headers: list[tuple[str, bytes]] | None = None,
        partition: int | None = None,
    ) -> Any:
        """Queue one record and give its future."""

    def flush(self, timeout: float | None = None) -> None:
        """Wait for everything queued."""

    def close(self, timeout: float | None = None) -> None:
        """Release sockets and threads."""


class Publisher:
    """Sends frames, and stops for good at the first record that was not delivered.

    Args:
        sender: A `KafkaProducer`, or what stands for one in a test.
        topic: The ticks topic.
        source: Name of the source: the key of its dead letters.
        bytes_in_flight_max: Unacknowledged bytes a partition may have.
        counters: Acknowledgements, failures and waits are counted here.
        on_stall: Told the partition and the seconds, once a second while a send waits.
        monotonic_s: Monotonic clock, for the length of waits.
    """

    def __init__(
        self,
        sender: RecordSender,
        *,
        topic: str,
        source: str,
        bytes_in_flight_max: int,
        counters: ProducerCounters,
        on_stall: Callable[[int, float], None] = lambda partition, seconds: None,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sender = sender
        self._topic = topic
        self._source = source
        self._bytes_in_flight_max = bytes_in_flight_max
        self._counters = counters
        self._on_stall = on_stall
        self._monotonic_s = monotonic_s
        self._side = PartitionCounters()
        self._acknowledged = threading.Condition()
        self._failure: BaseException | None = None

    def send(self, frame: Frame) -> None:
        """Send one frame; wait while its partition has no room.

        Raises:
            TransportError: This or an earlier record could not be delivered.
        """
        self._send(frame.partition, self._topic, None, frame.payload, TICK_HEADERS, partition=frame.partition)

    def dead_letter(self, reject: Reject, where: str) -> None:
        """Send what could not be used.

        Args:
            reject: Reason and bytes.
            where: Which part of the producer refused it.

        Raises:
            TransportError: This or an earlier record could not be delivered.
        """
        payload = reject.payload[:MAX_REJECT_BYTES]
        body: dict[str, Any] = {
            "source": self._source,
            "topic": None,
            "partition": None,
            "offset": None,
            "where": where,
            "reason": reject.reason,
            "payload_bytes": reject.whole_bytes,
            "payload_base64": base64.b64encode(payload).decode(),
        }
        if reject.items > 1:
            body["message"] = f"stands for {reject.items} items of one message; this is the first of them"
        key, value = self._source.encode(), msgspec.json.encode(body)
        self.keyed(DEAD_LETTERS_TOPIC, key, value, DEAD_LETTER_HEADERS)

    def keyed(
        self,
        topic: str,
        key: bytes,
        value: bytes,
        headers: list[tuple[str, bytes]],
        *,
        partition: int | None = None,
    ) -> None:
        """Send a record to a side topic, where the key decides the partition unless one is named.

        Raises:
            TransportError: This or an earlier record could not be delivered.
        """
        self._send(SIDE, topic, key, value, headers, partition=partition)

    def flush(self, timeout_s: float) -> None:
        """Wait until every record is acknowledged.

        Raises:
            TransportError: A record could not be delivered, or was not within the time-out.
        """
        try:
            self._sender.flush(timeout=timeout_s)
        except KafkaError as error:
            self._raise_failure()
            raise TransportError(
                f"not every record was acknowledged within {timeout_s:g} s: {error!r}",
                operator_action=_CHECK_BROKER,
            ) from error
        # The client may report a batch as done a moment before its callbacks have run.
        with self._acknowledged:
            self._acknowledged.wait_for(
                lambda: self._failure is not None or self.in_flight_bytes == 0, timeout_s
            )
        self._raise_failure()
        if self.in_flight_bytes:
            raise TransportError(f"{self.in_flight_bytes} bytes were not acknowledged")

    def close(self, timeout_s: float = 1.0) -> None:
        """Release the client; sends nothing more."""
        self._sender.close(timeout=timeout_s)

    @property
    def in_flight_bytes(self) -> int:
        """Bytes sent and not yet acknowledged, over all partitions."""
        ticks = sum(counters.in_flight_bytes for counters in self._counters.partitions.values())
        return ticks + self._side.in_flight_bytes

    def _send(
        self,
        slot: int,
        topic: str,
        key: bytes | None,
        value: bytes,
        headers: list[tuple[str, bytes]],
        *,
        partition: int | None = None,
    ) -> None:
        counters = self._side if slot == SIDE else self._counters.of(slot)
        size = len(value)
        with self._acknowledged:
            if counters.in_flight_bytes and counters.in_flight_bytes + size > self._bytes_in_flight_max:
                self._wait_for_room(slot, counters, size)
            self._raise_failure()
            counters.in_flight_bytes += size
        try:
            future = self._sender.send(topic, value, key=key, headers=headers, partition=partition)
        except (KafkaError, ValueError) as error:
            self._settle(counters, size, error)
            self._raise_failure()
            raise  # unreachable: the failure has just been noted
        future.add_callback(lambda _: self._settle(counters, size, None))
        future.add_errback(lambda error: self._settle(counters, size, error))

    def _wait_for_room(self, slot: int, counters: PartitionCounters, size: int) -> None:
        """Wait until the partition has room; counted, reported every second, never given up."""
        started = self._monotonic_s()
        counters.waits += 1
        while (
            self._failure is None
            and counters.in_flight_bytes
            and counters.in_flight_bytes + size > self._bytes_in_flight_max
        ):
            if not self._acknowledged.wait(_WAIT_SLICE_S):
                self._on_stall(slot, self._monotonic_s() - started)
        counters.waited_seconds += self._monotonic_s() - started

    def _settle(self, counters: PartitionCounters, size: int, error: BaseException | None) -> None:
        """Note what became of a record; on the client's thread."""
        with self._acknowledged:
            counters.in_flight_bytes -= size
            if error is None:
                counters.frames += 1
            else:
                counters.failures += 1
                self._failure = self._failure or error
            self._acknowledged.notify_all()

    def _raise_failure(self) -> None:
        if self._failure is None:
            return
        error = TransportError(
            f"a record was not delivered to {self._topic}: {self._failure!r}", operator_action=_CHECK_BROKER
        )
        error.retriable = bool(getattr(self._failure, "retriable", False))
        raise error from self._failure


def open_producer(settings: KafkaSettings, client_id: str = "rotascope-producer") -> Any:
    """Connect a `KafkaProducer` made for frames: idempotent, acknowledged by all replicas.

    Raises:
        TransportError: No broker answers.
    """
    try:
        return KafkaProducer(
            bootstrap_servers=settings.bootstrap_servers.split(","),
            client_id=client_id,
            api_version=settings.api_version,
            bootstrap_timeout_ms=settings.bootstrap_timeout_ms,
            acks="all",
            enable_idempotence=True,
            linger_ms=settings.linger_ms,
            batch_size=settings.batch_size_bytes,
            max_request_size=MAX_REQUEST_BYTES,
            compression_type=None if settings.compression == "none" else settings.compression,
            delivery_timeout_ms=settings.delivery_timeout_ms,
            request_timeout_ms=settings.request_timeout_ms,
            max_block_ms=settings.request_timeout_ms,
            allow_auto_create_topics=False,
            retry_backoff_ms=20,
            reconnect_backoff_max_ms=1_000,
        )
    except KafkaError as error:
        raise TransportError(
            f"no broker answers at {settings.bootstrap_servers}: {error!r}", operator_action=_CHECK_BROKER
        ) from error


def check_topics(producer: Any, settings: KafkaSettings) -> None:
    """Make sure that the topics are there, and the ticks topic has the partitions it should have.

    Raises:
        TransportError: A topic is missing, or the broker does not say.
        ConfigurationError: The ticks topic has another number of partitions.
    """
    for topic in (settings.ticks_topic, DEAD_LETTERS_TOPIC):
        try:
            partitions = producer.partitions_for(topic)
        except KafkaError as error:
            raise TransportError(
                f"topic {topic} is not on {settings.bootstrap_servers}: {error!r}",
                operator_action="create the topics with 'rotascope topics apply'",
            ) from error
        if topic == settings.ticks_topic and len(partitions) != settings.partitions:
            raise ConfigurationError(
                f"{topic} has {len(partitions)} partitions, the settings say {settings.partitions}",
                operator_action="set kafka.partitions to what the topic has; it is fixed for a generation",
            )
