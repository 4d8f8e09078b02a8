"""kafka-python as we configure it, and its failures in our words."""

from __future__ import annotations

import importlib.util
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from kafka import KafkaConsumer
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import (
    ClusterAuthorizationFailedError,
    FencedInstanceIdError,
    GroupAuthorizationFailedError,
    InconsistentGroupProtocolError,
    InvalidSessionTimeoutError,
    InvalidTransactionTimeoutError,
    KafkaConnectionError,
    KafkaError,
    OffsetOutOfRangeError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailedError,
)

from consumers.deadline import DeadlineCall
from consumers.transport import Record
from core.errors import ConfigurationError, TransportError
from core.settings import KafkaSettings, WorkerSettings
from deploy.edge.closing import close_quietly

_MIB: Final = 1024 * 1024
_CONNECT_RETRY_S: Final = 0.1
_CLOSE_MS: Final = 1_000
_FINAL: Final[dict[type[KafkaError], str]] = {
    TopicAuthorizationFailedError: "let this user read the ticks, and write the topics of 'rotascope topics'",
    GroupAuthorizationFailedError: "let this user read with the worker's group id",
    TransactionalIdAuthorizationFailedError: "let this user write with the transactional id",
    ClusterAuthorizationFailedError: "let this user write idempotently",
    FencedInstanceIdError: "another worker runs under the same slot: give each worker its own",
    InvalidTransactionTimeoutError: "lower worker.transaction_timeout_ms to the broker's "
    "transaction.max.timeout.ms",
    InvalidSessionTimeoutError: "set worker.session_timeout_ms between the broker's "
    "group.min.session.timeout.ms and group.max.session.timeout.ms",
    InconsistentGroupProtocolError: "another program uses this group id: choose another --group-id",
}
"""What no other try can mend, and who can."""


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


def require_reachable(bootstrap_servers: str, timeout_ms: int) -> None:
    """Wait until one of the servers accepts a connection.

    With an explicit api_version kafka-python begins a bootstrap of its own that has no deadline,
    and its `bootstrap(timeout_ms=…)` then waits for that one: without a broker, for ever.

    Args:
        bootstrap_servers: `host:port`, comma-separated.
        timeout_ms: How long to try.

    Raises:
        ConfigurationError: An address that is none.
        TransportError: No server accepted in time.
    """
    addresses = [_address(server.strip()) for server in bootstrap_servers.split(",")]
    deadline = time.monotonic() + timeout_ms / 1000
    while all(refusals := [_refusal(address, timeout_ms) for address in addresses]):
        if time.monotonic() >= deadline:
            raise TransportError(
                f"no broker at {bootstrap_servers} within {timeout_ms} ms: {refusals[0]}",
                operator_action="start the broker, or correct the bootstrap servers",
            )
        time.sleep(_CONNECT_RETRY_S)


def _refusal(address: tuple[str, int], timeout_ms: int) -> str | None:
    try:
        socket.create_connection(address, timeout=timeout_ms / 1000).close()
    except OSError as error:
        return str(error)
    return None


def _address(server: str) -> tuple[str, int]:
    host, colon, port = server.rpartition(":")
    if not (host and colon and port.isdecimal()):
        raise ConfigurationError(
            f"bootstrap server {server!r} is not host:port", operator_action="correct the bootstrap servers"
        )
    return host.strip("[]"), int(port)


def consumer_configuration(settings: KafkaSettings) -> dict[str, Any]:
    """kafka-python's words for our settings, for a consumer that is sought and never resets."""
    return {
        "bootstrap_servers": settings.bootstrap_servers.split(","),
        "api_version": settings.api_version,
        "bootstrap_timeout_ms": settings.bootstrap_timeout_ms,
        "request_timeout_ms": settings.request_timeout_ms,
        "fetch_max_wait_ms": settings.fetch_max_wait_ms,
        "max_partition_fetch_bytes": settings.max_partition_fetch_bytes,
        "isolation_level": "read_committed",
        "enable_auto_commit": False,
        # Every partition is sought before its first poll. A position that still falls out of the
        # log must stop the worker by name; both other answers would skip or repeat in silence.
        "auto_offset_reset": "none",
        "allow_auto_create_topics": False,
        "retry_backoff_ms": 20,
        "reconnect_backoff_max_ms": 1_000,
    }


def producer_configuration(settings: KafkaSettings) -> dict[str, Any]:
    """kafka-python's words for our settings, for an idempotent producer."""
    return {
        "bootstrap_servers": settings.bootstrap_servers.split(","),
        "api_version": settings.api_version,
        "bootstrap_timeout_ms": settings.bootstrap_timeout_ms,
        "acks": "all",
        "enable_idempotence": True,
        "linger_ms": settings.linger_ms,
        "batch_size": settings.batch_size_bytes,
        "max_request_size": 2 * _MIB,
        "compression_type": None if settings.compression == "none" else settings.compression,
        "delivery_timeout_ms": settings.delivery_timeout_ms,
        "request_timeout_ms": settings.request_timeout_ms,
        "max_block_ms": settings.request_timeout_ms,
        "allow_auto_create_topics": False,
        "retry_backoff_ms": 20,
        "reconnect_backoff_max_ms": 1_000,
    }


def group_configuration(worker: WorkerSettings) -> dict[str, Any]:
    """kafka-python's words for a member of the group."""
    return {
        "group_instance_id": worker.slot if worker.membership == "static" else None,
        "session_timeout_ms": worker.session_timeout_ms,
        "heartbeat_interval_ms": worker.heartbeat_interval_ms,
        "max_poll_interval_ms": worker.max_poll_interval_ms,
        "partition_assignment_strategy": (CooperativeStickyAssignor,),
    }


def connected_consumer(settings: KafkaSettings, worker: WorkerSettings, client_id: str) -> Any:
    """A consumer that has found its cluster.

    Raises:
        TransportError: No broker answers within `bootstrap_timeout_ms`.
    """
    with translated("connect to", settings.bootstrap_servers):
        consumer = KafkaConsumer(
            client_id=client_id,
            group_id=worker.group_id,
            max_poll_records=worker.poll_max_records,
            **consumer_configuration(settings),
            **group_configuration(worker),
        )
        try:
            consumer.bootstrap(timeout_ms=settings.bootstrap_timeout_ms)
        except BaseException:
            close_quietly(lambda: consumer.close(autocommit=False, timeout_ms=0), "the Kafka consumer")
            raise
    return consumer


def record_of(place: Any, raw: Any) -> Record:
    """One of kafka-python's records, in our words."""
    value = raw.value or b""
    return Record(place.topic, place.partition, raw.offset, raw.key, value, tuple(raw.headers), raw.timestamp)


def leave(consumer: Any) -> None:
    """Leave the group and close, but wait for no client that hangs."""
    closing = DeadlineCall[None](lambda call: consumer.close(autocommit=False, timeout_ms=_CLOSE_MS))
    with suppress(KafkaError, TimeoutError):
        closing.within(2 * _CLOSE_MS)


class KafkaPythonDelivery:
    """One kafka-python future, asked after a flush."""

    __slots__ = ("_future", "_topic")

    def __init__(self, future: Any, topic: str) -> None:
        self._future = future
        self._topic = topic

    def failure(self) -> str | None:
        """See `Delivery`."""
        if not self._future.is_done:
            return f"{self._topic}: no answer yet"
        if self._future.exception is not None:
            return f"{self._topic}: {self._future.exception!r}"
        return None


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


@contextmanager
def translated(doing: str, what: str) -> Iterator[None]:
    """Let none of the client's own errors through.

    Args:
        doing: What is tried, for the message.
        what: With what, for the message.

    Raises:
        TransportError: In place of any `KafkaError`; not retriable where another try cannot help.
    """
    try:
        yield
    except OffsetOutOfRangeError as error:
        lost = TransportError(
            f"cannot {doing} {what}: the next record was deleted before it was read: {error!r}",
            operator_action="give the topic a longer retention.ms, and start once with "
            "--missing-baseline rebuild",
        )
        lost.retriable = False
        raise lost from error
    except KafkaError as error:
        action = next((text for kind, text in _FINAL.items() if isinstance(error, kind)), None)
        failed = TransportError(
            f"cannot {doing} {what}: {error!r}",
            operator_action=action
            or "check that the broker runs and that the bootstrap servers can be reached",
        )
        failed.retriable = action is None
        raise failed from error
