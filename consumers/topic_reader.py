"""Reads whole topics without a consumer group: for people and tools that look, not for workers.

Partitions are assigned by hand and no offset is ever committed, so reading disturbs nobody. Only
committed records are seen. Order holds within a partition, not across partitions.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Final, Self

from kafka import KafkaConsumer, TopicPartition

from consumers.deadline import DeadlineCall
from consumers.kafka_python_client import consumer_configuration, leave, made, require_reachable, translated
from consumers.transport import Record
from core.errors import ConfigurationError, TransportError
from core.settings import KafkaSettings

_POLL_MS: Final = 200
_CONNECT_MS: Final = 1_000


class TopicReader:
    """A reader of existing topics.

    Args:
        settings: How to reach Kafka.

    Raises:
        ConfigurationError: An address that is not `host:port`.
        TransportError: No broker answers.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        # Without any handler the client's connection attempts land on standard error.
        logging.getLogger("kafka").addHandler(logging.NullHandler())
        self._servers = settings.bootstrap_servers
        self._timeout_ms = settings.request_timeout_ms
        require_reachable(self._servers, _CONNECT_MS)
        # A worker must stop where records are gone that it never saw; whoever looks goes on.
        configuration = consumer_configuration(settings) | {"auto_offset_reset": "earliest"}
        with translated("connect to", self._servers):
            self._consumer = made(KafkaConsumer, **configuration)
        self._assigned: list[TopicPartition] = []

    def __enter__(self) -> Self:
        """Give the reader itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection, without waiting for a broker that is silent."""
        leave(self._consumer)

    def existing(self, topics: Sequence[str]) -> tuple[str, ...]:
        """Keep the topics that the broker has, in the given order.

        Raises:
            TransportError: The broker does not answer.
        """
        # kafka-python waits for the answer without any limit.
        listing = DeadlineCall[Any](lambda call: self._consumer.topics())
        with translated("list the topics of", self._servers):
            try:
                present = listing.within(self._timeout_ms)
            except TimeoutError as error:
                raise TransportError(f"cannot list the topics of {self._servers}: {error}") from error
        return tuple(topic for topic in topics if topic in present)

    def read(
        self,
        topics: Sequence[str],
        *,
        partitions: Sequence[int] = (),
        from_beginning: bool = True,
        until_end: bool = False,
        last: int | None = None,
    ) -> Iterator[Record]:
        """Read records as they come.

        Args:
            topics: Existing topics.
            partitions: Only these; all when empty.
            from_beginning: Start at the oldest record, else at what comes from now on.
            until_end: Stop at the end as it is at the call, else go on until closed.
            last: Start at most so many offsets before the end.

        Yields:
            Committed records, in order within each partition.

        Raises:
            ConfigurationError: A partition that does not exist.
            TransportError: The broker stops answering.
        """
        self.start(topics, partitions=partitions, from_beginning=from_beginning, last=last)
        if until_end:
            yield from self.rest()
        while not until_end:
            yield from self.poll()

    def start(
        self,
        topics: Sequence[str],
        *,
        partitions: Sequence[int] = (),
        from_beginning: bool = True,
        last: int | None = None,
    ) -> None:
        """Place the reader; `poll` and `rest` go on from there. Arguments and errors as of `read`."""
        with translated("read", ", ".join(topics)):
            self._assigned = self._assign(topics, partitions)
            places = self._consumer.beginning_offsets(self._assigned, timeout_ms=self._timeout_ms)
            if last is not None or not from_beginning:
                ends = self._consumer.end_offsets(self._assigned, timeout_ms=self._timeout_ms)
                places = {part: max(places[part], end - (last or 0)) for part, end in ends.items()}
            for part, offset in places.items():
                self._consumer.seek(part, offset)

    def poll(self, timeout_ms: int = _POLL_MS) -> list[Record]:
        """Give what has come since the last call, waiting at most so long for something to come.

        Raises:
            TransportError: The broker stops answering.
        """
        with translated("read from", self._servers):
            polled = self._consumer.poll(timeout_ms=timeout_ms)
        return [_record(record) for part in sorted(polled) for record in polled[part]]

    def rest(self) -> Iterator[Record]:
        """Read on to the end as it is at the call.

        Raises:
            TransportError: The broker stops answering, or the end cannot be reached.
        """
        with translated("read from", self._servers):
            pending = dict(self._consumer.end_offsets(self._assigned, timeout_ms=self._timeout_ms))
        ends = {(part.topic, part.partition): end for part, end in pending.items()}
        give_up = time.monotonic() + self._timeout_ms / 1000
        # The position passes aborted records and transaction markers; a record's offset would never
        # reach an end made of those.
        while pending := {part: end for part, end in pending.items() if self._position(part) < end}:
            records = self.poll()
            if records:
                give_up = time.monotonic() + self._timeout_ms / 1000
            elif time.monotonic() > give_up:
                part, end = min(pending.items())
                raise TransportError(
                    f"the end of {part.topic}/{part.partition}, offset {end}, is out of reach: "
                    f"no record came for {self._timeout_ms} ms",
                    operator_action=f"check the broker at {self._servers} and try again",
                )
            yield from (each for each in records if each.offset < ends[each.topic, each.partition])

    def _assign(self, topics: Sequence[str], partitions: Sequence[int]) -> list[TopicPartition]:
        assigned = []
        for topic in topics:
            present = sorted(self._consumer.partitions_for_topic(topic))
            missing = sorted(set(partitions) - set(present))
            if missing:
                raise ConfigurationError(
                    f"topic {topic} has partitions 0 to {len(present) - 1}, not {missing[0]}",
                    operator_action="leave --partition out to read them all",
                )
            assigned += [TopicPartition(topic, part) for part in partitions or present]
        self._consumer.assign(assigned)
        return assigned

    def _position(self, part: TopicPartition) -> int:
        with translated("read from", self._servers):
            return int(self._consumer.position(part, timeout_ms=self._timeout_ms) or 0)


def _record(record: Any) -> Record:
    return Record(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=b"" if record.value is None else record.value,
        headers=tuple(record.headers),
        timestamp_ms=record.timestamp,
    )
