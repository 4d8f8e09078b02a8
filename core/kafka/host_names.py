"""Host names of brokers that cannot be resolved: the clients only report that nothing answers."""

from __future__ import annotations

import socket
from collections.abc import Iterable


def cannot_resolve(host: str | None) -> str:
    """Word the failure of a host name.

    Example:
        >>> cannot_resolve("kafka.internal")
        "the host name 'kafka.internal' cannot be resolved"
    """
    return f"the host name {host!r} cannot be resolved"


def unresolved(addresses: Iterable[tuple[str, int]]) -> str:
    """Look up the host of every address.

    Args:
        addresses: Host and port.

    Returns:
        What to add to a message, with a leading semicolon; "" if every name is known.

    Example:
        >>> unresolved([("127.0.0.1", 9092)])
        ''
    """
    unknown = []
    for host, port in addresses:
        try:
            socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError):
            unknown.append(host)
    return "".join(f"; {cannot_resolve(host)}" for host in dict.fromkeys(unknown))
