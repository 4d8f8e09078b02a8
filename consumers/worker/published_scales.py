"""Checks the universe against the topic of instruments before the first engine."""

from __future__ import annotations

from consumers.transport.topic_reader import TopicReader
from core.model.instruments import Universe
from core.model.published_scales import INSTRUMENTS_TOPIC, require_same_scales
from core.model.settings import KafkaSettings


class PublishedScales:
    """Compares a universe with the scales in the log, once; retried while the broker is unreachable.

    Args:
        settings: Kafka settings.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._checked = False

    def __call__(self, universe: Universe) -> None:
        """Check once.

        Args:
            universe: Universe of the engines.

        Raises:
            UniverseError: An instrument's scale differs from the one in the log.
            TransportError: The broker does not answer.
        """
        if self._checked:
            return
        with TopicReader(self._settings) as reader:
            if reader.existing([INSTRUMENTS_TOPIC]):
                records = reader.read([INSTRUMENTS_TOPIC], until_end=True)
                require_same_scales(universe, ((record.key, record.value) for record in records))
        self._checked = True
