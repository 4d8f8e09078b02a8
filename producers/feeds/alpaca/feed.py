"""Alpaca's stock stream: URL, login and subscription.

    <- [{"T":"success","msg":"connected"}]
    -> {"action":"auth","key":…,"secret":…}
    <- [{"T":"success","msg":"authenticated"}]
    -> {"action":"subscribe","trades":[…],"statuses":[…]}
    <- [{"T":"subscription","trades":[…],…}]            everything subscribed to so far

The codec is chosen by the Content-Type of the upgrade request: text frames of JSON or binary
frames of msgpack. There are no sequence numbers, so a gap cannot be detected from the stream.

Source: Alpaca, "WebSocket Stream" reference page.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, Final

import msgspec

from core.model.errors import ConfigurationError, FeedError
from core.model.instruments import Instrument, Source
from producers.feeds.alpaca.errors import (
    NOT_AUTHENTICATED,
    SYMBOL_REFUSED,
    TOO_MANY_SYMBOLS,
    feed_error,
)
from producers.feeds.alpaca.messages import AlpacaMessages
from producers.feeds.alpaca.settings import AlpacaSettings
from producers.feeds.alpaca.wire import UNDECODABLE, Error, Subscription, Success, control_decoder
from producers.feeds.base import Batch, Codec, RawMessage, Reply

SYMBOLS_PER_REQUEST: Final = 500
"""Symbols per subscribe request; a refused request is bisected until the faulty symbol is isolated."""


_EVERY_SYMBOL: Final = "*"
_SUBSCRIPTION: Final = b"subscription"
_HEAD_BYTES: Final = 40
"""A list of subscriptions is the only item of its message, and starts with its type."""


class _Step(Enum):
    CONNECTING = "connecting"
    AUTHENTICATING = "authenticating"
    SUBSCRIBING = "subscribing"
    STREAMING = "streaming"


class AlpacaHandshake:
    """State machine of login and subscription.

    A refused subscription (400, 405) is bisected until it passes or a single symbol remains, so
    that a bad symbol or a plan's limit excludes as few symbols as possible. Excluded symbols are
    reported in `notices` and listed in `refused`.
    """

    def __init__(self, key: str, secret: str, symbols: Sequence[str], codec: Codec) -> None:
        self._credentials = (key, secret)
        self._pending = deque(
            tuple(symbols[start : start + SYMBOLS_PER_REQUEST])
            for start in range(0, len(symbols), SYMBOLS_PER_REQUEST)
        )
        self._codec = codec
        self._decode = control_decoder(codec)
        self._step = _Step.CONNECTING
        self._logins = 0
        self._symbols = tuple(symbols)
        self._confirmed: frozenset[str] = frozenset()
        self.refused: list[str] = []

    @property
    def streaming(self) -> bool:
        """Whether login and subscription are complete."""
        return self._step is _Step.STREAMING

    @property
    def unconfirmed(self) -> tuple[str, ...]:
        """Requested symbols that are missing from the vendor's last list of subscriptions."""
        if _EVERY_SYMBOL in self._confirmed:
            return ()
        return tuple(symbol for symbol in self._symbols if symbol not in self._confirmed)

    def overhear(self, payload: bytes) -> bool:
        """Inspect a message of the stream, and return whether it changed the subscription."""
        if _SUBSCRIPTION not in payload[:_HEAD_BYTES]:
            return False
        try:
            controls = self._decode(payload)
        except UNDECODABLE:
            return False
        before = self._confirmed
        for control in controls:
            if isinstance(control, Subscription):
                self._confirmed = frozenset(control.trades or ())
        return self._confirmed != before

    def receive(self, payload: bytes) -> Reply:
        """Handle one message and return what to send.

        Raises:
            FeedError: The session cannot continue.
        """
        try:
            controls = self._decode(payload)
        except UNDECODABLE as failure:
            if self._step in (_Step.SUBSCRIBING, _Step.STREAMING):
                return Reply(is_data=True)  # trades of symbols already subscribed
            raise FeedError(
                "alpaca: the server does not speak this protocol", action="reconnect"
            ) from failure
        send: list[str | bytes] = []
        notices: list[FeedError] = []
        for control in controls:
            if isinstance(control, Success):
                send += self._succeed(control.msg)
            elif isinstance(control, Subscription):
                send += self._confirm(control)
            else:
                send += self._refuse(control, notices)
        return Reply(tuple(send), False, tuple(notices))

    def _succeed(self, message: str) -> list[str | bytes]:
        if self._step is _Step.CONNECTING and message == "connected":
            self._step = _Step.AUTHENTICATING
            return [self._login()]
        if self._step is _Step.AUTHENTICATING and message == "authenticated":
            self._step = _Step.SUBSCRIBING
            return self._subscribe_next()
        return []

    def _login(self) -> str | bytes:
        self._logins += 1
        key, secret = self._credentials
        return self._encode({"action": "auth", "key": key, "secret": secret})

    def _subscribe_next(self) -> list[str | bytes]:
        """Request the next symbols, or start streaming if none are left."""
        if not self._pending:
            if not self._confirmed:
                raise FeedError(
                    "alpaca: no symbol could be subscribed",
                    action="fatal",
                    operator_action="check the symbols in the universe and the plan's symbol limit",
                )
            self._step = _Step.STREAMING
            return []
        symbols = list(self._pending[0])
        return [self._encode({"action": "subscribe", "trades": symbols, "statuses": symbols})]

    def _confirm(self, subscription: Subscription) -> list[str | bytes]:
        if self._step is not _Step.SUBSCRIBING or not self._pending:
            return []
        self._pending.popleft()
        self._confirmed = frozenset(subscription.trades or ())
        return self._subscribe_next()

    def _refuse(self, error: Error, notices: list[FeedError]) -> list[str | bytes]:
        failure = feed_error(error.code, error.msg, streaming=self.streaming)
        if self._step is _Step.SUBSCRIBING and error.code in (SYMBOL_REFUSED, TOO_MANY_SYMBOLS):
            return self._halve(failure, notices)
        if error.code == NOT_AUTHENTICATED and self._logins == 1:
            self._step = _Step.AUTHENTICATING
            return [self._login()]
        if failure.action != "ignore":
            raise failure
        notices.append(failure)
        return []

    def _halve(self, failure: FeedError, notices: list[FeedError]) -> list[str | bytes]:
        refused = self._pending.popleft()
        if len(refused) > 1:
            middle = len(refused) // 2
            self._pending.extendleft([refused[middle:], refused[:middle]])
            return self._subscribe_next()
        left_out = list(refused)
        if failure.code == TOO_MANY_SYMBOLS:  # the plan's limit is reached: no later symbol fits either
            left_out += [symbol for symbols in self._pending for symbol in symbols]
            self._pending.clear()
        self.refused += left_out
        shown = ", ".join(left_out[:5]) + (" …" if len(left_out) > 5 else "")
        notices.append(
            FeedError(
                f"{failure.message}: {len(left_out)} symbols excluded ({shown})",
                action="ignore",
                code=failure.code,
                operator_action=failure.operator_action,
            )
        )
        return self._subscribe_next()

    def _encode(self, message: Mapping[str, Any]) -> str | bytes:
        if self._codec is Codec.JSON:
            return msgspec.json.encode(message).decode()
        return msgspec.msgpack.encode(message)


class AlpacaFeed:
    """Alpaca's stock stream as a feed.

    Args:
        settings: URL, credentials, codec.
        source: Source of its ticks.
        instruments: Instruments to subscribe to, most important first.

    Raises:
        ConfigurationError: There is no API key, or no instrument.
    """

    name: Final = "alpaca"

    def __init__(self, settings: AlpacaSettings, source: Source, instruments: Sequence[Instrument]) -> None:
        self._credentials = settings.credentials()
        if not instruments:
            raise ConfigurationError(
                f"no instrument of the universe has the source {source.name!r}",
                operator_action="set this source on the instruments, or choose another --source",
            )
        self._settings = settings
        self._instruments = tuple(instruments)
        self._messages = AlpacaMessages(source, self._instruments, settings.codec)
        self._stream_error: Callable[[int, str], FeedError] = lambda code, message: feed_error(
            code, message, streaming=True
        )

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """Instruments to subscribe to."""
        return self._instruments

    @property
    def max_message_bytes(self) -> int:
        """Maximum size of a websocket message; a larger one ends the connection."""
        return self._settings.max_message_bytes

    def url(self) -> str:
        """URL of the stream, channel included."""
        return self._settings.url

    def headers(self) -> Mapping[str, str]:
        """The header that selects the codec."""
        return {"Content-Type": f"application/{self._settings.codec}"}

    def handshake(self) -> AlpacaHandshake:
        """Start the handshake of a new connection."""
        symbols = [instrument.symbol for instrument in self._instruments]
        return AlpacaHandshake(*self._credentials, symbols, self._settings.codec)

    def parse(self, messages: Sequence[RawMessage]) -> Batch:
        """Convert raw messages to ticks."""
        return self._messages.parse(messages, self._stream_error)
