"""One producer, put together and run: the session in the event loop, the pipeline in its thread.

How it ends, in order:

1. The session ends (end of a recording, a final refusal), the pipeline fails, or a stop is asked for.
2. The connection is closed cleanly, so that the vendor frees our place at once.
3. The queue is closed; the pipeline drains what is in it.
4. At the end of a recording the clock sends its last mark; the open frames are sent.
5. The broker acknowledges everything, or the producer fails.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import structlog

from core.model.errors import FeedError, TransportError
from core.model.instruments import Source, Universe
from core.model.records import GapCause
from core.model.sessions import Calendar
from core.model.settings import ProducerSettings
from core.runtime.backoff import Backoff
from producers.feeds.base import Feed
from producers.framing.framer import Framer
from producers.framing.outlet import Outlet
from producers.ingest.clock import ClockMode, FeedClock
from producers.ingest.dedup import Deduplicator
from producers.ingest.pipeline import Pipeline
from producers.ingest.queue import GapMark, MessageQueue, Overflow
from producers.ingest.session import Session
from producers.ingest.watchdog import SilenceWatch
from producers.metrics import ProducerCounters

RECORDED_SILENCE_S: Final = 600.0
"""A recording may be played with its pauses; this is longer than any it is played with."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a producer ended without an error.

    Args:
        end_of_recording: The server said that this was all; False after a stop.
    """

    end_of_recording: bool


class Producer:
    """A feed, from its websocket to Kafka.

    Args:
        feed: The vendor's language.
        source: What its ticks name.
        universe: Decides the partitions.
        calendars: Sessions of its instruments, by name.
        publisher: Sends frames; flushed at the end, closed by whoever made it.
        counters: What it counts.
        settings: Frames, queue, waits and clock.
        partitions: Number of partitions of the ticks topic.
        epoch: Generation of the source's lease: higher than that of any earlier run.
        flush_timeout_s: How long the broker may take for the last acknowledgements after a stop. At the
            end of a recording they are waited for as long as it takes.
        takes_over: Another producer of the source wrote to the log before this one.
    """

    def __init__(
        self,
        feed: Feed,
        source: Source,
        universe: Universe,
        calendars: Mapping[str, Calendar],
        publisher: Outlet,
        counters: ProducerCounters,
        settings: ProducerSettings,
        *,
        partitions: int,
        epoch: int,
        flush_timeout_s: float,
        takes_over: bool = False,
    ) -> None:
        mode = ClockMode(settings.clock)
        recorded = mode is ClockMode.RECORDED
        sessions = [calendars[name] for name in sorted({each.calendar for each in feed.instruments})]
        self._publisher = publisher
        self._flush_timeout_s = flush_timeout_s
        self._takes_over = takes_over
        self._loop: asyncio.AbstractEventLoop | None = None
        self.queue = MessageQueue(
            settings.queue_max_messages,
            settings.queue_max_age_ms,
            Overflow.WAIT if recorded else Overflow.DROP,
            counters,
        )
        self._pipeline = Pipeline(
            feed,
            self.queue,
            Deduplicator(),
            FeedClock(source, sessions, mode=mode, known_delay_ms=settings.clock_delay_ms),
            Framer(
                universe,
                partitions=partitions,
                source_id=source.source_id,
                epoch=epoch,
                flush_records=settings.frame_max_ticks,
                max_age_ms=settings.frame_max_age_ms,
            ),
            publisher,
            counters,
            on_notice=self._on_notice,
            wall_ns=time.time_ns,
            monotonic_ms=lambda: time.monotonic() * 1000,
        )
        self._session = Session(
            feed,
            self.queue,
            counters,
            backoff=Backoff(
                settings.backoff_initial_ms,
                settings.backoff_max_ms,
                settings.backoff_reset_after_s * 1000,
                random=random.Random().random,  # noqa: S311 - jitter, no secret
            ),
            watch=(
                SilenceWatch([], RECORDED_SILENCE_S)
                if recorded
                else SilenceWatch(sessions, settings.watchdog_silence_s)
            ),
            recorded=recorded,
            wall_ns=time.time_ns,
        )

    async def run(self, stop: asyncio.Event) -> Ending:
        """Run until the recording ends, a final refusal, a failure, or a stop.

        Args:
            stop: Set it to end the producer in good order.

        Raises:
            FeedError: The vendor refuses us for good.
            TransportError: A record could not be delivered.
        """
        self._loop = asyncio.get_running_loop()
        if self._takes_over:
            # Before anything is received: what the one before had received and not sent, nobody can tell.
            await self.queue.put(GapMark("another producer took over", time.time_ns(), GapCause.TAKEOVER))
        with ThreadPoolExecutor(1, thread_name_prefix="pipeline") as thread:
            pipeline = self._loop.run_in_executor(thread, self._pipeline.run)
            session = asyncio.create_task(self._session.run())
            stopping = asyncio.create_task(stop.wait())
            try:
                ends: set[asyncio.Future[Any]] = {pipeline, session, stopping}
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                if pipeline.done():
                    self.queue.abandon()
                    await pipeline  # raises: before the queue is closed it ends in no other way
                refusal = await self._end_session(session)
            except BaseException:
                # Leaving the block waits for the thread, which may wait for the broker.
                self._publisher.give_up_in(self._flush_timeout_s)
                raise
            finally:
                session.cancel()
                stopping.cancel()
                await asyncio.gather(session, stopping, return_exceptions=True)
                self.queue.close()
            ended = refusal is None and not session.cancelled()
            try:
                await self._with_patience(pipeline, stop)
                await self._with_patience(self._loop.run_in_executor(thread, self._finish, ended), stop)
            except TransportError as error:
                if refusal is None:
                    raise
                structlog.get_logger().warning("the broker did not take everything", error=error.message)
        if refusal is not None:
            raise refusal
        return Ending(end_of_recording=ended)

    async def _with_patience(self, work: asyncio.Future[None], stop: asyncio.Event) -> None:
        """Let the pipeline wait for the broker as long as it takes, but not after a stop."""
        stopping = asyncio.create_task(stop.wait())
        ends: set[asyncio.Future[Any]] = {work, stopping}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                self._publisher.give_up_in(self._flush_timeout_s)
            await work
        finally:
            stopping.cancel()
            await asyncio.gather(stopping, return_exceptions=True)

    async def _end_session(self, session: asyncio.Task[None]) -> FeedError | None:
        """End the session and give the vendor's final refusal, if there was one."""
        if not session.done():
            session.cancel()
            await asyncio.gather(session, return_exceptions=True)
        if session.cancelled():
            return None
        failure = session.exception()
        if failure is None or isinstance(failure, FeedError):
            return failure
        raise failure

    def _finish(self, end_of_recording: bool) -> None:
        timeout_s = None if end_of_recording else self._flush_timeout_s
        self._pipeline.finish(end_of_recording=end_of_recording, timeout_s=timeout_s)

    def _on_notice(self, notice: FeedError) -> None:
        """Hand an error found in the stream to the session; on the pipeline's thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._session.report, notice)
