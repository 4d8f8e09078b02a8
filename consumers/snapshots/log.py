"""Reads the snapshots topic."""

from __future__ import annotations

from collections.abc import Iterator

from core.kafka.records import Record
from core.kafka.topic_reader import TopicReader
from core.model.errors import ConfigurationError, TransportError
from core.model.settings import KafkaSettings


class TopicSnapshotLog:
    """Reads partitions of the snapshots topic, over a connection that is opened on demand.

    After a failure it is reopened.

    Args:
        settings: Kafka settings.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._reader: TopicReader | None = None
        self._closed = False

    def read(self, partition: int, *, last: int | None = None) -> Iterator[Record]:
        """Yield committed records up to the end offset at the time of the call, oldest first.

        Args:
            partition: Partition number.
            last: Read only this many offsets at the end; everything by default.

        Raises:
            ConfigurationError: The topic does not exist.
            TransportError: The broker does not answer.
        """
        topic = self._settings.snapshots_topic
        self._require_open()
        try:
            yield from self._connected(topic).read([topic], partitions=[partition], until_end=True, last=last)
        except TransportError:
            # This client is idle between restores, so it may keep using a broker that has gone and keep
            # failing: the next attempt uses a new one.
            self._disconnect()
            raise

    def close(self) -> None:
        """Close the connection; a read in progress fails, and no new one starts."""
        self._closed = True
        self._disconnect()

    def _require_open(self) -> None:
        if self._closed:
            raise TransportError("snapshots are no longer read: the worker is shutting down")

    def _disconnect(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def _connected(self, topic: str) -> TopicReader:
        if self._reader is None:
            reader = TopicReader(self._settings)
            self._reader = reader
            if self._closed:  # closed meanwhile
                self._disconnect()
                self._require_open()
            if not reader.existing([topic]):
                raise ConfigurationError(
                    f"topic {topic} does not exist", operator_action="run 'rotascope topics apply'"
                )
        return self._reader
