"""Properties of Kafka's clients that Rotascope sets itself, and what to set instead."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

FIXED: Final = ""
"""Nothing to set instead: what Rotascope promises depends on the value that it sets."""

_SETTINGS: Final = {
    "api.version": "kafka.api_version",
    "batch.size": "kafka.batch_size_bytes",
    "bootstrap.servers": "kafka.bootstrap_servers",
    "bootstrap.timeout.ms": "kafka.bootstrap_timeout_ms",
    "compression.codec": "kafka.compression",
    "compression.type": "kafka.compression",
    "delivery.timeout.ms": "kafka.delivery_timeout_ms",
    "fetch.max.wait.ms": "kafka.fetch_max_wait_ms",
    "fetch.message.max.bytes": "kafka.max_partition_fetch_bytes",
    "fetch.wait.max.ms": "kafka.fetch_max_wait_ms",
    "group.id": "worker.group_id",
    "group.instance.id": "worker.slot",
    "heartbeat.interval.ms": "worker.heartbeat_interval_ms",
    "linger.ms": "kafka.linger_ms",
    "max.block.ms": "kafka.request_timeout_ms",
    "max.partition.fetch.bytes": "kafka.max_partition_fetch_bytes",
    "max.poll.interval.ms": "worker.max_poll_interval_ms",
    "max.poll.records": "worker.poll_max_records",
    "max.request.size": "kafka.max_request_bytes",
    "message.max.bytes": "kafka.max_request_bytes",
    "message.timeout.ms": "kafka.delivery_timeout_ms",
    "metadata.broker.list": "kafka.bootstrap_servers",
    "queue.buffering.max.ms": "kafka.linger_ms",
    "request.timeout.ms": "kafka.request_timeout_ms",
    "session.timeout.ms": "worker.session_timeout_ms",
    "socket.timeout.ms": "kafka.request_timeout_ms",
    "transaction.timeout.ms": "worker.transaction_timeout_ms",
}
_FIXED: Final = frozenset(
    """
    acks allow.auto.create.topics auto.commit.enable auto.commit.interval.ms auto.offset.reset client.id
    consumer.timeout.ms delivery.report.only.error enable.auto.commit enable.auto.offset.store
    enable.gapless.guarantee enable.idempotence enable.partition.eof error_cb fetch.queue.backoff.ms
    group.protocol group.protocol.type group.remote.assignor isolation.level logger
    max.in.flight max.in.flight.requests.per.connection message.send.max.retries oauth_cb offset.store.method
    partition.assignment.strategy partitioner queue.buffering.max.kbytes queue.buffering.max.messages
    queued.max.messages.kbytes reconnect.backoff.max.ms reconnect.backoff.ms request.required.acks retries
    retry.backoff.max.ms retry.backoff.ms statistics.interval.ms stats_cb test.mock.num.brokers
    transactional.id
    """.split()
)
_SECURITY: Final = ("security.", "sasl.", "ssl.", "enable.ssl.", "enable.sasl.")

OWNED: Final[Mapping[str, str]] = MappingProxyType({**_SETTINGS, **dict.fromkeys(_FIXED, FIXED)})
"""Property → the setting to use instead, or `FIXED`."""


def owner_of(name: str) -> str | None:
    """Give the setting to use instead of a property; `FIXED` for none, None where it is free.

    Args:
        name: In Kafka's or librdkafka's names.

    Example:
        >>> owner_of("linger.ms"), owner_of("ssl.ca.location"), owner_of("fetch.min.bytes")
        ('kafka.linger_ms', 'kafka.security', None)
    """
    return "kafka.security" if name.startswith(_SECURITY) else OWNED.get(name)
