"""A topic that a broker does not show."""

from __future__ import annotations

from core.kafka.broker_errors import PRINTED_RIGHTS
from core.model.errors import TransportError
from core.model.settings import KafkaSettings


def no_such_topic(topic: str, settings: KafkaSettings, *, retriable: bool = False) -> TransportError:
    """Make the error of a missing topic.

    Args:
        topic: Its name.
        retriable: Whether a retry may help: the topic may be about to be created, or a broker that has
            just started may not know it yet.
        settings: Of the client; a broker with an authorizer hides topics that a user may not describe.
    """
    where = settings.bootstrap_servers
    if settings.security.protocol == "PLAINTEXT":
        missing = TransportError(
            f"topic {topic!r} does not exist on {where}",
            operator_action="create the topics with 'rotascope topics apply', or check the address",
        )
    else:
        missing = TransportError(
            f"topic {topic!r} does not exist on {where}, or this user may not describe it",
            operator_action="create the topics with 'rotascope topics apply', or grant this user its rights "
            f"on the topic: {PRINTED_RIGHTS}",
        )
    missing.retriable = retriable
    return missing
