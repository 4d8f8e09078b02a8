"""Alpaca's error codes, and what a session does about each.

Source: Alpaca, "WebSocket Stream" reference page; error codes of its Go client.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from core.model.errors import FeedError
from producers.feeds.alpaca.settings import AlpacaSettings

SYMBOL_REFUSED: Final = 400
NOT_AUTHENTICATED: Final = 401
TOO_MANY_SYMBOLS: Final = 405


class _Rule(NamedTuple):
    """Action for an error code, at login and in the stream."""

    at_login: str
    in_stream: str
    operator_action: str | None = None


_KEYS: Final = f"check {' and '.join(AlpacaSettings.variables)}, and that the key is for this host"
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
