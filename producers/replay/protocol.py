"""The vendor's control protocol: client requests and server replies.

Every frame is an array of messages. A session connects, authenticates within ten seconds and
subscribes; subscriptions are cumulative, and each change is answered with the full current set.
A trade subscription includes corrections and cancels.

Source: Alpaca, real-time stock data documentation, and the error table of its Go client.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from core.model.errors import FeedError

CONNECTED: Final = MappingProxyType({"T": "success", "msg": "connected"})
AUTHENTICATED: Final = MappingProxyType({"T": "success", "msg": "authenticated"})

ERRORS: Final[Mapping[int, str]] = MappingProxyType(
    {
        400: "invalid syntax",
        401: "not authenticated",
        402: "auth failed",
        403: "already authenticated",
        404: "auth timeout",
        405: "symbol limit exceeded",
        406: "connection limit exceeded",
        407: "slow client",
        409: "insufficient subscription",
        410: "invalid subscribe action for this feed",
        500: "internal error",
    }
)

KEY_HEADER: Final = "APCA-API-KEY-ID"
SECRET_HEADER: Final = "APCA-API-SECRET-KEY"  # noqa: S105 - a header's name, not a secret

WILDCARD: Final = "*"
CHANNELS: Final = ("trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds")
FOREIGN_CHANNELS: Final = frozenset({"news", "orderbooks"})
"""Channels of the vendor's other feeds: known, but not available here."""

_FOLLOWS_TRADES: Final = ("corrections", "cancelErrors")
_LIMITED_CHANNELS: Final = ("trades", "quotes")
_SYMBOL: Final = re.compile(r"\*|[A-Z][A-Z0-9]*(?:[./][A-Z0-9]+)*")
_CHANNEL_OF_TYPE: Final = MappingProxyType({"t": "trades", "c": "trades", "x": "trades", "s": "statuses"})


def error_message(code: int) -> dict[str, object]:
    """Return the error message for an error code."""
    return {"T": "error", "code": code, "msg": ERRORS[code]}


class RequestRefused(FeedError):
    """A client request that is answered with an error; the session continues."""

    def __init__(self, code: int) -> None:
        super().__init__(ERRORS[code], action="ignore", code=code)
        self.error = error_message(code)


def read_request(message: object) -> tuple[str, Mapping[str, object]]:
    """Parse a client message.

    Args:
        message: Message as decoded by the codec.

    Returns:
        The action and the message.

    Raises:
        RequestRefused: 400 for anything but a map with a known action.
    """
    if not isinstance(message, Mapping):
        raise RequestRefused(400)
    action = message.get("action")
    if action not in ("auth", "subscribe", "unsubscribe"):
        raise RequestRefused(400)
    return str(action), message


class Subscriptions:
    """Subscriptions of one session.

    Args:
        symbol_limit: Maximum number of distinct symbols over trades and quotes; None for no limit.
    """

    def __init__(self, symbol_limit: int | None = None) -> None:
        self._symbol_limit = symbol_limit
        self._symbols: dict[str, dict[str, None]] = {channel: {} for channel in CHANNELS}

    def add(self, request: Mapping[str, object]) -> None:
        """Add a subscribe request's symbols to the current set.

        Raises:
            RequestRefused: 400, 405 or 410; the current set is unchanged.
        """
        wanted = _channels(request)
        merged = {
            channel: {**old, **dict.fromkeys(wanted.get(channel, ()))}
            for channel, old in self._symbols.items()
        }
        distinct = set().union(*(merged[channel] for channel in _LIMITED_CHANNELS))
        if self._symbol_limit is not None and len(distinct) > self._symbol_limit:
            raise RequestRefused(405)
        self._symbols = merged

    def remove(self, request: Mapping[str, object]) -> None:
        """Remove an unsubscribe request's symbols from the current set.

        Raises:
            RequestRefused: 400 or 410; the current set is unchanged.
        """
        for channel, symbols in _channels(request).items():
            for symbol in symbols:
                self._symbols[channel].pop(symbol, None)

    def echo(self) -> dict[str, object]:
        """Return the message that states the full current set."""
        message: dict[str, object] = {"T": "subscription"}
        message.update({channel: list(symbols) for channel, symbols in self._symbols.items()})
        message.update({channel: list(self._symbols["trades"]) for channel in _FOLLOWS_TRADES})
        return message

    def wants_trades_of(self, symbol: str) -> bool:
        """Whether trades of a symbol are subscribed."""
        return self._covers("trades", symbol)

    def wants(self, message: Mapping[str, object]) -> bool:
        """Whether a data message other than a recorded trade is subscribed."""
        channel = _CHANNEL_OF_TYPE.get(str(message.get("T")))
        return channel is not None and self._covers(channel, str(message.get("S")))

    def _covers(self, channel: str, symbol: str) -> bool:
        return symbol in self._symbols[channel] or WILDCARD in self._symbols[channel]


def _channels(request: Mapping[str, object]) -> dict[str, list[str]]:
    wanted: dict[str, list[str]] = {}
    for channel, symbols in request.items():
        if channel == "action" or channel in _FOLLOWS_TRADES:
            continue
        if channel in FOREIGN_CHANNELS:
            raise RequestRefused(410)
        if channel not in CHANNELS or not isinstance(symbols, list):
            raise RequestRefused(400)
        if not all(isinstance(symbol, str) and _SYMBOL.fullmatch(symbol) for symbol in symbols):
            raise RequestRefused(400)
        wanted[channel] = symbols
    return wanted
