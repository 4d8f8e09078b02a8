"""Free ports on the loopback interface."""

from __future__ import annotations

import contextlib
import socket
import time

from core.model.errors import TransportError

LOOPBACK = "127.0.0.1"


def free_ports(count: int) -> tuple[int, ...]:
    """Return distinct ports that were free a moment ago.

    The kernel may give a port to another process before the caller binds it, so callers that start
    a server on it must be prepared to retry. A server that can bind port 0 should do that instead.

    Args:
        count: How many ports.

    Returns:
        `count` port numbers.
    """
    with contextlib.ExitStack() as held:
        ports = []
        for _ in range(count):
            listener = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            listener.bind((LOOPBACK, 0))
            ports.append(int(listener.getsockname()[1]))
        return tuple(ports)


def answers(port: int) -> bool:
    """Return whether something accepts connections on a loopback port."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as client:
        client.settimeout(1.0)
        return client.connect_ex((LOOPBACK, port)) == 0


def wait_until_answering(port: int, *, timeout_s: float = 30.0) -> None:
    """Block until something accepts connections on a loopback port.

    Args:
        port: The port.
        timeout_s: Time limit, s.

    Raises:
        TransportError: Nothing answered in time.
    """
    deadline = time.monotonic() + timeout_s
    while not answers(port):
        if time.monotonic() >= deadline:
            raise TransportError(f"nothing answers on {LOOPBACK}:{port} after {timeout_s:g} s")
        time.sleep(0.02)
