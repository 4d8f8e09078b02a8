"""A websocket that cannot be opened: what is tried again, what is fatal; no message shows a secret."""

from __future__ import annotations

import http
import socket
from typing import Any

import pytest
import structlog
from websockets.asyncio.server import ServerConnection, serve

from core.model.errors import FeedError
from producers.feeds.base import Codec
from producers.ingest.connection import open_connection
from tests.support.feed_samples import alpaca_feed
from tests.support.session_stage import END, MESSAGE, Stage, running, stage
from tests.support.vendor_server import stream, vendor_server


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


async def test_a_redirect_is_not_followed_with_the_secret() -> None:
    async with vendor_server(stream(MESSAGE, close=END)) as other:

        def redirect(connection: ServerConnection, request: Any) -> Any:
            response = connection.respond(http.HTTPStatus.FOUND, "")
            response.headers["Location"] = other.url
            return response

        async with serve(stream(MESSAGE), "127.0.0.1", 0, process_request=redirect) as server:
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


async def test_a_host_name_that_cannot_be_resolved_is_called_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    feed = alpaca_feed(Codec.JSON, "wss://no-such-host.invalid/v2/sip")
    with pytest.raises(
        FeedError, match=r"the host name 'no-such-host\.invalid' cannot be resolved"
    ) as caught:
        await open_connection(feed, recorded=False)
    assert caught.value.action == "reconnect", "a name service may recover"
    assert "correct the URL" in (caught.value.operator_action or "")
