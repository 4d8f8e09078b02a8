"""Why a connection ended: closed by the vendor, closed by us, broken, or upgrade refused."""

from __future__ import annotations

from typing import Final

from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from core.model.errors import FeedError
from producers.feeds.base import Feed

_HTTP_FATAL: Final = frozenset({400, 401, 403, 404})
_HTTP_TOO_MANY: Final = 429
_HTTP_REDIRECTS: Final = range(300, 400)


def close_failure(closed: ConnectionClosed, feed: Feed) -> FeedError:
    """Explain why a connection was closed.

    Args:
        closed: Exception of the websocket library.
        feed: Feed of the connection.

    Returns:
        The failure; reconnecting is allowed. The code is a name for a close that we initiated, and the
        number for a close by the vendor.
    """
    received, sent = closed.rcvd, closed.sent
    if sent is not None and (received is None or not closed.rcvd_then_sent):
        return _own_close(sent.code, sent.reason, feed)
    if received is None:
        return FeedError("the connection broke", action="reconnect", code="broken")
    reason = f" ({received.reason})" if received.reason else ""
    return FeedError(
        f"the server closed the connection: {received.code}{reason}", action="reconnect", code=received.code
    )


def _own_close(code: int, reason: str, feed: Feed) -> FeedError:
    suffix = f" ({reason})" if reason else ""
    if code == CloseCode.MESSAGE_TOO_BIG:
        setting = f"{feed.name}.max_message_bytes"
        return FeedError(
            f"we closed the connection: a message is larger than {setting} = "
            f"{feed.max_message_bytes}{suffix}",
            action="reconnect",
            code="message_too_large",
            operator_action=f"raise {setting}, or subscribe to fewer symbols",
        )
    if code in (CloseCode.PROTOCOL_ERROR, CloseCode.INVALID_DATA):
        return FeedError(
            f"we closed the connection: the server broke the websocket protocol{suffix}",
            action="reconnect",
            code="protocol_error",
            operator_action="check that the URL is the vendor's, and check any proxy on the way",
        )
    if code == CloseCode.INTERNAL_ERROR:
        return FeedError(
            f"we closed the connection: the server did not answer our pings{suffix}",
            action="reconnect",
            code="ping_timeout",
        )
    return FeedError(f"we closed the connection: {code}{suffix}", action="reconnect", code=f"closed_{code}")


def http_failure(status: int, shown: str) -> FeedError:
    """Explain a refused upgrade.

    Args:
        status: HTTP status of the response.
        shown: The redacted URL.
    """
    action = "reconnect"
    operator_action: str | None = None
    if status == _HTTP_TOO_MANY:
        action = "slow_retry"
    elif status in _HTTP_FATAL:
        action, operator_action = "fatal", "check the URL, the channel and the key"
    elif status in _HTTP_REDIRECTS:
        action, operator_action = (
            "fatal",
            "set the URL that the redirect points to; redirects are not followed",
        )
    return FeedError(
        f"{shown} refused the connection: HTTP {status}",
        action=action,
        code=f"http_{status}",
        operator_action=operator_action,
    )
