"""kafka-python as we configure it, and its failures in our words."""

from __future__ import annotations

import importlib.util
from contextlib import suppress
from typing import Any, Final

from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import KafkaConnectionError, KafkaError
from typing_extensions import override

from consumers.transport.seam import Delivery
from core.kafka.clients import close_consumer, connect_consumer
from core.kafka.errors import not_delivered
from core.kafka.kafka_python import consumer_configuration
from core.kafka.records import Record
from core.model.errors import ConfigurationError, TransportError
from core.model.settings import KafkaSettings, WorkerSettings
from core.runtime.deadline import DeadlineCall

_CLOSE_MS: Final = 1_000


def require_crc32c() -> None:
    """Refuse to start without the extension that makes kafka-python fast.

    Raises:
        ConfigurationError: The package crc32c cannot be imported.
    """
    if importlib.util.find_spec("crc32c") is None:
        raise ConfigurationError(
            "kafka-python runs without the crc32c extension: 330 frames a second instead of 10,000",
            operator_action="pip install 'kafka-python[crc32c,lz4]'",
        )


def group_configuration(worker: WorkerSettings) -> dict[str, Any]:
    """kafka-python's words for a member of the group."""
    return {
        "group_instance_id": worker.slot if worker.membership == "static" else None,
        "session_timeout_ms": worker.session_timeout_ms,
        "heartbeat_interval_ms": worker.heartbeat_interval_ms,
        "max_poll_interval_ms": worker.max_poll_interval_ms,
        "partition_assignment_strategy": (CooperativeStickyAssignor,),
    }


def connected_consumer(
    settings: KafkaSettings, worker: WorkerSettings, client_id: str, timeout_ms: int
) -> Any:
    """A consumer that has found its cluster.

    Args:
        settings: Addresses, sizes and time-outs.
        worker: Group and membership.
        client_id: What the broker's logs call it.
        timeout_ms: How long to try, in ms.

    Raises:
        TransportError: No broker answers in time.
    """
    own = {
        "client_id": client_id,
        "group_id": worker.group_id,
        "max_poll_records": worker.poll_max_records,
    }
    return connect_consumer(consumer_configuration(settings) | group_configuration(worker) | own, timeout_ms)


def fresh_client_answers(settings: KafkaSettings, timeout_ms: int) -> bool:
    """Whether a consumer that belongs to no group finds its cluster in time.

    Args:
        settings: Addresses, sizes and time-outs.
        timeout_ms: How long to try, in ms.
    """
    own = {"client_id": "rotascope-probe", "group_id": None}
    try:
        consumer = connect_consumer(consumer_configuration(settings) | own, timeout_ms)
    except TransportError:
        return False
    close_consumer(consumer)
    return True


def record_of(place: Any, raw: Any) -> Record:
    """One of kafka-python's records, in our words."""
    value = raw.value or b""
    return Record(place.topic, place.partition, raw.offset, raw.key, value, tuple(raw.headers), raw.timestamp)


def leave(consumer: Any) -> None:
    """Leave the group and close, but wait for no client that hangs."""
    closing = DeadlineCall[None](lambda call: consumer.close(autocommit=False, timeout_ms=_CLOSE_MS))
    with suppress(KafkaError, TimeoutError):
        closing.within(2 * _CLOSE_MS)


class KafkaPythonDelivery(Delivery):
    """One kafka-python future, asked after a flush."""

    __slots__ = ("_future", "_size_bytes", "_topic")

    def __init__(self, future: Any, topic: str, size_bytes: int = 0) -> None:
        self._future = future
        self._topic = topic
        self._size_bytes = size_bytes

    @override
    def failure(self) -> str | None:
        if not self._future.is_done:
            return f"{self._topic}: no answer yet"
        if self._future.exception is not None:
            return f"{self._topic}: {self._future.exception!r}"
        return None

    @override
    def refusal(self) -> TransportError | None:
        if not self._future.is_done or self._future.exception is None:
            return None
        error = not_delivered(self._topic, self._future.exception, self._size_bytes)
        return None if error.retriable else error


def close_at_once(producer: Any) -> None:
    """Close a producer whose unsent records nobody waits for any more.

    `close()` flushes first and gives up, leaving its thread behind, when that takes too long;
    only the sender itself can be told to leave records unsent. Nor does it wake a thread that
    waits for a transaction: those requests are failed here, or that thread would wait for ever.
    """
    producer._sender.force_close()
    with suppress(KafkaError):
        producer.close(timeout=1)
    manager = producer._transaction_manager
    if manager is not None and manager.is_transactional():
        closed = KafkaConnectionError("the producer was closed")
        for _, _, request in list(manager._pending_requests):
            request.result.done(error=closed)
