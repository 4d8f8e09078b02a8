"""How producers read what is there before they add to it."""

from __future__ import annotations

from typing import Final

import structlog

from core.kafka.topic_reader import TopicReader
from core.model.settings import KafkaSettings

_POLL_MAX_RECORDS: Final = 5_000


def log_reader(settings: KafkaSettings) -> TopicReader:
    """Make a reader that waits for a broker for as long as a command that ends by itself does.

    Args:
        settings: Kafka settings.

    Raises:
        ConfigurationError: An address that is not `host:port`, or a file of the security.
        TransportError: No broker answers.
    """
    return TopicReader(
        settings,
        patience_ms=settings.patience_ms,
        poll_max_records=_POLL_MAX_RECORDS,
        tell=structlog.get_logger().warning,
    )
