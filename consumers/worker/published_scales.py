"""Checks the universe against the topic of instruments before the first engine."""

from __future__ import annotations

from core.kafka.topic_reader import TopicReader
from core.model.errors import TransportError
from core.model.instruments import Universe
from core.model.published_scales import require_same_scales
from core.model.settings import KafkaSettings
from core.model.topics import INSTRUMENTS_TOPIC


class PublishedScales:
    """Compares a universe with the scales in the log, once; retried while the broker is unreachable.

    Args:
        settings: Kafka settings.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._checked = False
        self._closed = False
        self._reader: TopicReader | None = None

    def __call__(self, universe: Universe) -> None:
        """Check once.

        Args:
            universe: Universe of the engines.

        Raises:
            UniverseError: An instrument's scale differs from the one in the log.
            TransportError: The broker does not answer, or the worker is shutting down.
        """
        if self._checked:
            return
        self._require_open()
        with TopicReader(self._settings) as reader:
            self._reader = reader
            self._require_open()  # `close` may have been called meanwhile.
            if reader.existing([INSTRUMENTS_TOPIC]):
                records = reader.read([INSTRUMENTS_TOPIC], until_end=True)
                require_same_scales(universe, ((record.key, record.value) for record in records))
        self._checked = True

    def close(self) -> None:
        """Close the connection, from any thread; a check in progress fails, and no new one starts."""
        self._closed = True
        if self._reader is not None:
            self._reader.close()

    def _require_open(self) -> None:
        if self._closed:
            raise TransportError("scales are no longer read: the worker is shutting down")
