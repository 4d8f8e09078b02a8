"""One websocket session: connect, log in, subscribe, read, watch, and again after a loss.

The reader does nothing but stamp a message with its receive time and queue it. That keeps the
stamps true, and the socket drained: a reader that parses answers no pings while it does, and is
taken for dead by either side at the very moment the market is busiest.

What a failure means is decided by `FeedError.action`:

- fatal: `run` raises it at once; another try would only be refused again.
- slow_retry: wait at least five seconds, because the vendor still holds our place.
- reconnect: wait as the backoff says.

After every loss the queue gets a gap mark before the first message of the new connection.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import urlsplit

import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidProxy,
    InvalidStatus,
    InvalidURI,
)

from core.model.errors import FeedError
from core.model.records import NANOSECONDS_PER_MILLISECOND
from core.runtime.backoff import Backoff
from producers.feeds.base import END_OF_RECORDING, Feed, Handshake, RawMessage
from producers.ingest.addresses import is_loopback, printable
from producers.ingest.closes import close_failure, http_failure
from producers.ingest.queue import GapMark, MessageQueue
from producers.ingest.watchdog import SilenceWatch
from producers.metrics import ProducerCounters

"""Reason of a normal close (1000) with which a replay server says that this was all."""

LOGIN_TIMEOUT_S: Final = 15.0
"""Alpaca itself gives up after ten."""

MAX_QUEUED_FRAMES: Final = 1024
"""Frames the library holds before it stops reading; its 16 stop it in every burst."""

PING_INTERVAL_S: Final = 10.0
PING_TIMEOUT_S: Final = 60.0
"""Pongs queue behind data, so the time-out must outlast a burst; silence is the watchdog's business."""

CLOSE_TIMEOUT_S: Final = 2.0
"""A server that does not answer the close is not waited for; a clean close frees its place for us."""

_PAUSED: Final = 2**62
"""Stands for the time of the last data while the reader waits for room: no silence reaches back to it."""

_SYMBOLS_NAMED: Final = 20
"""As many symbols as one line of the log names."""


class Session:
    """Keeps one feed connected until it ends, fails for good, or is cancelled.

    Args:
        feed: The vendor's language.
        queue: Where raw messages and gap marks go; closed by whoever runs the session.
        counters: Messages, reconnects and watchdog time-outs are counted here.
        backoff: Waits between connections.
        watch: Judges silence.
        recorded: The server plays a recording: no keepalive, because the reader may pause for
            longer than any ping waits, and a normal close may be the end.
        wall_ns: Wall clock, ns UTC: stamps messages, and says which markets are open.
        monotonic_ns: A clock that never steps; silence is measured with it.
        sleep: Waits for seconds.
        watch_interval_s: How often silence is judged.
    """

    def __init__(
        self,
        feed: Feed,
        queue: MessageQueue,
        counters: ProducerCounters,
        *,
        backoff: Backoff,
        watch: SilenceWatch,
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
        """End the running connection, because the pipeline found this error in the stream.

        Call it on the event loop; `ignore` is logged and nothing else.
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
        connection = await self._connect()
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

    async def _connect(self) -> ClientConnection:
        url = self._feed.url()
        shown = printable(url)
        options: dict[str, Any] = {}
        try:
            if is_loopback(urlsplit(url).hostname):
                options["proxy"] = None
            return await _DirectConnection(
                url,
                additional_headers=dict(self._feed.headers()),
                compression=None,  # a core is dearer than bandwidth
                max_size=self._feed.max_message_bytes,
                max_queue=MAX_QUEUED_FRAMES,
                ping_interval=None if self._recorded else PING_INTERVAL_S,
                ping_timeout=PING_TIMEOUT_S,
                close_timeout=CLOSE_TIMEOUT_S,
                **options,
            )
        except InvalidStatus as error:
            raise http_failure(error.response.status_code, shown) from error
        except (OSError, TimeoutError, InvalidHandshake) as error:
            message = f"no connection to {shown}: {str(error) or type(error).__name__}"
            raise FeedError(message, action="reconnect") from error
        except (InvalidProxy, ImportError) as error:  # the library's text repeats the proxy's password
            raise FeedError(
                f"no connection to {shown}: the proxy that the environment names cannot be used",
                action="fatal",
                operator_action="check HTTPS_PROXY and HTTP_PROXY, or set NO_PROXY for this host",
            ) from error
        except (InvalidURI, ValueError) as error:
            raise FeedError(f"{shown!r} is no websocket address", action="fatal") from error

    async def _log_in(self, connection: ClientConnection) -> Handshake:
        """Speak the handshake; data of symbols already subscribed to goes to the queue."""
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
            raise FeedError("the log-in was not answered", action="reconnect") from error
        self._note_subscription(handshake)
        self._counters.connected = True
        asked = len(self._feed.instruments)
        self._log.info("streaming", symbols=asked - self._counters.unconfirmed_symbols, asked=asked)
        return handshake

    def _note_subscription(self, handshake: Handshake) -> None:
        """Count and name the symbols that the vendor has not confirmed."""
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
            self._log.info("all symbols are confirmed")
        self._counters.unconfirmed_symbols = len(missing)

    async def _stream(self, connection: ClientConnection, handshake: Handshake) -> None:
        """Read until the connection closes, the watchdog barks or the pipeline reports an error."""
        self._verdict = asyncio.get_running_loop().create_future()
        started_ns = self._last_data_ns = self._monotonic_ns()
        self._has_streamed = True
        await self._mark_gap()
        reader = asyncio.create_task(self._read(connection, handshake))
        watchdog = asyncio.create_task(self._bark_at_silence(self._verdict))
        try:
            events: set[asyncio.Future[Any]] = {reader, watchdog, self._verdict}
            await asyncio.wait(events, return_when=asyncio.FIRST_COMPLETED)
            if self._verdict.done():
                raise self._verdict.result()
            if watchdog.done() and (error := watchdog.exception()) is not None:
                # Without it nobody would notice that the vendor has fallen silent.
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
        self._last_data_ns = _PAUSED
        await self._queue.put(RawMessage(payload, now_ns))
        # Only now: a reader that had to wait for room has heard nothing, and silence is not the vendor's.
        self._last_data_ns = self._monotonic_ns()

    async def _mark_gap(self) -> None:
        """Put the gap mark of an earlier loss before anything the new connection brings."""
        if self._lost is not None:
            reason, self._lost = self._lost, None
            await self._queue.put(GapMark(reason, self._wall_ns()))

    async def _bark_at_silence(self, verdict: asyncio.Future[FeedError]) -> None:
        while not verdict.done():
            await asyncio.sleep(self._watch_interval_s)
            silent_ns = self._monotonic_ns() - self._last_data_ns
            if self._watch.is_dead(self._wall_ns(), silent_ns) and not verdict.done():
                self._counters.watchdog_timeouts += 1
                verdict.set_result(
                    FeedError("silence while the market is open", action="reconnect", code="silence")
                )

    def _judge_close(self, closed: ConnectionClosed) -> FeedError | None:
        """Say what a close means; None for the end of a recording."""
        received = closed.rcvd
        if self._recorded and received and (received.code, received.reason) == (1000, END_OF_RECORDING):
            return None
        return close_failure(closed, self._feed)


def _action(failure: FeedError) -> dict[str, str]:
    """What an operator can do about it, as a field of a log line; nothing where there is nothing."""
    return {} if failure.operator_action is None else {"operator_action": failure.operator_action}


class _DirectConnection(connect):
    """A connection to the address it is given: a redirect could carry the secret anywhere."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Give the answer back as the failure it is."""
        return exc
