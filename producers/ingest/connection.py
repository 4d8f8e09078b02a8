"""Opens the websocket of a feed; every failure to do so becomes a FeedError with its action."""

from __future__ import annotations

import socket
from typing import Any, Final
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidProxy, InvalidStatus, InvalidURI

from core.kafka.host_names import cannot_resolve
from core.model.addresses import is_loopback
from core.model.errors import FeedError
from producers.feeds.base import Feed
from producers.ingest.addresses import printable
from producers.ingest.closes import http_failure

MAX_QUEUED_FRAMES: Final = 1024
"""Frames that the library buffers before it stops reading; its default of 16 is exceeded in every burst."""

PING_INTERVAL_S: Final = 10.0
PING_TIMEOUT_S: Final = 60.0
"""Pongs queue behind data, so the timeout must outlast a burst; the watchdog detects silence."""

CLOSE_TIMEOUT_S: Final = 2.0
"""A server that does not answer the close is not waited for; a clean close releases our connection slot."""


async def open_connection(feed: Feed, *, recorded: bool) -> ClientConnection:
    """Open the websocket of a feed.

    Args:
        feed: Gives URL, headers and the size of the largest message.
        recorded: The server plays a recording: no keepalive.

    Returns:
        The connection, before the login.

    Raises:
        FeedError: There is no connection; `fatal` if another attempt would fail as well.
    """
    url = feed.url()
    shown = printable(url)
    options: dict[str, Any] = {}
    try:
        if is_loopback(urlsplit(url).hostname):
            options["proxy"] = None
        return await _DirectConnection(
            url,
            additional_headers=dict(feed.headers()),
            compression=None,  # CPU is scarcer than bandwidth
            max_size=feed.max_message_bytes,
            max_queue=MAX_QUEUED_FRAMES,
            ping_interval=None if recorded else PING_INTERVAL_S,
            ping_timeout=PING_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
            **options,
        )
    except InvalidStatus as error:
        raise http_failure(error.response.status_code, shown) from error
    except socket.gaierror as error:
        raise FeedError(
            f"no connection to {shown}: {cannot_resolve(urlsplit(url).hostname)}",
            action="reconnect",
            operator_action="correct the URL, or check the name service of this machine",
        ) from error
    except (OSError, TimeoutError, InvalidHandshake) as error:
        message = f"no connection to {shown}: {str(error) or type(error).__name__}"
        raise FeedError(message, action="reconnect") from error
    except (InvalidProxy, ImportError) as error:  # the library's message includes the proxy password
        raise FeedError(
            f"no connection to {shown}: the proxy set in the environment cannot be used",
            action="fatal",
            operator_action="check HTTPS_PROXY and HTTP_PROXY, or set NO_PROXY for this host",
        ) from error
    except (InvalidURI, ValueError) as error:
        raise FeedError(f"{shown!r} is not a websocket URL", action="fatal") from error


class _DirectConnection(connect):
    """A connection that does not follow redirects, which could send the secret anywhere."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Return the response as a failure."""
        return exc
