"""Publishes frames and side records, with the bytes in flight bounded per partition.

`KafkaProducer.send()` never blocks: with a stalled broker it buffers a gigabyte in two seconds. So
this module bounds the bytes: `send` blocks while the budget of its partition is used up, nothing is
dropped, and other partitions keep their room. A record that the broker refuses, or does not
acknowledge within the delivery timeout, ends the command; a rerun resumes where it stopped.

One thread sends; acknowledgements arrive on the client's thread. Feeds use
`producers.framing.holding_publisher`, which survives outages.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Protocol

from kafka import KafkaProducer
from kafka.errors import KafkaError
from typing_extensions import override

from core.kafka.broker_errors import CHECK_BROKER
from core.kafka.clients import addresses_of, made, require_reachable
from core.kafka.errors import not_delivered, transport_error
from core.kafka.host_names import unresolved
from core.kafka.kafka_python import producer_configuration
from core.model.errors import ConfigurationError, TransportError
from core.model.settings import KafkaSettings
from core.model.topics import DEAD_LETTERS_TOPIC
from core.runtime.closing import close_quietly
from producers.framing.outlet import SIDE, Headers, Outlet
from producers.framing.outlet import TICK_HEADERS as TICK_HEADERS
from producers.metrics import ProducerCounters, SendCounters

_WAIT_SLICE_S: Final = 1.0


class RecordSender(Protocol):
    """The part of kafka-python's producer that the publisher uses."""

    def send(
        self,
        topic: str,
        value: bytes,
        key: bytes | None = None,
        headers: list[tuple[str, bytes]] | None = None,
        partition: int | None = None,
    ) -> Any:
        """Queue one record and return its future."""

    def flush(self, timeout: float | None = None) -> None:
        """Wait for everything queued."""

    def close(self, timeout: float | None = None) -> None:
        """Release sockets and threads."""


class Publisher(Outlet):
    """Sends records, and stops permanently at the first delivery failure.

    Args:
        sender: A `KafkaProducer`, or a test double.
        topic: The ticks topic.
        source: Name of the source: the key of its dead letters.
        bytes_in_flight_max: Maximum unacknowledged bytes per partition.
        counters: Count acknowledgements, failures and waits.
        on_stall: Called with partition and seconds, once a second while a send waits.
        monotonic_s: Monotonic clock, s; measures waits.
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
        super().__init__(topic=topic, source=source)
        self._sender = sender
        self._bytes_in_flight_max = bytes_in_flight_max
        self._counters = counters
        self._on_stall = on_stall
        self._monotonic_s = monotonic_s
        self._side = SendCounters()
        self._acknowledged = threading.Condition()
        self._failure: TransportError | None = None

    @override
    def flush(self, timeout_s: float | None) -> None:
        problem: KafkaError | None = None
        started_s = self._monotonic_s()
        try:
            self._sender.flush(timeout=timeout_s)
        except KafkaError as error:
            # Not final: kafka-python fails a batch that it has split, and sends its parts.
            problem = error
        left_s = None if timeout_s is None else max(0.0, timeout_s - (self._monotonic_s() - started_s))
        # The client may report a batch as done just before its callbacks have run.
        with self._acknowledged:
            self._acknowledged.wait_for(
                lambda: self._failure is not None or self.in_flight_bytes == 0, left_s
            )
        self._raise_failure()
        if self.in_flight_bytes:
            within = "" if timeout_s is None else f" within {timeout_s:g} s"
            unanswered = f"{self.in_flight_bytes:,} bytes were not acknowledged{within}"
            if problem is None:
                raise TransportError(unanswered, operator_action=CHECK_BROKER)
            raise transport_error(unanswered, problem) from problem

    @override
    def give_up_in(self, seconds: float) -> None:
        """The delivery timeout already bounds every wait."""

    @override
    def close(self) -> None:
        close_sender(self._sender)

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
        headers: Headers,
        *,
        partition: int | None = None,
    ) -> None:
        counters = self._side if slot == SIDE else self._counters.of(slot)
        size = len(value)

        def failed(error: BaseException) -> None:
            self._settle(counters, size, not_delivered(topic, error, size + len(key or b"")))

        with self._acknowledged:
            if counters.in_flight_bytes and counters.in_flight_bytes + size > self._bytes_in_flight_max:
                self._wait_for_room(slot, counters, size)
            self._raise_failure()
            counters.in_flight_bytes += size
        try:
            future = self._sender.send(topic, value, key=key, headers=headers, partition=partition)
        except (KafkaError, TransportError, ValueError) as error:
            failed(error)
            self._raise_failure()
            raise  # unreachable: the failure was just recorded
        future.add_callback(lambda _: self._settle(counters, size, None))
        future.add_errback(failed)

    def _wait_for_room(self, slot: int, counters: SendCounters, size: int) -> None:
        """Wait until the partition has room; counted and reported every second, without a limit."""
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

    def _settle(self, counters: SendCounters, size: int, error: TransportError | None) -> None:
        """Record the outcome of a send; on the client's thread."""
        with self._acknowledged:
            counters.in_flight_bytes -= size
            if error is None:
                counters.frames += 1
            else:
                counters.failures += 1
                self._failure = self._failure or error
            self._acknowledged.notify_all()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure


def halt(sender: Any) -> None:
    """Stop a client from sending: unsent records fail at once.

    `KafkaProducer.close()` flushes first, and leaks its thread if that fails. Only its sender can be
    made to skip unsent records. Safe in a callback on the client's thread.
    """
    inner = getattr(sender, "_sender", None)
    if inner is not None:
        inner.force_close()
    elif (stop := getattr(sender, "halt", None)) is not None:
        stop()


def close_sender(sender: RecordSender, timeout_s: float = 1.0) -> None:
    """Close a client whose unsent records are no longer needed; never raises."""
    halt(sender)
    inner = getattr(sender, "_sender", None)
    if inner is not None:
        inner.join(timeout_s)
    close_quietly(lambda: sender.close(timeout=timeout_s), "the Kafka producer")


def open_producer(settings: KafkaSettings, client_id: str = "rotascope-producer") -> Any:
    """Connect the client that the settings name, made for frames: idempotent, acknowledged by all replicas.

    Args:
        settings: Addresses, sizes, time-outs, security, and the client.
        client_id: What the broker's logs call it.

    Returns:
        A `RecordSender` that also tells the partitions of a topic.

    Raises:
        AccessRefusedError: Credentials or a certificate are refused.
        ConfigurationError: The client is not installed, or a file of the security cannot be used.
        TransportError: No broker answers.
    """
    return SENDERS[settings.client](settings, client_id)


def _kafka_python(settings: KafkaSettings, client_id: str) -> Any:
    configuration = producer_configuration(settings) | {"client_id": client_id}
    if settings.security.encrypts:
        require_reachable(
            settings.bootstrap_servers, settings.bootstrap_timeout_ms, configuration["ssl_context"]
        )
    try:
        return made(KafkaProducer, **configuration)
    except KafkaError as error:
        servers = settings.bootstrap_servers
        names = unresolved(addresses_of(servers))
        raise transport_error(f"no broker answers at {servers}{names}", error) from error


def _confluent(settings: KafkaSettings, client_id: str) -> Any:
    try:
        from producers.framing.confluent_sender import ConfluentSender
    except ImportError as error:
        raise ConfigurationError(
            f"client 'confluent' cannot be used: {error}",
            operator_action="pip install 'rotascope[confluent]', or set kafka.client to kafka-python",
        ) from error
    return ConfluentSender(settings, client_id)


SENDERS: Final[Mapping[str, Callable[[KafkaSettings, str], Any]]] = MappingProxyType(
    {"kafka-python": _kafka_python, "confluent": _confluent}
)
"""By `kafka.client`. Only the one in use is imported."""


def check_topics(
    producer: Any, settings: KafkaSettings, others: Sequence[str] = (DEAD_LETTERS_TOPIC,)
) -> None:
    """Check that the topics exist and that the ticks topic has the configured number of partitions.

    Args:
        producer: A `KafkaProducer`.
        settings: Kafka settings, with the name of the ticks topic.
        others: Other topics that records will be sent to.

    Raises:
        TransportError: A topic is missing, or the broker does not answer.
        ConfigurationError: The ticks topic has a different number of partitions.
    """
    for topic in (settings.ticks_topic, *others):
        try:
            partitions = producer.partitions_for(topic)
        except KafkaError as error:
            failed = transport_error(f"topic {topic} does not exist at {settings.bootstrap_servers}", error)
            if failed.retriable:
                failed.operator_action = "create the topics with 'rotascope topics apply'"
            raise failed from error
        if topic == settings.ticks_topic and len(partitions) != settings.partitions:
            raise ConfigurationError(
                f"{topic} has {len(partitions)} partitions, the settings say {settings.partitions}",
                operator_action="set kafka.partitions to the topic's number; it is fixed for a generation",
            )
