"""Reads topics to their end, for producers that must know the existing records before they add to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Final, Self

import structlog
from kafka import TopicPartition

from core.kafka.partition_reader import PartitionReader
from core.model.errors import TransportError
from core.model.settings import KafkaSettings

_POLL_MS: Final = 200


class LogReader:
    """Reads whole partitions, committed records only, without a consumer group.

    Args:
        settings: Kafka settings.

    Raises:
        TransportError: No broker answers.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        configuration = {
            "bootstrap_servers": settings.bootstrap_servers.split(","),
            "api_version": settings.api_version,
            "request_timeout_ms": settings.request_timeout_ms,
            "isolation_level": "read_committed",
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            "allow_auto_create_topics": False,
            "max_poll_records": 5_000,
            "reconnect_backoff_max_ms": 1_000,
        }
        self._reader = PartitionReader(
            configuration,
            bootstrap_timeout_ms=settings.bootstrap_timeout_ms,
            request_timeout_ms=settings.request_timeout_ms,
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
        """Return the partitions of a topic, empty if it does not exist.

        Raises:
            TransportError: The broker does not say.
        """
        return self._reader.partitions(topic)

    def partitions(self, topic: str) -> list[int]:
        """Return the partitions of a topic.

        Raises:
            TransportError: It does not exist, or the broker does not answer.
        """
        found = self.existing(topic)
        if not found:
            raise TransportError(
                f"topic {topic} does not exist at {self._reader.servers}",
                operator_action="create the topics with 'rotascope topics apply'",
            )
        return found

    def read(
        self,
        topic: str,
        partitions: Sequence[int],
        on_progress: Callable[[int, int], None] = lambda done, total: None,
        *,
        last: int | None = None,
    ) -> Iterator[Any]:
        """Read from the oldest record up to the end offset at the time of the call.

        Args:
            topic: An existing topic.
            partitions: Partitions to read.
            on_progress: Called with the number of offsets read and the total.
            last: Read only this many offsets at the end of each partition; everything by default.

        Yields:
            kafka-python records, in order within each partition.

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
            read = sum(self._reader.position(part) for part in parts) - sum(begins.values())
            on_progress(min(total, read), total)
