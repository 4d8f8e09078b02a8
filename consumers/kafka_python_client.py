"""kafka-python as we configure it, and its failures in our words."""

from __future__ import annotations

import importlib.util
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from kafka.errors import KafkaError, OffsetOutOfRangeError

from core.errors import ConfigurationError, TransportError
from core.settings import KafkaSettings

_MIB: Final = 1024 * 1024
_CONNECT_RETRY_S: Final = 0.1


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


def close_at_once(producer: Any) -> None:
    """Close a producer whose unsent records nobody waits for any more.

    `close()` flushes first and gives up, leaving its thread behind, when that takes too long;
    only the sender itself can be told to leave records unsent.
    """
    producer._sender.force_close()
    with suppress(KafkaError):
        producer.close(timeout=1)


@contextmanager
def translated(doing: str, what: str) -> Iterator[None]:
    """Let none of the client's own errors through.

    Args:
        doing: What is tried, for the message.
        what: With what, for the message.

    Raises:
        TransportError: In place of any `KafkaError`; not retriable where the log no longer holds
            the record that comes next.
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
        raise TransportError(
            f"cannot {doing} {what}: {error!r}",
            operator_action="check that the broker runs and that the bootstrap servers can be reached",
        ) from error
