"""confluent-kafka (librdkafka) as we configure it, and its failures in our words."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from consumers.transport.records import Headers
from core.kafka.broker_errors import (
    BAD_CODEC,
    BATCH_TOO_LARGE,
    FINAL,
    REQUEST_TOO_LARGE,
    action_of,
    too_large,
)
from core.model.errors import TransportError
from core.model.settings import KafkaSettings, WorkerSettings

_ANY_PARTITION: Final = -1
_SOCKET_TIMEOUT_MAX_MS: Final = 300_000
_QUEUE_MAX_KIB: Final = 2_097_151
_PREFETCH_KIB: Final = 32 * 1024
"""Records fetched ahead, all partitions together: enough for 10 M ticks a second at a poll every 60 ms."""
_FINAL: Final[dict[int, str]] = {
    KafkaError._INVALID_ARG: "correct the settings that the message names",
    # librdkafka passes over what it cannot decompress: reading on would lose it.
    KafkaError._BAD_COMPRESSION: BAD_CODEC,
    KafkaError._NOT_IMPLEMENTED: BAD_CODEC,
}
"""Errors of librdkafka's own that no other try can mend; a broker's stand in `core.kafka.broker_errors`."""


def common_configuration(settings: KafkaSettings, client_id: str) -> dict[str, Any]:
    """In librdkafka's words, what consumer and producer have in common."""
    return {
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
        "error_cb": _note,
        # Otherwise librdkafka writes to standard error, between the lines of our log.
        "logger": _librdkafka_log(),
    }


def consumer_configuration(settings: KafkaSettings, client_id: str) -> dict[str, Any]:
    """Our settings in librdkafka's words, for a consumer that is sought and never resets."""
    return common_configuration(settings, client_id) | {
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


def producer_configuration(settings: KafkaSettings, client_id: str) -> dict[str, Any]:
    """Our settings in librdkafka's words, for an idempotent producer."""
    return common_configuration(settings, client_id) | {
        "acks": "all",
        "enable.idempotence": True,
        "linger.ms": settings.linger_ms,
        "batch.size": settings.batch_size_bytes,
        "message.max.bytes": settings.max_request_bytes,
        "compression.type": settings.compression,
        "delivery.timeout.ms": settings.delivery_timeout_ms,
        # A key must find the same partition whichever client sends it; librdkafka's own hash is another.
        "partitioner": "murmur2_random",
        # `send` never blocks and never refuses: whoever sends bounds the amount.
        "queue.buffering.max.messages": 0,
        "queue.buffering.max.kbytes": _QUEUE_MAX_KIB,
    }


def group_configuration(worker: WorkerSettings) -> dict[str, Any]:
    """A member of the group, in librdkafka's words."""
    member = {
        "group.id": worker.group_id,
        "session.timeout.ms": worker.session_timeout_ms,
        "heartbeat.interval.ms": worker.heartbeat_interval_ms,
        "max.poll.interval.ms": worker.max_poll_interval_ms,
        "partition.assignment.strategy": "cooperative-sticky",
    }
    if worker.membership == "static":
        member["group.instance.id"] = worker.slot
    return member


class Sending:
    """The fate of one record: librdkafka calls back when it knows."""

    __slots__ = ("_done", "_error", "_size_bytes", "_topic")

    def __init__(self, topic: str, size_bytes: int = 0) -> None:
        self._topic = topic
        self._size_bytes = size_bytes
        self._done = False
        self._error: KafkaError | None = None

    def done(self, error: KafkaError | None, _message: object) -> None:
        """Take the delivery report."""
        self._done = True
        self._error = error

    @property
    def code(self) -> int:
        """The number of the failure; 0 for none."""
        return 0 if self._error is None else self._error.code()

    def failure(self) -> str | None:
        """See `Delivery`."""
        if not self._done:
            return f"{self._topic}: no answer yet"
        return None if self._error is None else f"{self._topic}: {describe(self._error)}"

    def refusal(self) -> TransportError | None:
        """See `Delivery`."""
        if self._error is None or final_action(self._error.code()) is None:
            return None
        return not_delivered(self._topic, self._error, self._size_bytes)


def produce(
    producer: Producer,
    sending: Sending,
    topic: str,
    key: bytes | None,
    value: bytes,
    headers: Headers,
    partition: int | None,
) -> None:
    """Queue one record; one that the client itself refuses for its size counts as not delivered."""
    try:
        producer.produce(
            topic,
            value=value,
            key=key,
            headers=list(headers),
            partition=_ANY_PARTITION if partition is None else partition,
            on_delivery=sending.done,
        )
    except KafkaException as raised:
        error: KafkaError = raised.args[0]
        if error.code() != KafkaError.MSG_SIZE_TOO_LARGE:
            raise
        sending.done(error, None)


def fresh_client_answers(settings: KafkaSettings, timeout_ms: int) -> bool:
    """Whether a client that is made only for this is answered in time.

    Args:
        settings: Addresses and time-outs.
        timeout_ms: How long to wait, in ms.
    """
    try:
        client = AdminClient(common_configuration(settings, "rotascope-probe"))
        client.list_topics(timeout=timeout_ms / 1000)
    except KafkaException:
        return False
    return True


def discard(producer: Producer) -> None:
    """End a producer whose unsent records nobody waits for any more.

    `close()` would wait for them, without any limit; what is destroyed empty goes in a millisecond.
    """
    with suppress(KafkaException, SystemError):
        producer.purge(blocking=False)
        producer.poll(0)


def final_action(code: int) -> str | None:
    """What an operator has to do about an error that no other try can mend; None for the others."""
    return _FINAL.get(code) or FINAL.get(code)


def not_delivered(topic: str, error: KafkaError, size_bytes: int) -> TransportError:
    """Say why a record is not in the log; not retriable where another try cannot help."""
    if error.code() != KafkaError.MSG_SIZE_TOO_LARGE:
        return failed("deliver a record to", topic, error)
    # What librdkafka refuses itself it names so; a broker sends no text of its own.
    own = "Unable to produce" in error.str()
    limit = "kafka.max_request_bytes" if own else "max.message.bytes"
    made = TransportError(
        f"{too_large(topic, size_bytes)}: it, or the batch it is in, is above {limit}",
        operator_action=REQUEST_TOO_LARGE if own else BATCH_TOO_LARGE,
    )
    made.retriable = False
    return made


def describe(error: KafkaError) -> str:
    """Name an error as librdkafka does, with its text."""
    return f"{error.name()}: {error.str()}"


def lost_place(doing: str, what: str, reason: str) -> TransportError:
    """Say that the log no longer holds the record that comes next."""
    lost = TransportError(
        f"cannot {doing} {what}: the next record was deleted before it was read: {reason}",
        operator_action="give the topic a longer retention.ms, and start once with "
        "--missing-baseline rebuild",
    )
    lost.retriable = False
    return lost


@contextmanager
def translated(doing: str, what: str) -> Iterator[None]:
    """Let none of the client's own errors through.

    Args:
        doing: What is tried, for the message.
        what: With what, for the message.

    Raises:
        TransportError: In place of any `KafkaException`.
    """
    try:
        yield
    except RuntimeError as error:  # the client has been closed
        raise TransportError(f"cannot {doing} {what}: {error}") from error
    except (KafkaException, SystemError) as error:
        raise failed(doing, what, error_in(error)) from error


def error_in(raised: BaseException) -> KafkaError:
    """Find librdkafka's error in what the wrapper raised.

    A fatal error is raised in the middle of the delivery callbacks, so that the next callback of
    the same call dies of it: Python then reports a SystemError, and the error as its cause.
    """
    found = raised.__cause__ if isinstance(raised, SystemError) else raised
    if isinstance(found, KafkaException):
        error: KafkaError = found.args[0]
        return error
    raise raised


def failed(doing: str, what: str, error: KafkaError) -> TransportError:
    """Make our error of librdkafka's; not retriable where another try cannot help."""
    action = final_action(error.code())
    made = TransportError(
        f"cannot {doing} {what}: {describe(error)}",
        operator_action=action or action_of(code if (code := error.code()) > 0 else None)[0],
    )
    made.retriable = action is None
    return made


def _librdkafka_log() -> logging.Logger:
    """For whoever mends the client; without a handler Python would print it as well."""
    log = logging.getLogger("rotascope.librdkafka")
    if not log.handlers:
        log.addHandler(logging.NullHandler())
    return log


def _note(error: KafkaError) -> None:
    _librdkafka_log().info("%s", describe(error))
