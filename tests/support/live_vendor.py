"""A vendor that sends trades as they happen, from a thread of the test: what a live producer reads."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from tests.support.feed_samples import trade, wire
from tests.support.vendor_server import log_in, vendor_server

EVERY_S = 0.01


class LiveVendor:
    """Sends a batch of trades every 10 ms to each connection, stamped with the wall clock.

    Args:
        symbols: Each batch has one trade of each, in this order; ids count up from 1.
    """

    def __init__(self, symbols: tuple[str, ...]) -> None:
        self._symbols = symbols
        self._stop = threading.Event()
        self._ready = threading.Event()
        self.muted = threading.Event()
        """While set it keeps its connections and sends nothing."""
        self.url = ""

    @contextmanager
    def running(self) -> Iterator[LiveVendor]:
        """Serve in a thread of its own."""
        thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        thread.start()
        assert self._ready.wait(10)
        try:
            yield self
        finally:
            self._stop.set()
            thread.join(10)

    async def _serve(self) -> None:
        async with vendor_server(self._stream) as vendor:
            self.url = vendor.url
            self._ready.set()
            while not self._stop.is_set():  # noqa: ASYNC110 - another thread sets it
                await asyncio.sleep(0.05)

    async def _stream(self, connection: ServerConnection) -> None:
        try:
            await log_in(connection)
            ids = count(1)
            while not self._stop.is_set():
                batch = [trade(time.time_ns(), S=symbol, i=next(ids)) for symbol in self._symbols]
                if not self.muted.is_set():
                    await connection.send(wire(batch).decode())
                await asyncio.sleep(EVERY_S)
        except ConnectionClosed:
            return
