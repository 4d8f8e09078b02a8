"""Alpaca's stock stream: URL, login, subscription and error codes.

    <- [{"T":"success","msg":"connected"}]
    -> {"action":"auth","key":…,"secret":…}
    <- [{"T":"success","msg":"authenticated"}]
    -> {"action":"subscribe","trades":[…],"statuses":[…]}
    <- [{"T":"subscription","trades":[…],…}]            everything subscribed to so far

The codec is chosen by the Content-Type of the upgrade request: text frames of JSON or binary
frames of msgpack. There are no sequence numbers, so a gap cannot be detected from the stream.

Source: Alpaca, "WebSocket Stream" reference page; error codes of its Go client.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec

from core.model.errors import ConfigurationError, FeedError
from core.model.instruments import Instrument
from producers.feeds.alpaca.messages import AlpacaMessages
from producers.feeds.alpaca.wire import UNDECODABLE, Error, Subscription, Success, control_decoder
from producers.feeds.base import Batch, Codec, FeedConfiguration, RawMessage, Reply

SYMBOLS_PER_REQUEST: Final = 500
"""Symbols per subscribe request; a refused request is bisected until the faulty symbol is isolated."""


class _Rule(NamedTuple):
    """Action for an error code, at login and in the stream."""

    at_login: str
    in_stream: str
    operator_action: str | None = None


_KEYS: Final = "check ROTASCOPE_ALPACA_KEY and ROTASCOPE_ALPACA_SECRET, and that the key is for this host"
_PLAN: Final = "choose a channel that the account's plan includes, such as /v2/iex"

ERROR_RULES: Final[Mapping[int, _Rule]] = MappingProxyType(
    {
        400: _Rule("fatal", "ignore", "check the symbols in the universe"),
        401: _Rule("reconnect", "reconnect"),
        402: _Rule("fatal", "fatal", _KEYS),
        403: _Rule("ignore", "ignore"),
        404: _Rule("reconnect", "reconnect"),
        405: _Rule("ignore", "ignore", "subscribe to fewer symbols: the plan's limit is reached"),
        406: _Rule("slow_retry", "slow_retry", "stop the other process that uses this key"),
        407: _Rule(
            "reconnect",
            "reconnect",
            "subscribe to fewer symbols, or use a faster machine: we read too slowly",
        ),
        409: _Rule("fatal", "fatal", _PLAN),
        410: _Rule("fatal", "ignore", "this channel does not carry trades or statuses"),
        411: _Rule("fatal", "fatal", "grant the key the market-data scope"),
        500: _Rule("reconnect", "reconnect"),
    }
)
"""Vendor code → action. An unknown code at login is retried; in the stream it is reported and the
stream continues."""

_EVERY_SYMBOL: Final = "*"
_SUBSCRIPTION: Final = b"subscription"
_HEAD_BYTES: Final = 40
"""A list of subscriptions is the only item of its message, and starts with its type."""

_SYMBOL_REFUSED: Final = 400
_NOT_AUTHENTICATED: Final = 401
_TOO_MANY_SYMBOLS: Final = 405


def feed_error(code: int, message: str, *, streaming: bool) -> FeedError:
    """Convert a vendor's error to a `FeedError` with its action.

    Example:
        >>> feed_error(402, "auth failed", streaming=False).action
        'fatal'
    """
    rule = ERROR_RULES.get(code, _Rule("reconnect", "ignore"))
    return FeedError(
        f"alpaca: {message or 'error'} (code {code})",
        action=rule.in_stream if streaming else rule.at_login,
        code=code,
        operator_action=rule.operator_action,
    )


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
        if self._step is _Step.SUBSCRIBING and error.code in (_SYMBOL_REFUSED, _TOO_MANY_SYMBOLS):
            return self._halve(failure, notices)
        if error.code == _NOT_AUTHENTICATED and self._logins == 1:
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
        if failure.code == _TOO_MANY_SYMBOLS:  # the plan's limit is reached: no later symbol fits either
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
    """Alpaca's stock stream as a feed."""

    name: Final = "alpaca"

    def __init__(self, configuration: FeedConfiguration) -> None:
        if not configuration.instruments:
            raise ConfigurationError(
                f"no instrument of the universe has the source {configuration.source.name!r}",
                operator_action="set this source on the instruments, or choose another --source",
            )
        self._configuration = configuration
        self._messages = AlpacaMessages(configuration.source, configuration.instruments, configuration.codec)
        self._stream_error: Callable[[int, str], FeedError] = lambda code, message: feed_error(
            code, message, streaming=True
        )

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """Instruments to subscribe to."""
        return self._configuration.instruments

    @property
    def max_message_bytes(self) -> int:
        """Maximum size of a websocket message; a larger one ends the connection."""
        return self._configuration.max_message_bytes

    def url(self) -> str:
        """URL of the stream, channel included."""
        return self._configuration.url

    def headers(self) -> Mapping[str, str]:
        """The header that selects the codec."""
        return {"Content-Type": f"application/{self._configuration.codec}"}

    def handshake(self) -> AlpacaHandshake:
        """Start the handshake of a new connection."""
        configuration = self._configuration
        symbols = [instrument.symbol for instrument in configuration.instruments]
        return AlpacaHandshake(configuration.key, configuration.secret, symbols, configuration.codec)

    def parse(self, messages: Sequence[RawMessage]) -> Batch:
        """Convert raw messages to ticks."""
        return self._messages.parse(messages, self._stream_error)
