"""A worker's way to the brokers, which can lose what goes along it.

Each worker has its own port to each broker. Bytes pass unchanged until a line is made deaf (what
the worker says is lost) or mute (what the broker answers is lost); before a line is whole again its
connections are cut, since a stream with a hole in it is of no use to either end.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from enum import StrEnum
from typing import Any, Self, TypeVar

from deploy.local.ports import LOOPBACK

T = TypeVar("T")
_CHUNK_BYTES = 64 * 1024
_ANSWER_S = 10.0


class Condition(StrEnum):
    """What a line does with bytes."""

    WHOLE = "whole"
    DEAF = "deaf"
    MUTE = "mute"


class Line:
    """One worker's connections to one broker.

    Args:
        broker_port: Where the broker listens.
    """

    def __init__(self, broker_port: int) -> None:
        self.broker_port = broker_port
        self.port = 0
        self.condition = Condition.WHOLE
        self._ends: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._place: socket.socket | None = None

    def take_place(self) -> None:
        """Have a port, the same one as before: until it listens, a connection to it is refused."""
        self._place = socket.socket()
        self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._place.bind((LOOPBACK, self.port))
        self.port = self._place.getsockname()[1]

    async def listen(self) -> None:
        """Let connections in."""
        if self._server is None:
            self._server = await asyncio.start_server(self._connected, sock=self._place)

    async def refuse(self) -> None:
        """Break every connection and refuse new ones, as the port of a broker that is gone does."""
        if self._server is not None:
            self._server.close()
            self._server = None
            self.take_place()
        for writer in tuple(self._ends):
            writer.transport.abort()

    def mend(self) -> None:
        """Break every connection and let the next ones pass, with none between: on the loop's thread."""
        for writer in tuple(self._ends):
            writer.transport.abort()
        self.condition = Condition.WHOLE

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(LOOPBACK, self.broker_port)
        except OSError:
            writer.transport.abort()
            return
        self._ends |= {writer, far_writer}
        await asyncio.gather(
            self._pump(reader, far_writer, lost_when=Condition.DEAF),
            self._pump(far_reader, writer, lost_when=Condition.MUTE),
        )
        self._ends -= {writer, far_writer}

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, lost_when: Condition
    ) -> None:
        with suppress(OSError):
            while chunk := await reader.read(_CHUNK_BYTES):
                if self.condition is not lost_when:
                    writer.write(chunk)
                    await writer.drain()
        with suppress(OSError):
            writer.close()


class Lines:
    """All lines of one worker.

    Args:
        lines: By port of the broker.
        loop: Where they live.
    """

    def __init__(self, lines: Mapping[int, Line], loop: asyncio.AbstractEventLoop) -> None:
        self._lines = lines
        self._loop = loop

    @property
    def detours(self) -> list[str]:
        """`PORT:PORT` for the launcher."""
        return [f"{usual}:{line.port}" for usual, line in self._lines.items()]

    @contextmanager
    def losing(self, condition: Condition, ports: Sequence[int] | None = None) -> Iterator[None]:
        """Lose bytes in one direction, then cut the connections and be whole again.

        Args:
            condition: Which direction.
            ports: Of the brokers concerned; None: of all.
        """
        chosen = [line for port, line in self._lines.items() if ports is None or port in ports]
        for line in chosen:
            line.condition = condition
        try:
            yield
        finally:
            mended = threading.Event()

            def mend() -> None:
                for line in chosen:
                    line.mend()
                mended.set()

            self._loop.call_soon_threadsafe(mend)
            assert mended.wait(_ANSWER_S), "the proxies' loop does not turn"


class Proxies:
    """The thread in which all lines live."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxies", daemon=True)
        self._lines: list[Line] = []
        self._refusing = False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if not self._thread.is_alive():  # left before
            return
        self._call(_end_others())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_ANSWER_S)

    def lines_to(self, broker_ports: Sequence[int]) -> Lines:
        """Give a worker its way to the brokers."""
        lines = {port: Line(port) for port in broker_ports}
        for line in lines.values():
            line.take_place()
            if not self._refusing:
                self._call(line.listen())
        self._lines += lines.values()
        return Lines(lines, self._loop)

    def refuse(self) -> None:
        """Let every port be closed, those of lines to come included, until `accept`."""
        self._refusing = True
        for line in self._lines:
            self._call(line.refuse())

    def accept(self) -> None:
        """Let every port be open."""
        self._refusing = False
        for line in self._lines:
            self._call(line.listen())

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_ANSWER_S)


async def _end_others() -> None:
    """End every connection's task, and wait for it."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
