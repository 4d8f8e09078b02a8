"""Reads and writes sets of artefacts in their topic."""

from __future__ import annotations

from typing import Final

from core.events.artefact_records import PublishedSets, collect_sets, set_records
from core.events.artefact_set import ArtefactSet
from core.kafka.missing_topics import no_such_topic
from core.kafka.one_shot import send_all
from core.kafka.records import Headers, OutgoingRecord
from core.kafka.topic_reader import TopicReader
from core.model.errors import TransportError
from core.model.settings import KafkaSettings
from core.model.topics import ARTEFACTS_TOPIC

_PARTITION: Final = 0
_CHUNK_HEADERS: Final[Headers] = (("content-type", b"application/vnd.rotascope.artefacts-chunk"),)
_MANIFEST_HEADERS: Final[Headers] = (("content-type", b"application/json"),)


class ArtefactTopic:
    """Reads the whole topic, over a connection of its own each time: years may pass between two reads.

    Args:
        settings: How to reach Kafka, and how long a silent broker is waited for (`request_timeout_ms`).
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._reader: TopicReader | None = None
        self._closed = False

    def read(self) -> PublishedSets:
        """Return all sets; none if the topic does not exist, as on a cluster of an earlier release.

        Raises:
            TransportError: The broker does not answer, or the topic was closed.
        """
        self._require_open()
        with TopicReader(self._settings) as reader:
            self._reader = reader
            self._require_open()  # `close` may have been called meanwhile.
            if not reader.existing([ARTEFACTS_TOPIC]):
                return PublishedSets({}, ())
            records = reader.read([ARTEFACTS_TOPIC], until_end=True)
            return collect_sets((record.key, record.value) for record in records)

    def close(self) -> None:
        """Close the connection, from any thread; a read in progress fails, and no new one starts."""
        self._closed = True
        if self._reader is not None:
            self._reader.close()

    def _require_open(self) -> None:
        if self._closed:
            raise TransportError("artefacts are no longer read: the program is shutting down")


def published_sets(settings: KafkaSettings) -> PublishedSets:
    """Read the topic once, for a command.

    Raises:
        TransportError: The broker does not answer, or there is no such topic.
    """
    with TopicReader(settings, patience_ms=settings.patience_ms) as reader:
        if not reader.existing([ARTEFACTS_TOPIC]):
            raise no_such_topic(ARTEFACTS_TOPIC, settings)
        records = reader.read([ARTEFACTS_TOPIC], until_end=True)
        return collect_sets((record.key, record.value) for record in records)


def publish_set(settings: KafkaSettings, one: ArtefactSet) -> bool:
    """Publish a set, unless it is there and complete.

    Args:
        settings: How to reach Kafka.
        one: The set.

    Returns:
        Whether it was written.

    Raises:
        TransportError: The topic is missing, or the broker does not acknowledge a record.
    """
    if one.mark in published_sets(settings).by_mark:
        return False
    *chunks, manifest = (
        OutgoingRecord(ARTEFACTS_TOPIC, record.key, record.value, _CHUNK_HEADERS, _PARTITION)
        for record in set_records(one)
    )
    send_all(settings, chunks)
    # Last, and only when all chunks are there: a reader takes no set without its manifest.
    send_all(settings, [manifest._replace(headers=_MANIFEST_HEADERS)])
    return True
