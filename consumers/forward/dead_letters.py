"""Publishes what cannot be delivered; its place is committed only once the dead letter is in the log."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final, NamedTuple

from kafka import KafkaProducer
from kafka.errors import KafkaError

from core.kafka.clients import discard_producer, made
from core.kafka.dead_letters import dead_letter
from core.kafka.errors import not_delivered
from core.kafka.kafka_python import producer_configuration
from core.kafka.records import OutgoingRecord
from core.model.errors import TransportError
from core.model.settings import KafkaSettings

SOURCE: Final = "forward"
KEPT_BYTES: Final = 4_096
_AT_ONCE: Final = 500
_RETRY_S: Final = 1.0


class Letter(NamedTuple):
    """A dead letter on its way.

    Args:
        part: Partition of the record that it is about.
        offset: Its place there.
        record: What is published.
    """

    part: Any
    offset: int
    record: OutgoingRecord


class DeadLetters:
    """Sends dead letters without waiting for them, and again until the broker has acknowledged them.

    Args:
        settings: How to reach Kafka.
        monotonic_s: Monotonic clock, s.
    """

    def __init__(self, settings: KafkaSettings, *, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._monotonic_s = monotonic_s
        self._waiting: deque[Letter] = deque()
        self._sent: deque[tuple[Letter, Any]] = deque()
        self._producer: Any = None
        self._not_before_s = 0.0

    @property
    def pending(self) -> int:
        """Number of letters that are not acknowledged."""
        return len(self._waiting) + len(self._sent)

    def add(self, part: Any, offset: int, reason: str, payload: bytes, message: str) -> None:
        """Take a letter; `turn` sends it.

        Args:
            part: Partition of the record, with `topic` and `partition`.
            offset: Its place there.
            reason: Stable label.
            payload: The record's value.
            message: What is wrong, with the figures.
        """
        record = dead_letter(
            SOURCE,
            reason,
            payload[:KEPT_BYTES],
            len(payload),
            topic=part.topic,
            partition=part.partition,
            offset=offset,
            message=message,
        )
        self._waiting.append(Letter(part, offset, record))

    def turn(self) -> Iterator[Letter]:
        """Send what waits, and yield what has been acknowledged.

        Raises:
            TransportError: Not retriable: the topic or its rights must change.
        """
        yield from self._acknowledged()
        if not self._waiting or self._monotonic_s() < self._not_before_s:
            return
        try:
            self._send()
        except (KafkaError, ValueError) as error:
            self._failed(error)
        except TransportError as error:
            if not error.retriable:
                raise
            self._failed(error)

    def close(self) -> None:
        """Give up what is not acknowledged: its place is not committed, so it is met again."""
        if self._producer is not None:
            producer, self._producer = self._producer, None
            with suppress(KafkaError):
                discard_producer(producer)

    def _send(self) -> None:
        if self._producer is None:
            configuration = producer_configuration(self._settings) | {"client_id": "rotascope-forward"}
            self._producer = made(KafkaProducer, **configuration)
        while self._waiting and len(self._sent) < _AT_ONCE:
            letter = self._waiting[0]
            record = letter.record
            future = self._producer.send(
                record.topic, record.value, key=record.key, headers=list(record.headers)
            )
            self._sent.append((self._waiting.popleft(), future))

    def _acknowledged(self) -> Iterator[Letter]:
        while self._sent and self._sent[0][1].is_done:
            letter, future = self._sent[0]
            if future.exception is not None:
                self._failed(future.exception)
                return
            self._sent.popleft()
            yield letter

    def _failed(self, error: BaseException) -> None:
        """Send again what is not acknowledged, with a new client."""
        record = (self._sent[0][0] if self._sent else self._waiting[0]).record
        failure = not_delivered(record.topic, error, len(record.value))
        if not failure.retriable:
            raise failure
        self._waiting.extendleft(letter for letter, _ in reversed(self._sent))
        self._sent.clear()
        self._not_before_s = self._monotonic_s() + _RETRY_S
        self.close()
