"""A websocket server that speaks the vendor's protocol and plays a recording."""

from __future__ import annotations

import asyncio
import errno
import hmac
import socket
from collections.abc import Callable
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self

import structlog
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from core.model.errors import ConfigurationError
from core.runtime.line_budget import LineBudget
from producers.replay.connection import PATH_PREFIX, Client
from producers.replay.player import Player, PlayerOutlet
from producers.replay.protocol import RequestRefused, Subscriptions
from producers.replay.recording import Recording
from producers.replay.refusal import RefusedClient, refusal_of
from producers.replay.settings import Faults, ReplaySettings
from producers.replay.wire import WireCodec

WRITE_LIMIT_BYTES: Final = 1 << 18
"""Bytes in the write buffer beyond which sending waits for the client."""


class ReplayServer:
    """Serves one recording; an asynchronous context manager.

    Args:
        recording: The recording to play. Every key gets it from the start.
        settings: Address, keys, pace.
        faults: Faults to inject.
        on_refusal: Called when a client is refused; a client that tries again and again, once a minute.
    """

    def __init__(
        self,
        recording: Recording,
        settings: ReplaySettings | None = None,
        faults: Faults | None = None,
        *,
        on_refusal: Callable[[RefusedClient], None] = lambda refusal: None,
    ) -> None:
        self._recording = recording
        self._settings = settings or ReplaySettings()
        self._faults = faults or Faults()
        self._secrets = dict(self._settings.credentials)
        self._players: dict[str, Player] = {}
        self._connected_keys: set[str] = set()
        self._on_refusal = on_refusal
        self._refusals: dict[int, LineBudget] = {}
        self._upgrades = 0
        self._auth_attempts = 0
        self._everyone_is_here = asyncio.Event()
        self._everyone_is_served = asyncio.Event()
        self._server: Server | None = None
        self._log = structlog.get_logger("rotascope.replay")

    async def start(self) -> None:
        """Start listening.

        Raises:
            ConfigurationError: The server cannot listen on the address.
        """
        settings = self._settings
        try:
            self._server = await serve(
                self._serve_connection,
                settings.host,
                settings.port,
                process_request=self._answer_upgrade,
                # On the loopback interface, compression costs more than it saves.
                compression=None,
                # A slow reader is throttled by its socket, not disconnected.
                ping_timeout=None,
                close_timeout=settings.close_timeout_s,
                write_limit=WRITE_LIMIT_BYTES,
            )
        except OSError as error:
            raise _cannot_listen(settings, error) from error

    async def close(self) -> None:
        """Close all connections (1001, going away) and stop listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def port(self) -> int:
        """Port the server listens on."""
        assert self._server is not None, "the server is not started"  # noqa: S101 - caller's error
        return int(self._server.sockets[0].getsockname()[1])

    def url(self, feed: str = "sip") -> str:
        """Return the URL of a feed."""
        return f"ws://{_in_url(self._settings.host)}:{self.port}{PATH_PREFIX}{feed}"

    @property
    def trades_sent(self) -> int:
        """Number of trades handed to connections."""
        return sum(player.trades_sent for player in self._players.values())

    @property
    def frames_sent(self) -> int:
        """Number of data frames handed to connections."""
        return sum(player.frames_sent for player in self._players.values())

    @property
    def trades_missed(self) -> int:
        """Number of trades that came due while their client was disconnected."""
        return sum(player.trades_missed for player in self._players.values())

    @property
    def ts_event_ns(self) -> int:
        """Event time of the most advanced stream; 0 before the first."""
        return max((player.ts_event_ns for player in self._players.values()), default=0)

    async def wait_served(self) -> None:
        """Wait until `wait_for` keys have received the whole recording; forever in repeat mode."""
        await self._everyone_is_served.wait()

    def _answer_upgrade(self, connection: ServerConnection, request: Request) -> Response | None:
        self._upgrades += 1
        if self._upgrades <= self._faults.reject_upgrades:
            return connection.respond(HTTPStatus.TOO_MANY_REQUESTS, "too many requests\n")
        if not request.path.startswith(PATH_PREFIX):
            return connection.respond(HTTPStatus.NOT_FOUND, "the stream is at /v2/<feed>\n")
        return None

    async def _serve_connection(self, connection: ServerConnection) -> None:
        client = Client(self, connection)
        try:
            await client.run()
        except ConnectionClosed:
            self._log.debug("client left", key=client.key)
        finally:
            await client.end()

    def authenticate(self, key: object, secret: object, feed: str) -> str:
        """Return the key of an authenticated client, and count it as connected.

        Raises:
            RequestRefused: 402, 406 or 409, or a code `Faults.refuse_auth` asks for.
        """
        self._auth_attempts += 1
        if self._auth_attempts <= len(self._faults.refuse_auth):
            raise RequestRefused(self._faults.refuse_auth[self._auth_attempts - 1])
        if not isinstance(key, str) or not isinstance(secret, str) or not self._is_known(key, secret):
            raise RequestRefused(402)
        if feed not in self._settings.feeds:
            raise RequestRefused(409)
        if key in self._connected_keys:
            raise RequestRefused(406)
        self._connected_keys.add(key)
        return key

    def _is_known(self, key: str, secret: str) -> bool:
        return key in self._secrets and hmac.compare_digest(self._secrets[key].encode(), secret.encode())

    def refused(self, key: object, feed: str, code: int) -> None:
        """Tell why a client was refused, at most once a minute for each code."""
        if self._refusals.setdefault(code, LineBudget()).take(asyncio.get_running_loop().time()):
            known = isinstance(key, str) and key in self._secrets
            self._on_refusal(refusal_of(code, key, feed, known=known, feeds=self._settings.feeds))

    def disconnect(self, key: str) -> None:
        """Release the single connection of a key."""
        self._connected_keys.discard(key)

    async def play(
        self, key: str, outlet: PlayerOutlet, codec: WireCodec, subscriptions: Subscriptions
    ) -> None:
        """Play to one client once all awaited clients have subscribed."""
        loop_time = asyncio.get_running_loop().time
        player = self._players.get(key)
        if player is None or (player.ended and self._settings.repeat):
            player = self._players[key] = Player(self._recording, self._settings, self._faults, loop_time)
        if len(self._players) >= self._settings.wait_for:
            self._everyone_is_here.set()
        await self._everyone_is_here.wait()
        await player.play(outlet, codec, subscriptions)
        served = sum(player.ended for player in self._players.values())
        if served >= self._settings.wait_for and not self._settings.repeat:
            self._everyone_is_served.set()

    @property
    def settings(self) -> ReplaySettings:
        """Settings of the server."""
        return self._settings


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _cannot_listen(settings: ReplaySettings, error: OSError) -> ConfigurationError:
    """Explain why the server cannot listen on an address, and which option to change."""
    if isinstance(error, socket.gaierror):
        return ConfigurationError(
            f"{settings.host!r} is not a known address or host name",
            operator_action="correct --host; 127.0.0.1 is this machine",
        )
    where = f"{_in_url(settings.host)}:{settings.port}"
    if error.errno == errno.EADDRNOTAVAIL:
        return ConfigurationError(
            f"{where}: this machine does not have that address",
            operator_action="correct --host; 0.0.0.0 listens on all addresses of this machine",
        )
    reason = "is in use" if error.errno == errno.EADDRINUSE else f"is not available: {error.strerror}"
    return ConfigurationError(
        f"{where} {reason}", operator_action="choose another --port, or 0 for a free one"
    )
