"""The snapshots topic as a worker reads it back."""

from __future__ import annotations

from collections.abc import Iterator

from core.kafka.records import Record
from core.kafka.topic_reader import TopicReader
from core.model.errors import ConfigurationError, TransportError
from core.model.settings import KafkaSettings


class TopicSnapshotLog:
    """Reads partitions of the snapshots topic, over a connection that is made when first needed.

    After a failure it is made anew.

    Args:
        settings: How to reach Kafka.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._reader: TopicReader | None = None
        self._closed = False

    def read(self, partition: int, *, last: int | None = None) -> Iterator[Record]:
        """Committed records to the end as it is at the call, oldest first.

        Args:
            partition: Which.
            last: Only what stands at the last so many offsets; everything by default.

        Raises:
            ConfigurationError: There is no such topic.
            TransportError: The broker does not answer.
        """
        topic = self._settings.snapshots_topic
        self._require_open()
        try:
            yield from self._connected(topic).read([topic], partitions=[partition], until_end=True, last=last)
        except TransportError:
            # Nobody polls this client between two restores, so it may hold on to a broker that went in
            # the meantime, and go on failing: the next try begins with a new one.
            self._disconnect()
            raise

    def close(self) -> None:
        """Close the connection, where there is one; a read that is under way fails, and none begins."""
        self._closed = True
        self._disconnect()

    def _require_open(self) -> None:
        if self._closed:
            raise TransportError("no more snapshots are read: the worker ends")

    def _disconnect(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def _connected(self, topic: str) -> TopicReader:
        if self._reader is None:
            reader = TopicReader(self._settings)
            self._reader = reader
            if self._closed:  # meanwhile
                self._disconnect()
                self._require_open()
            if not reader.existing([topic]):
                raise ConfigurationError(
                    f"there is no topic {topic}", operator_action="run 'rotascope topics apply'"
                )
        return self._reader
