"""Configuration of kafka-python's clients, security included, and its records as ours."""

from __future__ import annotations

from typing import Any, Final

from core.kafka.client_properties import ClientKind, kafka_python_properties
from core.kafka.records import Record
from core.kafka.security import kafka_python_security
from core.model.settings import KafkaSettings

EMBEDDED_API_VERSION: Final = (2, 3)
"""Newest protocol version that works between kafka-python and the demo's embedded broker."""


def record_of(raw: Any) -> Record:
    """Convert one of kafka-python's records."""
    value = raw.value or b""
    return Record(raw.topic, raw.partition, raw.offset, raw.key, value, tuple(raw.headers), raw.timestamp)


def consumer_configuration(settings: KafkaSettings) -> dict[str, Any]:
    """Give kafka-python's properties of a consumer that is always sought and never resets its offset.

    Args:
        settings: Addresses, sizes, time-outs and security, whose files are read now.

    Raises:
        ConfigurationError: A file of the security cannot be used.
    """
    return _common(settings, ClientKind.CONSUMER) | {
        "fetch_max_wait_ms": settings.fetch_max_wait_ms,
        "max_partition_fetch_bytes": settings.max_partition_fetch_bytes,
        "isolation_level": "read_committed",
        "enable_auto_commit": False,
        # Every partition is sought before its first poll. A position that still falls out of the
        # log must stop the worker by name; both other answers would skip or repeat in silence.
        "auto_offset_reset": "none",
        "allow_auto_create_topics": False,
    }


def producer_configuration(settings: KafkaSettings) -> dict[str, Any]:
    """Give kafka-python's properties of an idempotent producer.

    Args:
        settings: As of `consumer_configuration`, as are the errors.
    """
    return _common(settings, ClientKind.PRODUCER) | {
        "acks": "all",
        "enable_idempotence": True,
        "linger_ms": settings.linger_ms,
        "batch_size": settings.batch_size_bytes,
        "max_request_size": settings.max_request_bytes,
        "compression_type": None if settings.compression == "none" else settings.compression,
        "delivery_timeout_ms": settings.delivery_timeout_ms,
        "max_block_ms": settings.request_timeout_ms,
        "allow_auto_create_topics": False,
    }


def admin_configuration(settings: KafkaSettings) -> dict[str, Any]:
    """Give kafka-python's properties of an admin client.

    Args:
        settings: As of `consumer_configuration`, as are the errors.
    """
    return _common(settings, ClientKind.ADMIN)


def _common(settings: KafkaSettings, kind: ClientKind) -> dict[str, Any]:
    return (
        kafka_python_properties(settings, kind)
        | kafka_python_security(settings)
        | {
            "bootstrap_servers": settings.bootstrap_servers.split(","),
            "api_version": settings.api_version,
            "bootstrap_timeout_ms": settings.bootstrap_timeout_ms,
            "request_timeout_ms": settings.request_timeout_ms,
            "retry_backoff_ms": 20,
            "reconnect_backoff_max_ms": 1_000,
        }
    )
