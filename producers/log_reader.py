"""Reads topics to their end, for producers that must know what is there before they add to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Self

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from core.errors import TransportError
from core.settings import KafkaSettings

_POLL_MS: Final = 200


class LogReader:
    """Reads whole partitions, committed records only, without a group; it disturbs nobody.

    Args:
        settings: How to reach Kafka.

    Raises:
        TransportError: No broker answers.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._servers = settings.bootstrap_servers
        self._timeout_ms = settings.request_timeout_ms
        with self._translated("connect to the broker"):
            self._consumer = KafkaConsumer(
                bootstrap_servers=settings.bootstrap_servers.split(","),
                api_version=settings.api_version,
                bootstrap_timeout_ms=settings.bootstrap_timeout_ms,
                request_timeout_ms=settings.request_timeout_ms,
                isolation_level="read_committed",
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                allow_auto_create_topics=False,
                max_poll_records=5_000,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._consumer.close(autocommit=False, timeout_ms=self._timeout_ms)

    def existing(self, topic: str) -> list[int]:
        """Give the partitions of a topic, none where it is not there.

        Raises:
            TransportError: The broker does not say.
        """
        with self._translated(f"look at {topic}"):
            return sorted(self._consumer.partitions_for_topic(topic) or ())

    def partitions(self, topic: str) -> list[int]:
        """Give the partitions of a topic.

        Raises:
            TransportError: It is not there, or the broker does not say.
        """
        found = self.existing(topic)
        if not found:
            raise TransportError(
                f"topic {topic} is not on {self._servers}",
                operator_action="create the topics with 'rotascope topics apply'",
            )
        return found

    def read(
        self,
        topic: str,
        partitions: Sequence[int],
        on_progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> Iterator[Any]:
        """Read from the oldest record to the end as it is at the call.

        Args:
            topic: An existing topic.
            partitions: Which of it.
            on_progress: Told how many offsets are behind us, and of how many.

        Yields:
            kafka-python's records, in order within each partition.

        Raises:
            TransportError: The broker stops answering.
        """
        parts = [TopicPartition(topic, partition) for partition in partitions]
        with self._translated(f"read {topic}"):
            self._consumer.assign(parts)
            begins = self._consumer.beginning_offsets(parts, timeout_ms=self._timeout_ms)
            ends = self._consumer.end_offsets(parts, timeout_ms=self._timeout_ms)
            for part in parts:
                self._consumer.seek(part, begins[part])
        total = sum(ends.values()) - sum(begins.values())
        give_up = time.monotonic() + self._timeout_ms / 1000
        while True:
            with self._translated(f"read {topic}"):
                # The position passes transaction markers and what compaction removed; records do not.
                places = {part: int(self._consumer.position(part) or 0) for part in parts}
                if all(places[part] >= ends[part] for part in parts):
                    return
                polled = self._consumer.poll(timeout_ms=_POLL_MS)
            if polled:
                give_up = time.monotonic() + self._timeout_ms / 1000
            elif time.monotonic() > give_up:
                raise TransportError(f"the end of {topic} is out of reach: nothing came for a while")
            for part, records in sorted(polled.items()):
                yield from (record for record in records if record.offset < ends[part])
            on_progress(min(total, sum(places.values()) - sum(begins.values())), total)

    @contextmanager
    def _translated(self, doing: str) -> Iterator[None]:
        try:
            yield
        except KafkaError as error:
            raise TransportError(
                f"cannot {doing} at {self._servers}: {error!r}",
                operator_action="check that the broker runs and that the bootstrap servers can be reached",
            ) from error
