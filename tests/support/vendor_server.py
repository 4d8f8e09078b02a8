"""A websocket server that plays one script a connection, for tests of a session."""

from __future__ import annotations

import http
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from tests.support.feed_samples import wire

Script = Callable[[ServerConnection], Awaitable[None]]


class VendorServer:
    """Runs the first script for the first connection, and so on; the last one again and again.

    A script that is an HTTP status refuses the upgrade with it.
    """

    def __init__(self, scripts: Sequence[Script | http.HTTPStatus]) -> None:
        self._scripts = list(scripts)
        self.connections = 0
        self.headers: list[dict[str, str]] = []
        self._server: Server | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        assert self._server is not None
        port = next(iter(self._server.sockets)).getsockname()[1]
        return f"ws://127.0.0.1:{port}/v2/sip"

    def _script(self) -> Script | http.HTTPStatus:
        return self._scripts[min(self.connections, len(self._scripts)) - 1]

    def _upgrade(self, connection: ServerConnection, request: Request) -> Response | None:
        self.connections += 1
        self.headers.append(dict(request.headers.raw_items()))
        script = self._script()
        return connection.respond(script, "no") if isinstance(script, http.HTTPStatus) else None

    async def _play(self, connection: ServerConnection) -> None:
        script = self._script()
        assert not isinstance(script, http.HTTPStatus)
        await script(connection)


@asynccontextmanager
async def vendor_server(*scripts: Script | http.HTTPStatus) -> AsyncIterator[VendorServer]:
    """Serve the scripts on a free port."""
    vendor = VendorServer(scripts)
    async with serve(
        vendor._play, "127.0.0.1", 0, process_request=vendor._upgrade, compression=None
    ) as server:
        vendor._server = server
        yield vendor


async def log_in(connection: ServerConnection) -> dict[str, Any]:
    """Speak the server's part up to the stream, and give the client's log-in."""
    await connection.send(wire([{"T": "success", "msg": "connected"}]).decode())
    login: dict[str, Any] = msgspec.json.decode(await connection.recv())
    await connection.send(wire([{"T": "success", "msg": "authenticated"}]).decode())
    request = msgspec.json.decode(await connection.recv())
    await connection.send(wire([{"T": "subscription", "trades": request["trades"]}]).decode())
    return login


async def refuse_key(connection: ServerConnection, code: int = 402) -> None:
    """Answer the log-in with an error."""
    await connection.send(wire([{"T": "success", "msg": "connected"}]).decode())
    await connection.recv()
    await connection.send(wire([{"T": "error", "code": code, "msg": "refused"}]).decode())
    await connection.wait_closed()


def stream(*messages: bytes, close: tuple[int, str] | None = None) -> Script:
    """Give a script that logs in, sends messages and closes, or stays silent."""

    async def script(connection: ServerConnection) -> None:
        await log_in(connection)
        for message in messages:
            await connection.send(message.decode())
        if close is None:
            await connection.wait_closed()
        else:
            await connection.close(*close)

    return script
