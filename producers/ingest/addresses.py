"""Feed URLs: redacts them for output and decides whether a secret may be sent to them."""

from __future__ import annotations

from urllib.parse import urlsplit

from core.model.addresses import is_loopback
from core.model.errors import ConfigurationError


def printable(url: str) -> str:
    """Return a URL without user, password, query and fragment, which may contain secrets.

    Example:
        >>> printable("wss://me:pass@host:8443/v2/sip?token=abc")
        'wss://host:8443/v2/sip'
        >>> printable("wss://me:se?cret@host/")
        'wss://'
    """
    plain = url.partition("#")[0].partition("?")[0]
    scheme, separator, rest = plain.rpartition("://")
    if "/" not in rest and "@" in url[len(plain) :]:  # a password with "?" or "#" in it is split
        return f"{scheme}{separator}"
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def holds_credentials(url: str) -> bool:
    """Return whether a URL has a part that `printable` removes."""
    return printable(url) != url


def in_clear(url: str) -> bool:
    """Return whether traffic to a feed's URL is unencrypted on the network.

    Args:
        url: Websocket URL.

    Returns:
        True for `ws://` to any host but this machine.

    Raises:
        ConfigurationError: The text is not a websocket URL.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"ws", "wss"} and bool(parts.hostname) and parts.port != 0
        exposed = parts.scheme == "ws" and not is_loopback(parts.hostname)
    except ValueError:  # an unmatched bracket, or a port that is not a number
        usable = exposed = False
    if not usable:
        raise ConfigurationError(
            f"{printable(url)!r} is not a websocket URL",
            operator_action=f"write {_websocket_form(url)}",
        )
    return exposed


def refuse_in_clear(url: str, section: str, *, insecure: bool) -> bool:
    """Refuse a URL to which a secret would be sent unencrypted.

    Args:
        url: Websocket URL.
        section: The feed's section of the settings.
        insecure: The operator allows it.

    Returns:
        True if a secret will be sent unencrypted because the operator allows it.

    Raises:
        ConfigurationError: It would be sent unencrypted without permission, or the text is not a websocket
            URL.
    """
    exposed = in_clear(url)
    if exposed and not insecure:
        raise ConfigurationError(
            f"{printable(url)} is not encrypted: the API secret would be readable on the network",
            operator_action=f"use wss://, or set {section}.insecure = true if the network is trusted",
        )
    return exposed


def _websocket_form(url: str) -> str:
    """Say what to write in place of a URL: with another scheme, if only that is wrong."""
    scheme, separator, rest = printable(url).partition("://")
    websocket = {"http": "ws", "https": "wss"}.get(scheme.lower())
    if websocket and separator and rest:
        return f"{websocket}://{rest}"
    return "wss://host/path, or ws://127.0.0.1:port/path for this machine"
