"""Sends a few records and waits for them: for commands that publish once and end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from kafka import KafkaProducer
from kafka.errors import KafkaError

from core.kafka.clients import discard_producer, made, require_reachable
from core.kafka.errors import not_delivered, transport_error
from core.kafka.kafka_python import producer_configuration
from core.kafka.records import OutgoingRecord
from core.model.settings import KafkaSettings
from core.runtime.closing import closing_quietly

_AT_ONCE: Final = 16
"""Records in flight; each may be half a megabyte."""
_EXTRA_S: Final = 5.0
"""Longer than the delivery timeout, so that a lost record is reported as such."""


def send_all(settings: KafkaSettings, records: Sequence[OutgoingRecord]) -> None:
    """Send records in order; return once all replicas have acknowledged all of them.

    Args:
        settings: How to reach Kafka. The client is kafka-python, as in all commands that read topics.
        records: Each with its partition, so that those of one partition stay in order.

    Raises:
        AccessRefusedError: Credentials, a certificate or a right are refused.
        ConfigurationError: A file of the security cannot be used.
        TransportError: A record is not acknowledged; those before it are.
    """
    timeout_s = max(settings.delivery_timeout_ms, settings.patience_ms) / 1000
    configuration = producer_configuration(settings) | {
        "client_id": "rotascope-command",
        "delivery_timeout_ms": int(timeout_s * 1000),
    }
    require_reachable(
        settings.bootstrap_servers, settings.bootstrap_timeout_ms, configuration.get("ssl_context")
    )
    try:
        producer = made(KafkaProducer, **configuration)
    except KafkaError as error:
        raise transport_error(f"no broker answers at {settings.bootstrap_servers}", error) from error
    with closing_quietly(lambda: discard_producer(producer), "the Kafka producer"):
        for some in _in_steps(records):
            _deliver(producer, some, timeout_s + _EXTRA_S)


def _in_steps(records: Sequence[OutgoingRecord]) -> Iterable[Sequence[OutgoingRecord]]:
    return (records[start : start + _AT_ONCE] for start in range(0, len(records), _AT_ONCE))


def _deliver(producer: Any, records: Sequence[OutgoingRecord], timeout_s: float) -> None:
    waiting = []
    for record in records:
        try:
            future = producer.send(
                record.topic,
                record.value,
                key=record.key,
                headers=list(record.headers),
                partition=record.partition,
            )
        except (KafkaError, ValueError) as error:
            raise not_delivered(record.topic, error, _size(record)) from error
        waiting.append((record, future))
    for record, future in waiting:
        try:
            future.get(timeout=timeout_s)
        except KafkaError as error:
            raise not_delivered(record.topic, error, _size(record)) from error


def _size(record: OutgoingRecord) -> int:
    return len(record.value) + len(record.key or b"")
