"""What the name or the number of a host says by itself."""

from __future__ import annotations

from ipaddress import ip_address


def is_loopback(host: str | None) -> bool:
    """Say whether a host name or address is this machine, without asking a name server.

    Args:
        host: As in an address, without brackets; None for none.

    Example:
        >>> [is_loopback(host) for host in ("localhost", "127.0.0.2", "::1", "10.0.0.1", None)]
        [True, True, True, False, False]
    """
    if host == "localhost":
        return True
    try:
        return host is not None and ip_address(host).is_loopback
    except ValueError:
        return False
