"""A way to one Kafka broker on which chosen questions or answers are lost.

It stands between a client and the broker and reads Kafka's framing: each message has its length in
front, a question names its kind and a number, an answer repeats the number. Where an answer names
the broker's own port, the proxy's is put in its place, or the client would go round it.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from types import TracebackType
from typing import Final, Self

from deploy.local.ports import LOOPBACK

END_TRANSACTION: Final = 26
"""The kind of question that ends a transaction."""

_LENGTH: Final = struct.Struct(">i")
_QUESTION: Final = struct.Struct(">hhi")  # kind, version, number


class Lost(StrEnum):
    """Which half of an exchange never arrives."""

    QUESTION = "question"
    ANSWER = "answer"


class LosingProxy:
    """One broker behind a port of its own.

    Args:
        broker_port: Where the broker listens on the loopback interface.
    """

    def __init__(self, broker_port: int) -> None:
        self.lost = 0
        self._broker_port = broker_port
        self._losing: tuple[int, Lost] | None = None
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port = int(self._listener.getsockname()[1])
        self._sockets: list[socket.socket] = [self._listener]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name="losing-proxy", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    @contextmanager
    def losing(self, kind: int, lost: Lost) -> Iterator[None]:
        """Lose every question of a kind, or every answer to one; the connections stay."""
        self._losing = (kind, lost)
        try:
            yield
        finally:
            self._losing = None

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection((LOOPBACK, self._broker_port))
            except OSError:
                return
            self._sockets += [near, far]
            kinds: dict[int, int] = {}
            for source, sink, passed in (
                (near, far, lambda message, kinds=kinds: self._question(message, kinds)),
                (far, near, lambda message, kinds=kinds: self._answer(message, kinds)),
            ):
                threading.Thread(target=_pump, args=(source, sink, passed), daemon=True).start()

    def _question(self, message: bytes, kinds: dict[int, int]) -> bytes | None:
        kind, _, number = _QUESTION.unpack_from(message)
        kinds[number] = kind
        return self._unless_lost(message, kind, Lost.QUESTION)

    def _answer(self, message: bytes, kinds: dict[int, int]) -> bytes | None:
        kind = kinds.pop(_LENGTH.unpack_from(message)[0], None)
        host = LOOPBACK.encode()
        own, broker = host + _LENGTH.pack(self.port), host + _LENGTH.pack(self._broker_port)
        return self._unless_lost(message.replace(broker, own), kind, Lost.ANSWER)

    def _unless_lost(self, message: bytes, kind: int | None, half: Lost) -> bytes | None:
        if self._losing == (kind, half):
            self.lost += 1
            return None
        return message


def _pump(source: socket.socket, sink: socket.socket, passed: Callable[[bytes], bytes | None]) -> None:
    """Carry whole messages until either end goes; then both go."""
    with suppress(OSError), source.makefile("rb") as stream:
        while len(length := stream.read(_LENGTH.size)) == _LENGTH.size:
            message = passed(stream.read(*_LENGTH.unpack(length)))
            if message is not None:
                sink.sendall(_LENGTH.pack(len(message)) + message)
    for each in (source, sink):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
