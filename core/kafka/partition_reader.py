"""Reads partitions without a group, and resumes after an outage of the broker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, TypeVar

from kafka import TopicPartition

from core.kafka.errors import translated
from core.kafka.reader_connection import RETRY_S, ReaderConnection
from core.kafka.topic_rights import require_visible
from core.model.errors import TransportError
from core.model.settings import KafkaSettings
from core.runtime.deadline import DeadlineCall
from core.runtime.outage_notes import OutageNotes

_PROBE_AFTER_S: Final = 2.0
"""Where nothing comes for so long, the broker is asked whether it is there."""
_PROBE_MS: Final = 2_000

T = TypeVar("T")


class PartitionReader:
    """Reads partitions that were assigned directly; it commits nothing.

    A client that gets no answer is replaced until one connects, which reads on after the last returned
    record: none is lost, none is returned twice.

    Args:
        settings: How to reach Kafka, how long to look for a broker, how long one question may take.
        properties: Further properties of the client, in kafka-python's names.
        patience_ms: How long a silent broker is waited for; None: as long as it takes.
        tell: Takes a line at the beginning and at the end of an outage.

    Raises:
        ConfigurationError: An address that is not `host:port`, or a file of the security.
        TransportError: No broker answers.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        *,
        properties: Mapping[str, Any] = MappingProxyType({}),
        patience_ms: int | None,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.servers = settings.bootstrap_servers
        self._request_timeout_ms = settings.request_timeout_ms
        self._patience_ms = patience_ms
        waiting = (
            "waiting for it" if patience_ms is None else f"waiting up to {patience_ms / 1000:g} s for it"
        )
        self._notes = OutageNotes(self.servers, tell, waiting)
        self._places: dict[TopicPartition, int] = {}
        self._connection = ReaderConnection(settings, properties, tell)
        self._heard_s = self._asked_s = time.monotonic()

    @property
    def away(self) -> bool:
        """Whether there is no connection to a broker."""
        return self._connection.consumer is None

    def close(self) -> None:
        """Close the connection, without waiting for a broker that is silent.

        From any thread: a read that is under way fails, instead of going on with a new client.
        """
        self._connection.close()

    def existing(self, topics: Sequence[str]) -> tuple[str, ...]:
        """Keep the topics that there are, in the given order.

        Raises:
            TransportError: The broker does not answer, or this user may not see one of them.
        """
        return self._asked("look at", ", ".join(topics), lambda consumer: _present(consumer, topics))

    def partitions(self, topic: str) -> list[int]:
        """Ask for the partitions of a topic; none where it is not there. Errors as of `existing`."""
        return self._asked("look at", topic, lambda consumer: _partitions(consumer, topic))

    def begins(self, parts: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Ask for the offset of the oldest record of each. Errors as of `existing`."""
        bound = self._request_timeout_ms
        return self._asked(
            "find the beginning of",
            _names(parts),
            lambda consumer: dict(consumer.beginning_offsets(parts, timeout_ms=bound)),
        )

    def ends(self, parts: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Ask for the offset behind the newest record of each. Errors as of `existing`."""
        bound = self._request_timeout_ms
        return self._asked(
            "find the end of",
            _names(parts),
            lambda consumer: dict(consumer.end_offsets(parts, timeout_ms=bound)),
        )

    def place(self, places: Mapping[TopicPartition, int]) -> None:
        """Read these partitions from these offsets on, and no others."""
        self._places = dict(places)
        if not self.away:
            self._seek()

    def position(self, part: TopicPartition) -> int:
        """Offset of the next record to give: past aborted records and transaction markers."""
        return self._places[part]

    def poll(self, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        """Give what has come since the last call.

        While the broker is away a call may take some seconds, and gives nothing.

        Args:
            timeout_ms: How long to wait for something to come.

        Raises:
            TransportError: Not retriable, or the broker was silent for `patience_ms`.
        """
        try:
            consumer = self._connection.consumer
            if consumer is None:
                self._reconnect(timeout_ms)
                return {}
            if self._connection.renew_if_due():
                self._seek()
                consumer = self._connection.consumer or consumer  # closed by another thread meanwhile
            polled, places = self._polled(consumer, timeout_ms)
            if polled:
                self._heard()
            else:
                self._probe()
        except TransportError as error:
            self._lost(error)
            return {}
        # Only now: what is not given is read again.
        self._places = places
        return polled

    def rest(self, ends: Mapping[TopicPartition, int], poll_ms: int) -> Iterable[list[Any]]:
        """Read on to these ends, in batches; each is in order within a partition.

        Raises:
            TransportError: As of `poll`, or the end cannot be reached.
        """
        moved_s, places = time.monotonic(), dict(self._places)
        while pending := {part: end for part, end in ends.items() if self._places[part] < end}:
            polled = self.poll(poll_ms)
            now_s = time.monotonic()
            if self.away or places != self._places:
                moved_s, places = now_s, dict(self._places)
            elif now_s - moved_s > self._request_timeout_ms / 1000:
                part, end = min(pending.items())
                raise TransportError(
                    f"the end of {part.topic}/{part.partition}, offset {end}, is out of reach: "
                    f"no record came for {self._request_timeout_ms} ms",
                    operator_action=f"check the broker at {self.servers} and try again",
                )
            for part, records in sorted(polled.items()):
                yield [each for each in records if each.offset < ends.get(part, 0)]

    def _polled(
        self, consumer: Any, timeout_ms: int
    ) -> tuple[dict[TopicPartition, list[Any]], dict[TopicPartition, int]]:
        """What has come, and the places behind it."""
        with translated("read from", self.servers):
            polled: dict[TopicPartition, list[Any]] = consumer.poll(timeout_ms=timeout_ms)
            places = dict(self._places)
            for part in places:
                position = consumer.position(part, timeout_ms=self._request_timeout_ms)
                if position is not None:
                    places[part] = int(position)
        return polled, places

    def _asked(self, doing: str, what: str, question: Callable[[Any], T]) -> T:
        """Ask until it is answered; kafka-python has questions without any limit."""
        while True:
            try:
                consumer = self._connection.consumer
                if consumer is None:
                    self._reconnect(round(RETRY_S * 1000))
                    continue
                call = DeadlineCall[T](_of(question, consumer))
                with translated(doing, what):
                    try:
                        answer = call.within(self._request_timeout_ms + _PROBE_MS)
                    except TimeoutError as error:
                        raise TransportError(f"cannot {doing} {what}: {error}") from error
            except TransportError as error:
                self._lost(error)
            else:
                self._heard()
                return answer

    def _seek(self) -> None:
        with translated("read", _names(self._places)):
            consumer = self._connection.consumer
            consumer.assign(list(self._places))
            for part, offset in self._places.items():
                consumer.seek(part, offset)

    def _heard(self) -> None:
        self._heard_s = self._asked_s = time.monotonic()
        self._notes.answered(self._heard_s)

    def _probe(self) -> None:
        """Ask whether the broker is there, where nothing has come for a while."""
        if not self._places or time.monotonic() - self._asked_s < _PROBE_AFTER_S:
            return
        with translated("ask for the end of", next(iter(self._places)).topic):
            self._connection.consumer.end_offsets(list(self._places), timeout_ms=_PROBE_MS)
        self._heard()

    def _lost(self, cause: TransportError) -> None:
        """Discard the client; the next polls make another.

        Raises:
            TransportError: Not retriable, or the broker was silent for too long.
        """
        now_s = self._connection.lost(cause)
        self._notes.silent(self._heard_s, now_s)
        if self._patience_ms is not None and now_s - self._heard_s > self._patience_ms / 1000:
            raise TransportError(
                f"no answer from the broker at {self.servers} for {now_s - self._heard_s:.0f} s: "
                f"{cause.message}",
                operator_action="check that the broker runs, then run the command again",
            ) from cause

    def _reconnect(self, timeout_ms: int) -> None:
        if not self._connection.reconnect(timeout_ms):
            return
        if self._places:
            self._seek()
            # Connected is not yet answered: the leader of a partition may still be missing.
            with translated("find the end of", _names(self._places)):
                self._connection.consumer.end_offsets(list(self._places), timeout_ms=_PROBE_MS)
        self._heard()


def _present(consumer: Any, topics: Sequence[str]) -> tuple[str, ...]:
    known = set(consumer.topics())
    require_visible(consumer, [topic for topic in topics if topic not in known])
    return tuple(topic for topic in topics if topic in known)


def _partitions(consumer: Any, topic: str) -> list[int]:
    found = consumer.partitions_for_topic(topic)
    if not found:
        require_visible(consumer, [topic])
    return sorted(found or ())


def _of(question: Callable[[Any], T], consumer: Any) -> Callable[[DeadlineCall[T]], T]:
    return lambda call: question(consumer)


def _names(parts: Iterable[TopicPartition]) -> str:
    return ", ".join(sorted({str(part.topic) for part in parts}))
