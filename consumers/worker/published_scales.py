"""The topic of instruments, as a worker reads it before its first engine."""

from __future__ import annotations

from core.kafka.topic_reader import TopicReader
from core.model.instruments import Universe
from core.model.published_scales import INSTRUMENTS_TOPIC, require_same_scales
from core.model.settings import KafkaSettings


class PublishedScales:
    """Holds a universe against the scales in the log, once; a broker that is away is asked again.

    Args:
        settings: How to reach Kafka.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._checked = False

    def __call__(self, universe: Universe) -> None:
        """Check, unless that has been done.

        Args:
            universe: What the engines are made of.

        Raises:
            UniverseError: An instrument has another scale in the log.
            TransportError: The broker does not answer.
        """
        if self._checked:
            return
        with TopicReader(self._settings) as reader:
            if reader.existing([INSTRUMENTS_TOPIC]):
                records = reader.read([INSTRUMENTS_TOPIC], until_end=True)
                require_same_scales(universe, ((record.key, record.value) for record in records))
        self._checked = True
