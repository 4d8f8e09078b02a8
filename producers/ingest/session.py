"""A websocket session: connects, logs in, subscribes, reads, detects silence, and reconnects.

The reader only stamps each message with its receive time and queues it. This keeps the timestamps
accurate and the socket drained: a reader that parses cannot answer pings meanwhile, and would be
taken for dead just when the market is busiest.

`FeedError.action` determines the reaction to a failure:

- fatal: `run` raises it at once; a retry would be refused again.
- slow_retry: wait at least five seconds, because the vendor still counts our old connection.
- reconnect: wait for the backoff delay.

After every loss the queue gets a gap mark before the first message of the new connection.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from core.model.errors import FeedError
from core.model.records import NANOSECONDS_PER_MILLISECOND
from core.runtime.backoff import Backoff
from producers.feeds.base import END_OF_RECORDING, Feed, Handshake, RawMessage
from producers.ingest.closes import close_failure
from producers.ingest.connection import open_connection
from producers.ingest.queue import GapMark, MessageQueue
from producers.ingest.watchdog import FeedWatchdog
from producers.metrics import ProducerCounters

LOGIN_TIMEOUT_S: Final = 15.0
"""Alpaca times out after ten seconds."""

_PAUSED: Final = 2**62
"""Placeholder for the time of the last data while the reader waits for room: not counted as silence."""

_SYMBOLS_NAMED: Final = 20
"""Maximum symbols named in one log line."""


class Session:
    """Keeps one feed connected until it ends, fails permanently, or is cancelled.

    Args:
        feed: The vendor's protocol.
        queue: Receives raw messages and gap marks; closed by the caller.
        counters: Count messages, reconnects and watchdog timeouts.
        backoff: Delays between connections.
        watch: Detects silence.
        recorded: The server plays a recording: no keepalive, because the reader may pause for
            longer than the ping timeout, and a normal close may be the end.
        wall_ns: Wall clock, ns UTC: stamps messages, and determines which markets are open.
        monotonic_ns: Monotonic clock, ns; measures silence.
        sleep: Sleeps for a number of seconds.
        watch_interval_s: How often silence is checked.
    """

    def __init__(
        self,
        feed: Feed,
        queue: MessageQueue,
        counters: ProducerCounters,
        *,
        backoff: Backoff,
        watch: FeedWatchdog,
        recorded: bool,
        wall_ns: Callable[[], int],
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        watch_interval_s: float = 0.5,
    ) -> None:
        self._feed = feed
        self._queue = queue
        self._counters = counters
        self._backoff = backoff
        self._watch = watch
        self._recorded = recorded
        self._wall_ns = wall_ns
        self._monotonic_ns = monotonic_ns
        self._sleep = sleep
        self._watch_interval_s = watch_interval_s
        self._log = structlog.get_logger().bind(feed=feed.name)
        self._verdict: asyncio.Future[FeedError] | None = None
        self._has_streamed = False
        self._lost: str | None = None
        self._last_data_ns = 0

    async def run(self) -> None:
        """Stream until the recording ends.

        Raises:
            FeedError: The vendor's refusal is final.
            asyncio.CancelledError: Cancelled; the connection has been closed cleanly.
        """
        while True:
            try:
                await self._one_connection()
            except FeedError as failure:
                if failure.action == "fatal":
                    raise
                if self._has_streamed:
                    self._lost = failure.message
                wait_ms = self._backoff.next_ms(slow=failure.action == "slow_retry")
                reason = str(failure.code or "connection")
                self._counters.reconnects[reason] += 1
                self._log_loss(failure, wait_ms)
                await self._sleep(wait_ms / 1000)
            else:
                self._log.info("the recording has ended")
                return

    def report(self, failure: FeedError) -> None:
        """End the current connection because of an error that the pipeline found in the stream.

        Call it on the event loop; `ignore` errors are only logged.
        """
        if failure.action == "ignore":
            self._log.warning("vendor error", message=failure.message, code=failure.code, **_action(failure))
        elif self._verdict is not None and not self._verdict.done():
            self._verdict.set_result(failure)

    def _log_loss(self, failure: FeedError, wait_ms: float) -> None:
        self._log.warning(
            "connection lost",
            reason=failure.message,
            code=failure.code,
            **_action(failure),
            retry_in_ms=round(wait_ms),
        )

    async def _one_connection(self) -> None:
        """Connect, log in and stream; return at the end of a recording, raise FeedError otherwise."""
        connection = await open_connection(self._feed, recorded=self._recorded)
        try:
            handshake = await self._log_in(connection)
            await self._stream(connection, handshake)
        except ConnectionClosed as closed:
            failure = self._judge_close(closed)
            if failure is not None:
                raise failure from closed
        finally:
            self._counters.connected = False
            await connection.close()

    async def _log_in(self, connection: ClientConnection) -> Handshake:
        """Perform the handshake; data of symbols already subscribed goes to the queue."""
        handshake = self._feed.handshake()
        try:
            async with asyncio.timeout(LOGIN_TIMEOUT_S):
                while not handshake.streaming:
                    payload = await connection.recv(decode=False)
                    reply = handshake.receive(payload)
                    for notice in reply.notices:
                        self._counters.vendor_errors.add(str(notice.code))
                        self._log.warning("vendor error", message=notice.message, code=notice.code)
                    if reply.is_data:
                        await self._enqueue(payload)
                    for frame in reply.send:
                        await connection.send(frame)
        except TimeoutError as error:
            raise FeedError("the login was not answered", action="reconnect") from error
        self._note_subscription(handshake)
        self._counters.connected = True
        asked = len(self._feed.instruments)
        self._log.info("streaming", symbols=asked - self._counters.unconfirmed_symbols, asked=asked)
        return handshake

    def _note_subscription(self, handshake: Handshake) -> None:
        """Count and log the symbols that the vendor has not confirmed."""
        missing = handshake.unconfirmed
        if missing:
            more = len(missing) - _SYMBOLS_NAMED
            self._log.warning(
                "symbols not confirmed by the vendor",
                count=len(missing),
                asked=len(self._feed.instruments),
                symbols=", ".join(missing[:_SYMBOLS_NAMED]) + (f" and {more} more" if more > 0 else ""),
                operator_action="check these symbols in the universe, and the plan's symbol limit",
            )
        elif self._counters.unconfirmed_symbols:
            self._log.info("all symbols confirmed")
        self._counters.unconfirmed_symbols = len(missing)

    async def _stream(self, connection: ClientConnection, handshake: Handshake) -> None:
        """Read until the connection closes, the watchdog fires or the pipeline reports an error."""
        self._verdict = asyncio.get_running_loop().create_future()
        started_ns = self._last_data_ns = self._monotonic_ns()
        self._has_streamed = True
        await self._mark_gap()
        reader = asyncio.create_task(self._read(connection, handshake))
        watchdog = asyncio.create_task(self._fail_on_silence(self._verdict))
        try:
            events: set[asyncio.Future[Any]] = {reader, watchdog, self._verdict}
            await asyncio.wait(events, return_when=asyncio.FIRST_COMPLETED)
            if self._verdict.done():
                raise self._verdict.result()
            if watchdog.done() and (error := watchdog.exception()) is not None:
                # Without the watchdog a silent vendor would go unnoticed.
                self._log.error("the watchdog failed", error=repr(error), exc_info=error)
                raise FeedError(
                    f"the watchdog failed: {error!r}", action="reconnect", code="watchdog"
                ) from error
            await reader
        finally:
            self._verdict = None
            ended_ns = min(self._last_data_ns, self._monotonic_ns())
            self._backoff.note_data((ended_ns - started_ns) / NANOSECONDS_PER_MILLISECOND)
            for task in (reader, watchdog):
                task.cancel()
            await asyncio.gather(reader, watchdog, return_exceptions=True)

    async def _read(self, connection: ClientConnection, handshake: Handshake) -> None:
        while True:
            payload = await connection.recv(decode=False)
            if handshake.overhear(payload):
                self._note_subscription(handshake)
            await self._enqueue(payload)

    async def _enqueue(self, payload: bytes) -> None:
        now_ns = self._wall_ns()
        await self._mark_gap()
        self._has_streamed = True
        self._counters.messages += 1
        self._counters.last_message_ns = now_ns
        self._last_data_ns = _PAUSED
        await self._queue.put(RawMessage(payload, now_ns))
        # Set after the wait: a reader that waited for room received nothing, and that silence is not the
        # vendor's.
        self._last_data_ns = self._monotonic_ns()

    async def _mark_gap(self) -> None:
        """Queue the gap mark of an earlier loss before any message of the new connection."""
        if self._lost is not None:
            reason, self._lost = self._lost, None
            await self._queue.put(GapMark(reason, self._wall_ns()))

    async def _fail_on_silence(self, verdict: asyncio.Future[FeedError]) -> None:
        while not verdict.done():
            await asyncio.sleep(self._watch_interval_s)
            silent_ns = self._monotonic_ns() - self._last_data_ns
            if self._watch.is_dead(self._wall_ns(), silent_ns) and not verdict.done():
                self._counters.watchdog_timeouts += 1
                verdict.set_result(
                    FeedError("silence while the market is open", action="reconnect", code="silence")
                )

    def _judge_close(self, closed: ConnectionClosed) -> FeedError | None:
        """Return the failure that a close means; None for the end of a recording."""
        received = closed.rcvd
        if self._recorded and received and (received.code, received.reason) == (1000, END_OF_RECORDING):
            return None
        return close_failure(closed, self._feed)


def _action(failure: FeedError) -> dict[str, str]:
    """What an operator can do about it, as a field of a log line; nothing where there is nothing."""
    return {} if failure.operator_action is None else {"operator_action": failure.operator_action}
