"""A session of a feed against a websocket server on this machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from core.runtime.backoff import Backoff
from producers.feeds.base import END_OF_RECORDING, Codec, RawMessage
from producers.ingest.queue import GapMark, MessageQueue, Overflow
from producers.ingest.session import Session
from producers.ingest.watchdog import FeedWatchdog
from producers.metrics import ProducerCounters
from tests.support.feed_samples import alpaca_feed, trade, wire
from tests.support.vendor_server import VendorServer, vendor_server

DEADLINE_S = 20.0
NO_WATCH = FeedWatchdog([], 3_600)
END = (1000, END_OF_RECORDING)
MESSAGE = wire([trade()])


class Stage:
    """A session with its queue, and waits that take no time."""

    def __init__(
        self,
        url: str,
        *,
        watch: FeedWatchdog = NO_WATCH,
        recorded: bool = True,
        wall_ns: Callable[[], int] = time.time_ns,
        codec: Codec = Codec.JSON,
        **changes: Any,
    ) -> None:
        self.counters = ProducerCounters("alpaca")
        self.queue = MessageQueue(100_000, 3_600_000, Overflow.WAIT, self.counters)
        self.waits: list[float] = []
        self.session = Session(
            alpaca_feed(codec, url, **changes),
            self.queue,
            self.counters,
            backoff=Backoff(500, 30_000, 30_000, random=lambda: 0.5),
            watch=watch,
            recorded=recorded,
            wall_ns=wall_ns,
            sleep=self._sleep,
            watch_interval_s=0.01,
        )

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def run(self) -> None:
        await asyncio.wait_for(self.session.run(), DEADLINE_S)

    def items(self) -> list[RawMessage | GapMark]:
        return self.queue.take(10**9, 0) or []

    def kinds(self) -> list[str]:
        return ["gap" if isinstance(item, GapMark) else "message" for item in self.items()]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():  # noqa: ASYNC110 - anything may change it
                await asyncio.sleep(0.005)


@asynccontextmanager
async def stage(*scripts: Any, **options: Any) -> AsyncIterator[tuple[Stage, VendorServer]]:
    async with vendor_server(*scripts) as vendor:
        yield Stage(vendor.url, **options), vendor


@asynccontextmanager
async def running(subject: Stage) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(subject.session.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
