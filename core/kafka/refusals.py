"""What a broker or a client refuses for good: wrong credentials, untrusted certificates, missing rights."""

from __future__ import annotations

from core.kafka.broker_errors import CREDENTIALS
from core.model.errors import AccessRefusedError


def access_refused(message: str, operator_action: str) -> AccessRefusedError:
    """Make the error of a connection that will be refused until somebody changes something.

    Args:
        message: Who refuses whom, and where; without any secret.
        operator_action: What a person can do about it.
    """
    return AccessRefusedError(message, operator_action=operator_action)


def credentials_refused(where: str, said: str) -> AccessRefusedError:
    """Make the error of a broker that does not accept who we say we are.

    Args:
        where: host:port of the broker, or the bootstrap servers.
        said: The broker's or the client's own words.
    """
    return access_refused(
        f"the broker at {where} refuses the credentials of this client: {said}", CREDENTIALS
    )
