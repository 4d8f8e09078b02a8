"""Closed connections: gap marks, waits and log lines, by the side that closed."""

from __future__ import annotations

import http
from functools import partial
from typing import Any

import pytest
import structlog
from websockets.asyncio.server import ServerConnection, serve

from core.model.errors import FeedError
from tests.support.feed_samples import trade, wire
from tests.support.session_stage import END, MESSAGE, Stage, running, stage
from tests.support.vendor_server import log_in, stream, vendor_server


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
