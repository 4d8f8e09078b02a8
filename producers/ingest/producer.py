"""Builds and runs one producer: the session in the event loop, the pipeline in its thread.

Shutdown, in order:

1. The session ends (end of a recording, a final refusal), the pipeline fails, or a stop is requested.
2. The connection is closed cleanly, so that the vendor releases our connection slot at once.
3. The queue is closed; the pipeline drains it.
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
from producers.ingest.history_ahead import HistoryAhead
from producers.ingest.pipeline import Pipeline
from producers.ingest.queue import GapMark, MessageQueue, Overflow
from producers.ingest.session import Session
from producers.ingest.watchdog import FeedWatchdog
from producers.metrics import ProducerCounters

RECORDED_SILENCE_S: Final = 600.0
"""Longer than any pause in a played recording."""


@dataclass(frozen=True, slots=True)
class RunEnding:
    """How a producer ended without an error.

    Args:
        end_of_recording: The server signalled the end of the recording; False after a stop.
    """

    end_of_recording: bool


class Producer:
    """A feed, from its websocket to Kafka.

    Args:
        feed: The vendor's protocol.
        source: Source of its ticks.
        universe: Determines the partitions.
        calendars: Sessions of its instruments, by name.
        publisher: Sends frames; flushed at the end, closed by the caller.
        counters: Counters of the producer.
        settings: Settings of frames, queue, waits and clock.
        partitions: Number of partitions of the ticks topic.
        epoch: Producer epoch of the source: higher than that of any earlier run.
        flush_timeout_s: Time limit for the last acknowledgements after a stop. There is no limit at the
            end of a recording.
        takes_over: An earlier producer of the source has written to the log.
        history_ns: Close of the last session of history in the log, ns UTC; None if there is none.
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
        history_ns: int | None = None,
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
            # Live, a late report of yesterday may come first; the engine marks it either way.
            history_ahead=HistoryAhead(history_ns if recorded else None),
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
                random=random.Random().random,  # noqa: S311 - jitter, not security
            ),
            watch=(
                FeedWatchdog([], RECORDED_SILENCE_S)
                if recorded
                else FeedWatchdog(sessions, settings.watchdog_silence_s)
            ),
            recorded=recorded,
            wall_ns=time.time_ns,
        )

    async def run(self, stop: asyncio.Event) -> RunEnding:
        """Run until the recording ends, a final refusal, a failure, or a stop.

        Args:
            stop: Set to stop the producer cleanly.

        Raises:
            ConfigurationError: A recording starts before the end of the history in the log.
            FeedError: The vendor refuses the connection permanently.
            TransportError: A record could not be delivered.
        """
        self._loop = asyncio.get_running_loop()
        if self._takes_over:
            # Before anything is received: the earlier producer may have received ticks that it did not send.
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
                    await pipeline  # raises: before the queue is closed, the pipeline only ends by an error
                refusal = await self._end_session(session)
            except BaseException:
                # Leaving the block joins the thread, which may be waiting for the broker.
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
                structlog.get_logger().warning(
                    "the broker did not acknowledge everything", error=error.message
                )
        if refusal is not None:
            raise refusal
        return RunEnding(end_of_recording=ended)

    async def _with_patience(self, work: asyncio.Future[None], stop: asyncio.Event) -> None:
        """Let the pipeline wait for the broker without a limit, but not after a stop."""
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
        """End the session and return the vendor's final refusal, if any."""
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
        """Pass an error found in the stream to the session; called on the pipeline's thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._session.report, notice)
