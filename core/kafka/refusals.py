"""Errors of refused access: wrong credentials, untrusted certificates, missing rights."""

from __future__ import annotations

from collections.abc import Iterable

from core.kafka.broker_errors import CREDENTIALS, PRINTED_RIGHTS
from core.model.errors import AccessRefusedError, TransportError


def access_refused(message: str, operator_action: str) -> AccessRefusedError:
    """Make the error of a connection that will be refused until a setting, a file or the cluster changes.

    Args:
        message: Who refuses whom, and where; without any secret.
        operator_action: What a person can do about it.
    """
    return AccessRefusedError(message, operator_action=operator_action)


def credentials_refused(where: str, said: str) -> AccessRefusedError:
    """Make the error of a broker that does not accept the client's credentials.

    Args:
        where: host:port of the broker, or the bootstrap servers.
        said: Text of the broker or the client.
    """
    return access_refused(
        f"the broker at {where} refuses the credentials of this client: {said}", CREDENTIALS
    )


def write_refused(topics: Iterable[str], said: str) -> TransportError:
    """Make the error of a broker that does not let this user write to a topic.

    Args:
        topics: Those that it refuses.
        said: Text of the client.
    """
    names = ", ".join(sorted(topics))
    refused = TransportError(
        f"this user may not write to {names}: {said}",
        operator_action=f"grant this user Write on {names}: {PRINTED_RIGHTS}",
    )
    refused.retriable = False
    return refused
