"""Reads topics to their end, for producers that must know what is there before they add to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Final, Self

import structlog
from kafka import TopicPartition

from core.kafka.missing_topics import no_such_topic
from core.kafka.partition_reader import PartitionReader
from core.model.settings import KafkaSettings

_POLL_MS: Final = 200


class LogReader:
    """Reads whole partitions, committed records only, without a group; it disturbs nobody.

    Args:
        settings: How to reach Kafka.

    Raises:
        TransportError: No broker answers.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._reader = PartitionReader(
            settings,
            words={"auto_offset_reset": "earliest", "max_poll_records": 5_000},
            patience_ms=settings.patience_ms,
            tell=structlog.get_logger().warning,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._reader.close()

    def existing(self, topic: str) -> list[int]:
        """Give the partitions of a topic, none where it is not there.

        Raises:
            TransportError: The broker does not say.
        """
        return self._reader.partitions(topic)

    def partitions(self, topic: str) -> list[int]:
        """Give the partitions of a topic.

        Raises:
            TransportError: It is not there, or the broker does not say.
        """
        found = self.existing(topic)
        if not found:
            raise no_such_topic(topic, self._settings, retriable=True)
        return found

    def read(
        self,
        topic: str,
        partitions: Sequence[int],
        on_progress: Callable[[int, int], None] = lambda done, total: None,
        *,
        last: int | None = None,
    ) -> Iterator[Any]:
        """Read from the oldest record to the end as it is at the call.

        Args:
            topic: An existing topic.
            partitions: Which of it.
            on_progress: Told how many offsets are behind us, and of how many.
            last: Only what stands at the last so many offsets of each partition; everything by default.

        Yields:
            kafka-python's records, in order within each partition.

        Raises:
            TransportError: The broker stops answering.
        """
        parts = [TopicPartition(topic, partition) for partition in partitions]
        begins, ends = self._reader.begins(parts), self._reader.ends(parts)
        if last is not None:
            begins = {part: max(begins[part], ends[part] - last) for part in parts}
        self._reader.place(begins)
        total = sum(ends.values()) - sum(begins.values())
        for records in self._reader.rest(ends, _POLL_MS):
            yield from records
            behind = sum(self._reader.position(part) for part in parts) - sum(begins.values())
            on_progress(min(total, behind), total)
