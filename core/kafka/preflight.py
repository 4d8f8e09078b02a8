"""Checks of the Kafka settings before anything connects."""

from __future__ import annotations

from collections.abc import Callable

from core.kafka.client_properties import require_known
from core.kafka.security import require_usable, warnings_of
from core.model.settings import KafkaSettings


def preflight(settings: KafkaSettings, warn: Callable[[str], object]) -> None:
    """Refuse what no client could use, and say what is not as safe as it looks; once a program.

    Args:
        settings: Of the section `kafka`.
        warn: Takes each warning, a line.

    Raises:
        ConfigurationError: A file of the security, or a property of the client, cannot be used.
    """
    require_known(settings)
    require_usable(settings)
    for warning in warnings_of(settings):
        warn(warning)
