"""One client connection of the replay server: requests in, frames out."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final, Protocol

import msgspec
import structlog
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from producers.feeds.base import END_OF_RECORDING
from producers.replay.player import HungUp, PlayerOutlet
from producers.replay.protocol import (
    AUTHENTICATED,
    CONNECTED,
    KEY_HEADER,
    SECRET_HEADER,
    RequestRefused,
    Subscriptions,
    error_message,
    read_request,
)
from producers.replay.settings import ReplaySettings
from producers.replay.wire import WireCodec, codec_for

PATH_PREFIX: Final = "/v2/"


class House(Protocol):
    """What a client connection needs from its server."""

    @property
    def settings(self) -> ReplaySettings:
        """Settings of the server."""
        ...

    def authenticate(self, key: object, secret: object, feed: str) -> str:
        """Authenticate a client, or raise `RequestRefused`."""
        ...

    def disconnect(self, key: str) -> None:
        """Release the single connection of a key."""
        ...

    def refused(self, key: object, feed: str, code: int) -> None:
        """Tell the operator that a client was refused."""
        ...

    async def play(
        self, key: str, outlet: PlayerOutlet, codec: WireCodec, subscriptions: Subscriptions
    ) -> None:
        """Play the recording to one client."""
        ...


class Client:
    """One connection: answers requests, and is the outlet of a player.

    Args:
        house: The server.
        connection: A connection after its opening handshake.
    """

    def __init__(self, house: House, connection: ServerConnection) -> None:
        request = connection.request
        assert request is not None  # noqa: S101 - the opening handshake is done; for the type checker
        self._house = house
        self._connection = connection
        self._headers = request.headers
        self._feed = request.path.partition("?")[0].removeprefix(PATH_PREFIX)
        self._codec = codec_for(request.headers.get("Content-Type"))
        self._subscriptions = Subscriptions(house.settings.symbol_limit)
        self._playing: asyncio.Task[None] | None = None
        self.key: str | None = None

    async def run(self) -> None:
        """Serve the client until it disconnects."""
        await self._send_message(dict(CONNECTED))
        if KEY_HEADER in self._headers:
            await self._authenticate(self._headers.get(KEY_HEADER), self._headers.get(SECRET_HEADER))
        try:
            async with asyncio.timeout(self._house.settings.auth_timeout_s):
                while self.key is None:
                    await self._answer(await self._connection.recv())
        except TimeoutError:
            await self._send_message(error_message(404))
            await self.close(1000, "auth timeout")
            return
        async for frame in self._connection:
            await self._answer(frame)

    async def end(self) -> None:
        """Stop playing and free the key."""
        if self._playing is not None:
            self._playing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._playing
        self._free_key()

    async def send(self, frame: bytes) -> None:
        """Send one frame, waiting while the client reads slowly."""
        await self._connection.send(frame, text=self._codec.is_text)

    async def close(self, code: int, reason: str) -> None:
        """Close with the closing handshake."""
        # Release the key first: the client may reconnect before the closing handshake has ended.
        self._free_key()
        await self._connection.close(code, reason)

    def abort(self) -> None:
        """Cut the connection."""
        self._free_key()
        self._connection.transport.abort()

    def _free_key(self) -> None:
        if self.key is not None:
            self._house.disconnect(self.key)
            self.key = None

    async def _send_message(self, message: dict[str, object]) -> None:
        await self.send(self._codec.messages([message]))

    async def _answer(self, frame: bytes | str) -> None:
        try:
            action, request = read_request(self._codec.decode(frame))
            if action == "auth":
                await self._authenticate(request.get("key"), request.get("secret"))
            elif self.key is None:
                raise RequestRefused(401)
            elif action == "subscribe":
                self._subscriptions.add(request)
                await self._send_message(self._subscriptions.echo())
                self._begin(self.key)
            else:
                self._subscriptions.remove(request)
                await self._send_message(self._subscriptions.echo())
        except RequestRefused as refused:
            await self._send_message(refused.error)
        except (msgspec.DecodeError, UnicodeError):
            await self._send_message(error_message(400))

    async def _authenticate(self, key: object, secret: object) -> None:
        try:
            if self.key is not None:
                raise RequestRefused(403)
            self.key = self._house.authenticate(key, secret, self._feed)
        except RequestRefused as refused:
            self._house.refused(key, self._feed, int(refused.code or 0))
            await self._send_message(refused.error)
        else:
            await self._send_message(dict(AUTHENTICATED))

    def _begin(self, key: str) -> None:
        if self._playing is None:
            self._playing = asyncio.create_task(self._play(key))

    async def _play(self, key: str) -> None:
        with contextlib.suppress(HungUp, ConnectionClosed):
            try:
                await asyncio.sleep(self._house.settings.settle_s)
                await self._house.play(key, self, self._codec, self._subscriptions)
            except (HungUp, ConnectionClosed):
                raise
            except Exception:
                # Otherwise the client would wait forever on a silent connection.
                structlog.get_logger("rotascope.replay").exception("playing failed", key=key)
                await self._send_message(error_message(500))
                await self.close(1011, "playing failed")
            else:
                await self.close(1000, END_OF_RECORDING)
