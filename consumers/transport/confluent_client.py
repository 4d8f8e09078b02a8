"""confluent-kafka (librdkafka) as a worker uses it: group membership and delivery reports."""

from __future__ import annotations

from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Producer
from typing_extensions import override

from consumers.transport.seam import Delivery
from core.kafka.confluent_errors import describe, final_action, not_delivered
from core.kafka.records import Headers
from core.model.errors import TransportError
from core.model.settings import WorkerSettings

_ANY_PARTITION: Final = -1
_REFUSED_AT_ONCE: Final = (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.TOPIC_AUTHORIZATION_FAILED)


def group_configuration(worker: WorkerSettings) -> dict[str, Any]:
    """Give librdkafka's properties of a member of the group."""
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


class Sending(Delivery):
    """The delivery of one record; librdkafka calls `done` with its report."""

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

    @override
    def failure(self) -> str | None:
        if not self._done:
            return f"{self._topic}: no answer yet"
        return None if self._error is None else f"{self._topic}: {describe(self._error)}"

    @override
    def refusal(self) -> TransportError | None:
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
    """Queue one record; one that the client refuses for its size or its topic counts as not delivered."""
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
        if error.code() not in _REFUSED_AT_ONCE:
            raise
        sending.done(error, None)
