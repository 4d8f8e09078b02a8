"""kafka-python as a worker uses it: group membership, records and deliveries."""

from __future__ import annotations

import importlib.util
from typing import Any

from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from typing_extensions import override

from consumers.transport.seam import Delivery
from core.kafka.clients import connect_consumer
from core.kafka.errors import not_delivered
from core.kafka.kafka_python import consumer_configuration
from core.model.errors import ConfigurationError, TransportError
from core.model.settings import KafkaSettings, WorkerSettings


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
    """Give kafka-python's properties of a member of the group."""
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


class KafkaPythonDelivery(Delivery):
    """The delivery of one record, read from its future after a flush."""

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
