"""Clients of librdkafka: connecting, seeking, committing and closing within a time limit."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from core.kafka.clients import require_reachable
from core.kafka.confluent import common_configuration, consumer_configuration
from core.kafka.confluent_errors import failed, translated
from core.kafka.confluent_first import require_first_answer
from core.kafka.confluent_refusals import ConfluentRefusals
from core.kafka.tls import tls_context
from core.model.errors import RotascopeError, TransportError
from core.model.settings import KafkaSettings
from core.runtime.deadline import DeadlineCall

_SEEK_RETRY_S: Final = 0.002
_CLOSE_MS: Final = 2_000


def connected_consumer(
    settings: KafkaSettings,
    client_id: str,
    own: Mapping[str, Any],
    refusals: ConfluentRefusals,
    timeout_ms: int,
    *,
    topic: str = "",
) -> Consumer:
    """Make a consumer whose first request has been answered; librdkafka makes one without a broker, too.

    Args:
        settings: Addresses, sizes, time-outs and security, whose files are read now.
        client_id: Name of this client in the broker's logs.
        own: Further properties, such as the group.
        refusals: Receives the client's errors.
        timeout_ms: Time limit, in ms.
        topic: What the first request asks for; empty for the whole cluster.

    Raises:
        AccessRefusedError: Credentials or a certificate are refused.
        ConfigurationError: An address or a file of the security cannot be used.
        TransportError: No broker answers in time.
    """
    require_reachable(settings.bootstrap_servers, timeout_ms, tls_context(settings.security))
    configuration = consumer_configuration(settings, client_id, refusals)
    with translated("connect to", settings.bootstrap_servers):
        consumer = Consumer(configuration | dict(own))
        try:
            require_first_answer(consumer, settings, refusals, timeout_ms, topic)
        except BaseException:
            close(consumer)
            raise
    return consumer


def close(consumer: Consumer) -> None:
    """Leave the group and close, within a time limit; never raises."""
    with suppress(Exception):
        DeadlineCall[None](lambda call: consumer.close()).within(_CLOSE_MS)


def seek(consumer: Consumer, place: TopicPartition, timeout_s: float) -> None:
    """Seek; a partition that has just been assigned may need a moment before it can be sought.

    Args:
        consumer: Its assignment holds the partition.
        place: Partition and offset.
        timeout_s: Time limit, in s.

    Raises:
        KafkaException: The seek failed.
    """
    deadline_s = time.monotonic() + timeout_s
    while True:
        try:
            consumer.seek(place)
        except KafkaException as error:
            if error.args[0].code() != KafkaError._STATE or time.monotonic() > deadline_s:
                raise
            time.sleep(_SEEK_RETRY_S)
        else:
            return


def commit(consumer: Consumer, topic: str, places: list[TopicPartition], timeout_ms: int) -> None:
    """Commit offsets with a time limit: librdkafka's own call has none and may take minutes.

    Args:
        consumer: A member of the group, or one with that group's id.
        topic: For messages.
        places: Partitions with offsets and metadata.
        timeout_ms: Time limit, in ms.

    Raises:
        TransportError: An offset was not stored, or there was no answer in time.
    """
    call = DeadlineCall[list[TopicPartition]](
        lambda call: consumer.commit(offsets=places, asynchronous=False)
    )
    with translated("commit offsets of", topic):
        try:
            stored = call.within(timeout_ms)
        except TimeoutError as error:
            raise TransportError(f"cannot commit offsets of {topic}: {error}") from error
    for place in stored:
        if place.error is not None:
            raise failed("commit offsets of", topic, place.error)


def fresh_client_answers(settings: KafkaSettings, timeout_ms: int) -> bool:
    """Return whether a client made only for this question gets an answer in time.

    Args:
        settings: Addresses and time-outs.
        timeout_ms: Time limit, in ms.
    """
    try:
        client = AdminClient(common_configuration(settings, "rotascope-probe"))
        client.list_topics(timeout=timeout_ms / 1000)
    except (KafkaException, RotascopeError):
        return False
    return True


def discard_producer(producer: Producer) -> None:
    """End a producer without sending what it still holds.

    `close()` would wait for these records without a limit; an empty producer closes in a millisecond.
    """
    with suppress(KafkaException, SystemError):
        producer.purge(blocking=False)
        producer.poll(0)
