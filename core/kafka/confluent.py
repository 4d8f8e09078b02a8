"""Configuration of confluent-kafka's (librdkafka's) clients, security included."""

from __future__ import annotations

import logging
from typing import Any, Final

from core.kafka.client_properties import confluent_properties
from core.kafka.confluent_refusals import ConfluentRefusals
from core.kafka.security import confluent_security
from core.model.settings import KafkaSettings

_SOCKET_TIMEOUT_MAX_MS: Final = 300_000
_QUEUE_MAX_KIB: Final = 2_097_151
_PREFETCH_KIB: Final = 32 * 1024
"""Records fetched ahead, all partitions together: enough for 10 M ticks a second at a poll every 60 ms."""


def common_configuration(
    settings: KafkaSettings, client_id: str, refusals: ConfluentRefusals | None = None
) -> dict[str, Any]:
    """Give librdkafka's properties that consumers and producers share.

    Args:
        settings: Addresses, sizes, time-outs and security, whose files are read now.
        client_id: What the broker's logs call this client.
        refusals: Receives every client-wide error.

    Raises:
        AccessRefusedError: No token is issued to us.
        ConfigurationError: A file of the security cannot be used.
        TransportError: No token can be had now.
    """
    noted = refusals or ConfluentRefusals(settings)
    return (
        confluent_properties(settings)
        | confluent_security(settings)
        | {
            "bootstrap.servers": settings.bootstrap_servers,
            "client.id": client_id,
            "socket.timeout.ms": min(settings.request_timeout_ms, _SOCKET_TIMEOUT_MAX_MS),
            "reconnect.backoff.ms": 20,
            "reconnect.backoff.max.ms": 1_000,
            "retry.backoff.ms": 10,
            "retry.backoff.max.ms": 200,
            "allow.auto.create.topics": False,
            # Without a callback of its own, the wrapper raises a client-wide error from the middle of
            # whatever call comes next, delivery callbacks included. Every call has an answer of its own.
            "error_cb": noted.note,
            # Otherwise librdkafka writes to standard error, between the lines of our log.
            "logger": librdkafka_log(),
        }
    )


def consumer_configuration(
    settings: KafkaSettings, client_id: str, refusals: ConfluentRefusals | None = None
) -> dict[str, Any]:
    """Give librdkafka's properties of a consumer that never resets its offset; see `common_configuration`."""
    return common_configuration(settings, client_id, refusals) | {
        "fetch.wait.max.ms": settings.fetch_max_wait_ms,
        "max.partition.fetch.bytes": settings.max_partition_fetch_bytes,
        "queued.max.messages.kbytes": _PREFETCH_KIB,
        # By default a consumer that is faster than its fetches waits a whole second for the next.
        "fetch.queue.backoff.ms": 5,
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        # As with the other client: what falls out of the log must stop the worker by name.
        "auto.offset.reset": "error",
    }


def producer_configuration(
    settings: KafkaSettings, client_id: str, refusals: ConfluentRefusals | None = None
) -> dict[str, Any]:
    """Give librdkafka's properties of an idempotent producer; see `common_configuration`."""
    return common_configuration(settings, client_id, refusals) | {
        "acks": "all",
        "enable.idempotence": True,
        "linger.ms": settings.linger_ms,
        "batch.size": settings.batch_size_bytes,
        "message.max.bytes": settings.max_request_bytes,
        "compression.type": settings.compression,
        "delivery.timeout.ms": settings.delivery_timeout_ms,
        # A key must find the same partition whichever client sends it; librdkafka's own hash is another.
        "partitioner": "murmur2_random",
        # `send` never blocks and never refuses: the caller bounds the amount.
        "queue.buffering.max.messages": 0,
        "queue.buffering.max.kbytes": _QUEUE_MAX_KIB,
    }


def librdkafka_log() -> logging.Logger:
    """Give librdkafka's log; without a handler Python would also print it."""
    log = logging.getLogger("rotascope.librdkafka")
    if not log.handlers:
        log.addHandler(logging.NullHandler())
    return log
