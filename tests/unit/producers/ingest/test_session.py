"""The session shell against a real websocket server on this machine."""

from __future__ import annotations

import asyncio
import http
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import cycle
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs
from websockets.asyncio.server import ServerConnection, serve

from core.model.errors import FeedError
from core.runtime.backoff import Backoff
from producers.feeds.alpaca.errors import feed_error
from producers.feeds.base import END_OF_RECORDING, Codec, RawMessage
from producers.ingest.queue import GapMark, MessageQueue, Overflow
from producers.ingest.session import Session
from producers.ingest.watchdog import FeedWatchdog
from producers.metrics import ProducerCollector, ProducerCounters
from tests.support.feed_samples import INSTRUMENTS, alpaca_feed, instrument, trade, wire
from tests.support.vendor_server import VendorServer, log_in, refuse_key, stream, vendor_server

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


async def test_a_recording_is_read_to_its_end() -> None:
    started_ns = time.time_ns()
    async with stage(stream(MESSAGE, MESSAGE, close=END)) as (subject, vendor):
        await subject.run()
    items = subject.items()
    assert [item.payload for item in items if isinstance(item, RawMessage)] == [MESSAGE, MESSAGE]
    assert started_ns <= items[0].ts_recv_ns <= items[1].ts_recv_ns <= time.time_ns()
    assert vendor.headers[0]["Content-Type"] == "application/json"
    assert (subject.counters.messages, subject.counters.connected, subject.waits) == (2, False, [])


async def test_a_wrong_key_ends_the_session_at_once() -> None:
    async with stage(refuse_key) as (subject, vendor):
        with pytest.raises(FeedError) as caught:
            await subject.run()
    assert (caught.value.code, caught.value.action) == (402, "fatal")
    assert (vendor.connections, subject.waits) == (1, [])


async def test_every_reconnect_leaves_a_gap_mark_before_what_follows() -> None:
    cut = stream(MESSAGE, close=(1011, "oops"))
    async with stage(cut, cut, stream(MESSAGE, close=END)) as (subject, vendor):
        await subject.run()
    assert subject.kinds() == ["message", "gap", "message", "gap", "message"]
    assert vendor.connections == 3
    assert subject.waits == [0.25, 0.5]
    assert subject.counters.reconnects == {"1011": 2}


async def test_a_failed_connection_before_any_data_leaves_no_gap() -> None:
    async with stage(http.HTTPStatus.SERVICE_UNAVAILABLE, stream(MESSAGE, close=END)) as (subject, _):
        await subject.run()
    assert subject.kinds() == ["message"]
    assert subject.counters.reconnects == {"http_503": 1}


async def test_several_failed_connections_after_data_leave_one_gap() -> None:
    refused = partial(refuse_key, code=406)
    scripts = [stream(MESSAGE, close=(1001, "")), refused, refused, stream(MESSAGE, close=END)]
    async with stage(*scripts) as (subject, _):
        await subject.run()
    assert subject.kinds() == ["message", "gap", "message"]
    assert subject.waits[1:] == [5.0, 5.0]


async def test_too_many_requests_are_answered_with_patience() -> None:
    async with stage(http.HTTPStatus.TOO_MANY_REQUESTS, stream(close=END)) as (subject, _):
        await subject.run()
    assert subject.waits == [5.0]


@pytest.mark.parametrize("status", [http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.NOT_FOUND])
async def test_an_upgrade_refused_for_good_is_fatal(status: http.HTTPStatus) -> None:
    async with stage(status) as (subject, vendor):
        with pytest.raises(FeedError, match=f"HTTP {status.value}"):
            await subject.run()
    assert vendor.connections == 1


async def test_no_server_is_worth_another_try_and_a_bad_address_is_not() -> None:
    async with vendor_server(stream(close=END)) as vendor:
        url = vendor.url
    subject = Stage(url)
    async with running(subject):
        await subject.until(lambda: len(subject.waits) > 3)
    with pytest.raises(FeedError, match="not a websocket URL"):
        await Stage("http://127.0.0.1/").run()


async def test_a_normal_close_of_a_live_feed_is_a_loss() -> None:
    async with (
        stage(stream(MESSAGE, close=END), stream(MESSAGE), recorded=False) as (subject, vendor),
        running(subject),
    ):
        await subject.until(lambda: subject.counters.messages == 2)
    assert vendor.connections == 2
    assert subject.kinds() == ["message", "gap", "message"]


async def test_silence_closes_the_connection_and_makes_a_new_one() -> None:
    watch = FeedWatchdog([], 0.1)
    async with (
        stage(stream(MESSAGE), stream(MESSAGE, close=END), watch=watch) as (subject, _),
        running(subject) as task,
    ):
        await subject.until(lambda: subject.counters.messages == 1)
        assert subject.kinds() == ["message"]
        await asyncio.wait_for(task, DEADLINE_S)
    assert subject.kinds() == ["gap", "message"]
    assert subject.counters.watchdog_timeouts == 1
    assert subject.counters.reconnects == {"silence": 1}


async def test_a_wall_clock_that_jumps_is_no_silence() -> None:
    jumps = cycle([time.time_ns(), time.time_ns() + 600 * 10**9])
    messages = [MESSAGE] * 5
    async with stage(
        stream(*messages, close=END), watch=FeedWatchdog([], 60), wall_ns=lambda: next(jumps)
    ) as (subject, vendor):
        await subject.run()
    assert subject.kinds() == ["message"] * 5
    assert (subject.counters.watchdog_timeouts, vendor.connections) == (0, 1)


async def test_a_watchdog_that_fails_ends_the_connection_and_another_one_watches_the_next() -> None:
    class Failing(FeedWatchdog):
        fails_next = False

        def is_dead(self, now_ns: int, silent_ns: int) -> bool:
            if self.fails_next:
                self.fails_next = False
                raise ZeroDivisionError("no calendar")
            return super().is_dead(now_ns, silent_ns)

    watch = Failing([], 0.5)
    async with (
        stage(stream(MESSAGE), stream(MESSAGE), stream(MESSAGE, close=END), watch=watch) as (subject, _),
        running(subject) as task,
    ):
        await subject.until(lambda: subject.counters.messages == 1)
        watch.fails_next = True
        await asyncio.wait_for(task, DEADLINE_S)
    assert subject.counters.reconnects == {"watchdog": 1, "silence": 1}
    assert subject.kinds() == ["message", "gap", "message", "gap", "message"]


async def test_a_server_that_says_nothing_at_login_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producers.ingest.session.LOGIN_TIMEOUT_S", 0.05)

    async def mute(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with stage(mute, stream(MESSAGE, close=END)) as (subject, _):
        await subject.run()
    assert subject.kinds() == ["message"]


async def test_an_error_the_pipeline_finds_ends_the_connection() -> None:
    async with stage(stream(MESSAGE), stream(MESSAGE, close=END)) as (subject, _), running(subject) as task:
        await subject.until(lambda: subject.counters.messages == 1)
        subject.session.report(feed_error(405, "limit", streaming=True))
        subject.session.report(feed_error(407, "slow client", streaming=True))
        await asyncio.wait_for(task, DEADLINE_S)
    assert subject.kinds() == ["message", "gap", "message"]
    assert subject.counters.reconnects == {"407": 1}


async def test_what_an_operator_can_do_about_an_error_that_ends_nothing_is_logged() -> None:
    notice = FeedError("ABC: does not fit", action="ignore", code="scale", operator_action="set the scale")
    async with stage(stream(MESSAGE, close=END)) as (subject, _):
        with capture_logs() as lines:
            subject.session.report(notice)
    (line,) = lines
    assert (line["event"], line["code"], line["operator_action"]) == (
        "vendor error",
        "scale",
        "set the scale",
    )


async def test_a_fatal_error_in_the_stream_is_raised() -> None:
    async with stage(stream(MESSAGE)) as (subject, _), running(subject) as task:
        await subject.until(lambda: subject.counters.messages == 1)
        subject.session.report(feed_error(409, "insufficient subscription", streaming=True))
        with pytest.raises(FeedError, match="409"):
            await asyncio.wait_for(task, DEADLINE_S)


async def test_a_cancelled_session_closes_cleanly_so_that_the_vendor_frees_its_place() -> None:
    codes: list[int | None] = []

    async def script(connection: ServerConnection) -> None:
        await log_in(connection)
        await connection.send(MESSAGE.decode())
        await connection.wait_closed()
        codes.append(connection.close_code)

    async with stage(script) as (subject, _):
        task = asyncio.create_task(subject.session.run())
        await subject.until(lambda: subject.counters.messages == 1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await subject.until(lambda: bool(codes))
    assert codes == [1000]


async def test_a_paused_reader_loses_nothing_and_is_not_taken_for_dead() -> None:
    messages = [wire([trade(i=number)]) for number in range(1, 501)]
    async with stage(stream(*messages, close=END), watch=FeedWatchdog([], 0.05)) as (subject, vendor):
        subject.queue = MessageQueue(10, 3_600_000, Overflow.WAIT, subject.counters)
        subject.session._queue = subject.queue
        taken: list[Any] = []
        async with running(subject) as task:
            await subject.until(lambda: subject.counters.queue_pauses == 1)
            await asyncio.sleep(0.2)
            while not task.done() or len(subject.queue):
                taken += subject.queue.take(1_000, 0) or []
                await asyncio.sleep(0)
            await task
    assert [item.payload for item in taken] == messages
    assert vendor.connections == 1


async def test_data_between_two_subscriptions_is_not_lost() -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.send(wire([{"T": "success", "msg": "connected"}]).decode())
        await connection.recv()
        await connection.send(wire([{"T": "success", "msg": "authenticated"}]).decode())
        await connection.recv()
        await connection.send(MESSAGE.decode())
        await connection.send(wire([{"T": "subscription", "trades": ["IWM"]}]).decode())
        await connection.close(*END)

    async with stage(script) as (subject, _):
        await subject.run()
    assert subject.kinds() == ["message"]


# --- closes, and who began them -------------------------------------------------------------------------


async def test_a_message_that_is_too_large_names_the_setting_and_the_remedy() -> None:
    large = wire([trade(c=["x" * 70_000])])
    async with vendor_server(stream(MESSAGE, large), stream(MESSAGE, close=END)) as vendor:
        subject = Stage(vendor.url, max_message_bytes=65_536)
        with structlog.testing.capture_logs() as log:
            await subject.run()
    (lost,) = [line for line in log if line["event"] == "connection lost"]
    assert lost["reason"].startswith("we closed the connection: a message is larger than")
    assert "alpaca.max_message_bytes = 65536" in lost["reason"]
    assert lost["operator_action"] == "raise alpaca.max_message_bytes, or subscribe to fewer symbols"
    assert subject.counters.reconnects == {"message_too_large": 1}
    assert subject.kinds() == ["message", "gap", "message"]


async def raw(connection: ServerConnection, frame: bytes) -> None:
    """Log in, then write bytes past the library."""
    await log_in(connection)
    connection.transport.write(frame)
    await connection.wait_closed()


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(b"\x83\x00", id="a reserved opcode"),
        pytest.param(b"\xf1\x00", id="reserved bits"),
        pytest.param(b"\x80\x00", id="a continuation of nothing"),
        pytest.param(b"\x89\x7e\x00\xff" + b"x" * 255, id="a long ping"),
        pytest.param(b"\x09\x00", id="a ping in parts"),
        pytest.param(b"\x88\x01x", id="half a close code"),
    ],
)
async def test_a_broken_protocol_is_no_broken_connection(frame: bytes) -> None:
    async with stage(partial(raw, frame=frame), stream(MESSAGE, close=END)) as (subject, _):
        await subject.run()
    assert subject.counters.reconnects == {"protocol_error": 1}


async def test_a_connection_that_breaks_off_is_named_as_such() -> None:
    async def cut(connection: ServerConnection) -> None:
        await log_in(connection)
        connection.transport.abort()

    async with stage(cut, stream(MESSAGE, close=END)) as (subject, _):
        await subject.run()
    assert subject.counters.reconnects == {"broken": 1}


@pytest.mark.parametrize("code", [1002, 1008, 1009, 1011, 4001])
async def test_a_close_of_the_vendors_keeps_its_number(code: int) -> None:
    async with stage(stream(MESSAGE, close=(code, "why")), stream(MESSAGE, close=END)) as (subject, _):
        with structlog.testing.capture_logs() as log:
            await subject.run()
    assert subject.counters.reconnects == {str(code): 1}
    (lost,) = [line for line in log if line["event"] == "connection lost"]
    assert lost["reason"] == f"the server closed the connection: {code} (why)"


async def test_a_redirect_is_not_followed_with_the_secret() -> None:
    async with vendor_server(stream(MESSAGE, close=END)) as other:

        def redirect(connection: ServerConnection, request: Any) -> Any:
            response = connection.respond(http.HTTPStatus.FOUND, "")
            response.headers["Location"] = other.url
            return response

        async with serve(partial(raw, frame=b""), "127.0.0.1", 0, process_request=redirect) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            with pytest.raises(FeedError, match="HTTP 302") as caught:
                await Stage(f"ws://127.0.0.1:{port}/").run()
        assert other.connections == 0
    assert caught.value.action == "fatal"
    assert "redirect" in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "ws://me:hush@127.0.0.1:1/v2?token=hush", "http://me:hush@127.0.0.1/", "ws://me:hush@[::1",
        "ws://me:hush@127.0.0.1:99999/", "ws://me:hush@" + "x" * 80 + ".example/",
    ],
)  # fmt: skip
async def test_no_failure_to_connect_prints_a_secret(url: str) -> None:
    subject = Stage(url)
    with structlog.testing.capture_logs() as log:
        async with running(subject) as task:
            await subject.until(lambda: task.done() or bool(subject.waits))
    assert "hush" not in str(log)
    if not task.cancelled():
        failure = task.exception()
        assert isinstance(failure, FeedError)
        assert "hush" not in str(failure)


@pytest.mark.parametrize("proxy", ["nonsense://me:hush@127.0.0.1:1", "socks5://me:hush@127.0.0.1:1"])
async def test_a_proxy_that_cannot_be_used_is_named_without_its_secret(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "socks_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises(FeedError, match="proxy") as caught:
        await Stage("wss://192.0.2.1/v2").run()
    assert caught.value.action == "fatal"
    assert "hush" not in str(caught.value)


# --- symbols that the vendor does not confirm ------------------------------------------------------------


def confirming(*lists: Sequence[str], codec: Codec = Codec.JSON) -> Any:
    """Return a script that confirms these symbols, one list after the other."""

    async def script(connection: ServerConnection) -> None:
        async def say(message: Any) -> None:
            frame = wire([message], codec)
            await connection.send(frame.decode() if codec is Codec.JSON else frame)

        await say({"T": "success", "msg": "connected"})
        await connection.recv()
        await say({"T": "success", "msg": "authenticated"})
        await connection.recv()
        for symbols in lists:
            await say({"T": "subscription", "trades": list(symbols)})
            await say(trade())
        await connection.wait_closed()

    return script


def shown(counters: ProducerCounters) -> dict[str, float]:
    samples = ProducerCollector(counters, lambda: 0, lambda: 0).samples()
    prefix = "rotascope_producer_"
    wanted = {prefix + name: name for name in ("connected", "ready", "unconfirmed_symbols")}
    return {wanted[sample.name]: sample.value for sample in samples if sample.name in wanted}


ASKED = [each.symbol for each in INSTRUMENTS]


async def test_a_symbol_that_is_not_confirmed_is_named_at_once_and_makes_the_feed_not_ready() -> None:
    with structlog.testing.capture_logs() as log:
        async with stage(confirming(ASKED[1:])) as (subject, _), running(subject):
            assert shown(subject.counters) == {"connected": 0, "ready": 0, "unconfirmed_symbols": 0}
            await subject.until(lambda: subject.counters.messages == 1)
            assert shown(subject.counters) == {"connected": 1, "ready": 0, "unconfirmed_symbols": 1}
    (warning,) = [line for line in log if line["event"] == "symbols not confirmed by the vendor"]
    assert (warning["log_level"], warning["symbols"]) == ("warning", ASKED[0])
    (streaming,) = [line for line in log if line["event"] == "streaming"]
    assert (streaming["symbols"], streaming["asked"]) == (len(ASKED) - 1, len(ASKED))


@pytest.mark.parametrize("codec", list(Codec))
async def test_the_vendors_last_list_counts(codec: Codec) -> None:
    scripts = confirming(ASKED, ASKED[2:], ASKED, codec=codec)
    seen: list[int] = []
    with structlog.testing.capture_logs() as log:
        async with vendor_server(scripts) as vendor:
            subject = Stage(vendor.url, codec=codec)
            async with running(subject):
                await subject.until(lambda: subject.counters.messages == 5)
                seen.append(subject.counters.unconfirmed_symbols)
                assert shown(subject.counters)["ready"] == 1
    events = [line["event"] for line in log]
    assert events.count("symbols not confirmed by the vendor") == 1
    assert events[-1] == "all symbols confirmed"
    assert seen == [0]


async def test_of_many_symbols_a_line_names_some() -> None:
    many = tuple(instrument(number, f"S{number}") for number in range(1, 101))
    with structlog.testing.capture_logs() as log:
        async with vendor_server(confirming(["S1"])) as vendor:
            subject = Stage(vendor.url, instruments=many)
            async with running(subject):
                await subject.until(lambda: subject.counters.messages == 1)
    (warning,) = [line for line in log if line["event"] == "symbols not confirmed by the vendor"]
    assert warning["count"] == 99
    assert warning["symbols"].endswith("S21 and 79 more")


async def test_every_symbol_is_confirmed_by_a_star() -> None:
    async with stage(confirming(["*"])) as (subject, _), running(subject):
        await subject.until(lambda: subject.counters.messages == 1)
        assert shown(subject.counters)["ready"] == 1
