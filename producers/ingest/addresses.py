"""Addresses of feeds: what may be printed of one, and whether a secret may be sent to it."""

from __future__ import annotations

from urllib.parse import urlsplit

from core.model.addresses import is_loopback
from core.model.errors import ConfigurationError


def printable(url: str) -> str:
    """Give an address without user, password, query and fragment, which may hold secrets.

    Example:
        >>> printable("wss://me:pass@host:8443/v2/sip?token=abc")
        'wss://host:8443/v2/sip'
        >>> printable("wss://me:se?cret@host/")
        'wss://'
    """
    plain = url.partition("#")[0].partition("?")[0]
    scheme, separator, rest = plain.rpartition("://")
    if "/" not in rest and "@" in url[len(plain) :]:  # a password with a "?" or "#" in it, cut in two
        return f"{scheme}{separator}"
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def holds_credentials(url: str) -> bool:
    """Say whether an address has a part that `printable` leaves out."""
    return printable(url) != url


def in_clear(url: str) -> bool:
    """Say whether what is sent to a feed's address can be read on a network.

    Args:
        url: Address of a websocket.

    Returns:
        True for `ws://` to another host than this machine.

    Raises:
        ConfigurationError: No address of a websocket.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"ws", "wss"} and bool(parts.hostname) and parts.port != 0
        exposed = parts.scheme == "ws" and not is_loopback(parts.hostname)
    except ValueError:  # a bracket without its other one, a port that is no number
        usable = exposed = False
    if not usable:
        raise ConfigurationError(
            f"{printable(url)!r} is no websocket address",
            operator_action="write wss://host/path, or ws://127.0.0.1:port/path for this machine",
        )
    return exposed


def refuse_in_clear(url: str, *, insecure: bool) -> bool:
    """Refuse an address to which a secret would be sent unencrypted.

    Args:
        url: Address of a websocket.
        insecure: The operator allows it.

    Returns:
        True where a secret will be sent unencrypted, because the operator allows it.

    Raises:
        ConfigurationError: It would be sent unencrypted, and nobody allows it; or no websocket address.
    """
    exposed = in_clear(url)
    if exposed and not insecure:
        raise ConfigurationError(
            f"{printable(url)} is not encrypted: the API secret would be readable on the network",
            operator_action="use wss://, or set alpaca.insecure = true if the network is trusted",
        )
    return exposed
