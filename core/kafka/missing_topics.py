"""A topic that a broker does not show."""

from __future__ import annotations

from core.kafka.broker_errors import PRINTED_RIGHTS
from core.model.errors import TransportError
from core.model.settings import KafkaSettings


def no_such_topic(topic: str, settings: KafkaSettings, *, retriable: bool = False) -> TransportError:
    """Say that a topic is missing: the same after any number of tries, until somebody makes it.

    Args:
        topic: Its name.
        retriable: Whether another try may help all the same: somebody may be making it, or a broker that
            has just started may not have heard of it yet.
        settings: Of the client; a broker with an authorizer shows nobody what is none of his business.
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
