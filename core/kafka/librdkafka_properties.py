"""Checks properties with librdkafka, and suggests similar names."""

from __future__ import annotations

import logging
from typing import Any, Final

from confluent_kafka import KafkaException, Producer

from core.model.suggestions import nearest

_SUGGESTED: Final = """
    broker.address.family broker.address.ttl check.crcs client.dns.lookup client.rack compression.level
    connections.max.idle.ms coordinator.query.interval.ms debug enable.metrics.push enable.sparse.connections
    fetch.error.backoff.ms fetch.max.bytes fetch.min.bytes log.connection.close log_level max.poll.records
    message.copy.max.bytes metadata.max.age.ms metadata.recovery.rebootstrap.trigger.ms
    metadata.recovery.strategy queued.min.messages queue.buffering.backpressure.threshold queuing.strategy
    receive.message.max.bytes reconnect.backoff.jitter.ms socket.blocking.max.ms
    socket.connection.setup.timeout.ms socket.keepalive.enable socket.max.fails socket.nagle.disable
    socket.receive.buffer.bytes socket.send.buffer.bytes sticky.partitioning.linger.ms batch.num.messages
    topic.metadata.propagation.max.ms topic.metadata.refresh.fast.interval.ms
    topic.metadata.refresh.interval.ms topic.metadata.refresh.sparse
""".split()
"""Names worth a hint. Whether a name is known is for librdkafka to say."""


def problem_of(name: str, value: Any) -> str | None:
    """Say why librdkafka would refuse a property; None where it takes it.

    Args:
        name: In librdkafka's names.
        value: As written.
    """
    log = logging.getLogger("rotascope.librdkafka")
    log.addHandler(logging.NullHandler())
    try:
        # Without an address it connects nowhere; it is gone again with this call.
        Producer({name: value, "logger": log})
    except (KafkaException, TypeError, ValueError) as error:
        text = error.args[0].str() if isinstance(error, KafkaException) else str(error)
        if "No such configuration property" in text:
            return f"librdkafka has no property {name}{nearest(name, _SUGGESTED)}"
        return f"{name}: {text}"
    return None
