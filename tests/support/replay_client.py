"""A small client of the replay server, independent of the producers' own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgpack
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

DEADLINE_S = 20.0


class ReplayClient:
    """Speaks JSON or msgpack with the reference decoders of either."""

    def __init__(self, connection: ClientConnection, is_msgpack: bool) -> None:
        self.connection = connection
        self.is_msgpack = is_msgpack

    async def say(self, message: object) -> None:
        await self.connection.send(msgpack.packb(message) if self.is_msgpack else json.dumps(message))

    async def hear(self) -> list[dict[str, Any]]:
        """Wait for one frame; it must be an array in the format that was asked for."""
        async with asyncio.timeout(DEADLINE_S):
            frame = await self.connection.recv()
        assert isinstance(frame, bytes) == self.is_msgpack
        decoded = msgpack.unpackb(frame) if isinstance(frame, bytes) else json.loads(frame)
        assert isinstance(decoded, list)
        return decoded

    async def ask(self, message: object) -> list[dict[str, Any]]:
        await self.say(message)
        return await self.hear()

    async def log_in(self, key: str = "replay", secret: str = "replay") -> None:  # noqa: S107
        assert await self.hear() == [{"T": "success", "msg": "connected"}]
        answer = await self.ask({"action": "auth", "key": key, "secret": secret})
        assert answer == [{"T": "success", "msg": "authenticated"}]

    async def subscribe(self, *symbols: str) -> None:
        answer = await self.ask({"action": "subscribe", "trades": list(symbols)})
        assert answer[0]["trades"] == list(symbols)

    async def frames_until_closed(self) -> list[list[dict[str, Any]]]:
        """Collect every frame up to the end of the connection."""
        frames = []
        try:
            while True:
                frames.append(await self.hear())
        except ConnectionClosed:
            return frames


@asynccontextmanager
async def replay_client(
    url: str, *, is_msgpack: bool = True, headers: Mapping[str, str] | None = None
) -> AsyncIterator[ReplayClient]:
    """Open a connection, and close it again."""
    sent = dict(headers or {})
    if is_msgpack:
        sent["Content-Type"] = "application/msgpack"
    async with connect(url, additional_headers=sent, compression=None, max_queue=1024) as connection:
        yield ReplayClient(connection, is_msgpack)
