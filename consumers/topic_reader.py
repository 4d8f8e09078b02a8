"""Reads whole topics without a consumer group: for people and tools that look, not for workers.

Partitions are assigned by hand and no offset is ever committed, so reading disturbs nobody. Only
committed records are seen. Order holds within a partition, not across partitions.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Final, Self

from kafka import KafkaConsumer, TopicPartition

from consumers.kafka_python_client import consumer_configuration, require_reachable, translated
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
            self._consumer = KafkaConsumer(**configuration)

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
        """Close the connection."""
        self._consumer.close(autocommit=False, timeout_ms=self._timeout_ms)

    def existing(self, topics: Sequence[str]) -> tuple[str, ...]:
        """Keep the topics that the broker has, in the given order.

        Raises:
            TransportError: The broker does not answer.
        """
        with translated("list the topics of", self._servers):
            present = self._consumer.topics()
        return tuple(topic for topic in topics if topic in present)

    def read(
        self,
        topics: Sequence[str],
        *,
        partitions: Sequence[int] = (),
        from_beginning: bool = True,
        until_end: bool = False,
    ) -> Iterator[Record]:
        """Read records as they come.

        Args:
            topics: Existing topics.
            partitions: Only these; all when empty.
            from_beginning: Start at the oldest record, else at what comes from now on.
            until_end: Stop at the end as it is at the call, else go on until closed.

        Yields:
            Committed records, in order within each partition.

        Raises:
            ConfigurationError: A partition that does not exist.
            TransportError: The broker stops answering.
        """
        with translated("read", ", ".join(topics)):
            assigned = self._assign(topics, partitions)
            ends = self._consumer.end_offsets(assigned, timeout_ms=self._timeout_ms)
            starts = ends
            if from_beginning:
                starts = self._consumer.beginning_offsets(assigned, timeout_ms=self._timeout_ms)
            for part in assigned:
                self._consumer.seek(part, starts[part])
            yield from self._records(ends if until_end else None)

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
        return int(self._consumer.position(part, timeout_ms=self._timeout_ms) or 0)

    def _records(self, ends: dict[TopicPartition, int] | None) -> Iterator[Record]:
        pending = {} if ends is None else dict(ends)
        give_up = time.monotonic() + self._timeout_ms / 1000
        while True:
            # The position passes aborted records and transaction markers; a record's offset
            # would never reach an end made of those.
            pending = {part: end for part, end in pending.items() if self._position(part) < end}
            if ends is not None and not pending:
                return
            polled = self._consumer.poll(timeout_ms=_POLL_MS)
            if polled:
                give_up = time.monotonic() + self._timeout_ms / 1000
            elif ends is not None and time.monotonic() > give_up:
                part, end = min(pending.items())
                raise TransportError(
                    f"the end of {part.topic}/{part.partition}, offset {end}, is out of reach: "
                    f"no record came for {self._timeout_ms} ms",
                    operator_action=f"check the broker at {self._servers} and try again",
                )
            for part in sorted(polled):
                for record in polled[part]:
                    if ends is None or record.offset < ends[part]:
                        yield Record(
                            topic=record.topic,
                            partition=record.partition,
                            offset=record.offset,
                            key=record.key,
                            value=b"" if record.value is None else record.value,
                            headers=tuple(record.headers),
                            timestamp_ms=record.timestamp,
                        )
