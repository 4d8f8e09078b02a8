"""A way to one port on which connections are counted; what passes is not looked at."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Final, Self

from tests.support.ports import LOOPBACK

_CHUNK: Final = 65_536


class CountingProxy:
    """Listens on a free loopback port until the context is left.

    A client that is let in hears of the broker's own port and goes there; one that is refused before it
    may ask anything comes back to this one, and each of its tries counts.

    Args:
        port: Where everything goes to.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server((LOOPBACK, 0))
        self._sockets = [self._listener]
        self.connections = 0
        """Accepted so far."""

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name="counting-proxy", daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    @property
    def servers(self) -> str:
        """Bootstrap servers that lead through it."""
        return f"{LOOPBACK}:{self._listener.getsockname()[1]}"

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection((LOOPBACK, self._target))
            except OSError:
                return
            self.connections += 1
            self._sockets += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=_pass_on, args=(source, sink), daemon=True).start()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(_CHUNK):
            sink.sendall(chunk)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
