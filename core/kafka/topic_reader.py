"""Reads whole topics without a consumer group; not for workers.

Partitions are assigned directly and no offset is ever committed, so reading has no effect on others. Only
committed records are seen. Order holds within a partition, not across partitions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Final, Self

from kafka import TopicPartition

from core.kafka.kafka_python import record_of
from core.kafka.missing_topics import no_such_topic
from core.kafka.partition_reader import PartitionReader
from core.kafka.records import Record
from core.model.errors import ConfigurationError
from core.model.settings import KafkaSettings

_POLL_MS: Final = 200


class TopicReader:
    """A reader of existing topics, which resumes at its position after an outage of the broker.

    Args:
        settings: How to reach Kafka.
        follow: Whether to wait for a broker that has gone away as long as it takes.
        patience_ms: Else how long to wait for it; None: as long as any question may take.
        poll_max_records: Records that a poll returns; None: as many as the client does by default.
        tell: Takes a line at the beginning and at the end of an outage.

    Raises:
        ConfigurationError: An address that is not `host:port`.
        TransportError: No broker answers.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        *,
        follow: bool = False,
        patience_ms: int | None = None,
        poll_max_records: int | None = None,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        # A worker must stop at records that were deleted before it read them; this reader goes on.
        self._reader = PartitionReader(
            settings,
            properties={"auto_offset_reset": "earliest"}
            | ({} if poll_max_records is None else {"max_poll_records": poll_max_records}),
            patience_ms=None if follow else patience_ms or settings.request_timeout_ms,
            tell=tell,
        )
        self._settings = settings
        self._assigned: list[TopicPartition] = []
        self._begins: dict[TopicPartition, int] = {}

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
        self._reader.close()

    @property
    def away(self) -> bool:
        """Whether a broker that has gone away is being waited for."""
        return self._reader.away

    def existing(self, topics: Sequence[str]) -> tuple[str, ...]:
        """Keep the topics that the broker has, in the given order.

        Raises:
            TransportError: The broker does not answer, or this user may not see one of them.
        """
        return self._reader.existing(topics)

    def partitions(self, topic: str) -> list[int]:
        """Give the partitions of a topic.

        Raises:
            TransportError: It is not there, or the broker does not answer.
        """
        found = self._reader.partitions(topic)
        if not found:
            raise no_such_topic(topic, self._settings, retriable=True)
        return found

    def read(
        self,
        topics: Sequence[str],
        *,
        partitions: Sequence[int] = (),
        from_beginning: bool = True,
        until_end: bool = False,
        last: int | None = None,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> Iterator[Record]:
        """Read records as they come.

        Args:
            topics: Existing topics.
            partitions: Only these; all when empty.
            from_beginning: Start at the oldest record, else at what comes from now on.
            until_end: Stop at the end as it is at the call, else go on until closed.
            last: Start at most so many offsets before the end.
            on_progress: With `until_end`: called with the number of offsets read, and their total.

        Yields:
            Committed records, in order within each partition.

        Raises:
            ConfigurationError: A partition that does not exist.
            TransportError: The broker is away for longer than it is waited for.
        """
        self.start(topics, partitions=partitions, from_beginning=from_beginning, last=last)
        if until_end:
            yield from self.rest(on_progress)
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
        assigned = self._parts(topics, partitions)
        places = self._reader.begins(assigned)
        if last is not None or not from_beginning:
            ends = self._reader.ends(assigned)
            places = {part: max(places[part], end - (last or 0)) for part, end in ends.items()}
        self._assigned, self._begins = assigned, dict(places)
        self._reader.place(places)

    def poll(self, timeout_ms: int = _POLL_MS) -> list[Record]:
        """Give what has come since the last call, waiting at most so long for something to come.

        While the broker is away a call may take some seconds, and gives nothing.

        Raises:
            TransportError: The broker is away for longer than it is waited for.
        """
        polled = self._reader.poll(timeout_ms)
        return [record_of(record) for part in sorted(polled) for record in polled[part]]

    def rest(self, on_progress: Callable[[int, int], None] = lambda done, total: None) -> Iterator[Record]:
        """Read on to the end as it is at the call.

        Args:
            on_progress: Called with the number of offsets read since the start, and their total.

        Raises:
            TransportError: As of `poll`, or the end cannot be reached.
        """
        ends = self._reader.ends(self._assigned)
        begun = sum(self._begins.values())
        total = sum(ends.values()) - begun
        for records in self._reader.rest(ends, _POLL_MS):
            yield from map(record_of, records)
            behind = sum(self._reader.position(part) for part in self._assigned) - begun
            on_progress(min(total, behind), total)

    def _parts(self, topics: Sequence[str], partitions: Sequence[int]) -> list[TopicPartition]:
        parts = []
        for topic in topics:
            present = self._reader.partitions(topic)
            missing = sorted(set(partitions) - set(present))
            if missing:
                raise ConfigurationError(
                    f"topic {topic} has partitions 0 to {len(present) - 1}, not {missing[0]}",
                    operator_action="leave --partition out to read them all",
                )
            parts += [TopicPartition(topic, part) for part in partitions or present]
        return parts
