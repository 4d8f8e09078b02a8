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
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from core.errors import FeedError
from core.records import NANOSECONDS_PER_MILLISECOND
from producers.backoff import Backoff
from producers.feeds.base import Feed, RawMessage
from producers.metrics import ProducerCounters
from producers.queue import GapMark, MessageQueue
from producers.watchdog import SilenceWatch

END_OF_RECORDING: Final = "end of recording"
"""Reason of a normal close (1000) with which a replay server says that this was all."""

LOGIN_TIMEOUT_S: Final = 15.0
"""Alpaca itself gives up after ten."""

MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
"""The library's 1 MiB is too little for a busy second in one message (close code 1009)."""

MAX_QUEUED_FRAMES: Final = 1024
"""Frames the library holds before it stops reading; its 16 stop it in every burst."""

PING_INTERVAL_S: Final = 10.0
PING_TIMEOUT_S: Final = 60.0
"""Pongs queue behind data, so the time-out must outlast a burst; silence is the watchdog's business."""

CLOSE_TIMEOUT_S: Final = 2.0
"""A server that does not answer the close is not waited for; a clean close frees its place for us."""

_PAUSED: Final = 2**62
"""Stands for the time of the last data while the reader waits for room: no silence reaches back to it."""

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})

_HTTP_FATAL: Final = frozenset({400, 401, 403, 404})
_HTTP_TOO_MANY: Final = 429


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
                self._log.warning(
                    "connection lost", reason=failure.message, code=failure.code, retry_in_ms=round(wait_ms)
                )
                await self._sleep(wait_ms / 1000)
            else:
                self._log.info("the recording has ended")
                return

    def report(self, failure: FeedError) -> None:
        """End the running connection, because the pipeline found this error in the stream.

        Call it on the event loop; `ignore` is logged and nothing else.
        """
        if failure.action == "ignore":
            self._log.warning("vendor error", message=failure.message, code=failure.code)
        elif self._verdict is not None and not self._verdict.done():
            self._verdict.set_result(failure)

    async def _one_connection(self) -> None:
        """Connect, log in and stream; return at the end of a recording, raise FeedError otherwise."""
        connection = await self._connect()
        try:
            await self._log_in(connection)
            await self._stream(connection)
        except ConnectionClosed as closed:
            failure = self._judge_close(closed)
            if failure is not None:
                raise failure from closed
        finally:
            self._counters.connected = False
            await connection.close()

    async def _connect(self) -> ClientConnection:
        url = self._feed.url()
        options: dict[str, Any] = {}
        if urlsplit(url).hostname in _LOOPBACK:
            options["proxy"] = None
        try:
            return await connect(
                url,
                additional_headers=dict(self._feed.headers()),
                compression=None,  # a core is dearer than bandwidth
                max_size=MAX_MESSAGE_BYTES,
                max_queue=MAX_QUEUED_FRAMES,
                ping_interval=None if self._recorded else PING_INTERVAL_S,
                ping_timeout=PING_TIMEOUT_S,
                close_timeout=CLOSE_TIMEOUT_S,
                **options,
            )
        except InvalidURI as error:
            raise FeedError(f"{url!r} is no websocket address", action="fatal") from error
        except InvalidStatus as error:
            raise _http_failure(error.response.status_code, url) from error
        except (OSError, TimeoutError, InvalidHandshake) as error:
            message = f"no connection to {url}: {str(error) or type(error).__name__}"
            raise FeedError(message, action="reconnect") from error

    async def _log_in(self, connection: ClientConnection) -> None:
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
        self._counters.connected = True
        self._log.info("streaming", symbols=len(self._feed.instruments))

    async def _stream(self, connection: ClientConnection) -> None:
        """Read until the connection closes, the watchdog barks or the pipeline reports an error."""
        self._verdict = asyncio.get_running_loop().create_future()
        started_ns = self._last_data_ns = self._monotonic_ns()
        self._has_streamed = True
        await self._mark_gap()
        reader = asyncio.create_task(self._read(connection))
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

    async def _read(self, connection: ClientConnection) -> None:
        while True:
            payload = await connection.recv(decode=False)
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
        if received is None:
            return FeedError("the connection broke off", action="reconnect", code="broken")
        reason = f" ({received.reason})" if received.reason else ""
        return FeedError(
            f"the server closed the connection: {received.code}{reason}",
            action="reconnect",
            code=received.code,
        )


def _http_failure(status: int, url: str) -> FeedError:
    """Say what a refused upgrade means."""
    action = "reconnect"
    if status == _HTTP_TOO_MANY:
        action = "slow_retry"
    elif status in _HTTP_FATAL:
        action = "fatal"
    return FeedError(
        f"{url} refused the connection: HTTP {status}",
        action=action,
        code=f"http_{status}",
        operator_action="check the address, the channel and the key" if action == "fatal" else None,
    )
