"""The session shell against a real websocket server on this machine."""

from __future__ import annotations

import asyncio
import http
import time
from functools import partial
from itertools import cycle
from typing import Any

import pytest
from structlog.testing import capture_logs
from websockets.asyncio.server import ServerConnection

from core.model.errors import FeedError
from producers.feeds.alpaca.errors import feed_error
from producers.feeds.base import RawMessage
from producers.ingest.queue import MessageQueue, Overflow
from producers.ingest.watchdog import FeedWatchdog
from tests.support.feed_samples import trade, wire
from tests.support.session_stage import DEADLINE_S, END, MESSAGE, running, stage
from tests.support.vendor_server import log_in, refuse_key, stream


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
