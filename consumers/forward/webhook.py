"""One connection to the receiver, kept open from post to post."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ReadTimeoutError

from consumers.forward.destination import Destination
from consumers.forward.verdicts import Answer, Cause
from core.model.errors import ConfigurationError
from core.model.forward_settings import ForwardSettings

_CHUNK_BYTES: Final = 16 * 1024
_FAILURES: Final = (OSError, HTTPError, http.client.HTTPException, ValueError)


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Make the context of encrypted connections: names and certificates are checked.

    Args:
        ca_file: Certificates to trust; None for the system's.

    Raises:
        ConfigurationError: The file cannot be used.
    """
    try:
        return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"forward.ca_file {ca_file}: {error.strerror or error}",
            operator_action="name a file of certificates in PEM format",
        ) from error


class Webhook:
    """Posts over one connection; used from one thread, but for `interrupt_if_overdue` and `close`.

    Args:
        destination: The receiver.
        settings: Time limit and size limit of an answer.
        tls: For https.
        monotonic_s: Monotonic clock, s.
    """

    def __init__(
        self,
        destination: Destination,
        settings: ForwardSettings,
        tls: ssl.SSLContext | None,
        *,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._destination = destination
        self._timeout_s = settings.attempt_timeout_ms / 1000
        self._body_max = settings.response_max_bytes
        self._monotonic_s = monotonic_s
        self._overdue_s: float | None = None
        self._interrupted = False
        self._lock = threading.Lock()
        self._connection = self._made(tls)

    def post(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """Post once, and wait for the whole answer; never raises for what a receiver can do.

        Args:
            headers: Less `Host` and `Content-Length`.
            body: As it is sent.
        """
        with self._lock:
            self._overdue_s = self._monotonic_s() + self._timeout_s
            self._interrupted = False
        try:
            answer = self._exchanged(headers, body)
            # http.client takes a head that was cut for a whole one.
            return self._failed(TimeoutError()) if self._interrupted else answer
        except _FAILURES as error:
            return self._failed(error)
        finally:
            with self._lock:
                self._overdue_s = None

    def interrupt_if_overdue(self) -> None:
        """Cut an exchange that takes too long: each byte of a slow answer renews the socket's own limit."""
        with self._lock:
            if self._overdue_s is not None and self._monotonic_s() > self._overdue_s:
                self._interrupted = True
                self._shut()

    def close(self) -> None:
        """Cut whatever is under way."""
        with self._lock:
            self._shut()

    def _exchanged(self, headers: Mapping[str, str], body: bytes) -> Answer:
        connection = self._connection
        if not connection.is_closed and not connection.is_connected:
            # The receiver has closed it between two posts, as it may.
            connection.close()
        connection.timeout = self._timeout_s
        own = {"Host": self._destination.authority, "User-Agent": "rotascope", **headers}
        connection.request("POST", self._destination.target, body=body, headers=own, preload_content=False)
        response = connection.getresponse()
        answer = Answer(
            response.status, response.headers.get("Retry-After"), response.headers.get("Location")
        )
        left = self._body_max
        while left > 0:
            read = response.read(min(left, _CHUNK_BYTES), decode_content=False)
            if not read:
                break
            left -= len(read)
        if left <= 0 or response.headers.get("Connection", "").lower() == "close":
            connection.close()
        return answer

    def _failed(self, error: Exception) -> Answer:
        self._connection.close()
        late = isinstance(error, TimeoutError | ConnectTimeoutError | ReadTimeoutError)
        # A refused connection is one of its connect time-outs to urllib3.
        if self._interrupted or (late and not isinstance(error, NewConnectionError)):
            words = f"no whole answer within {self._timeout_s * 1000:.0f} ms"
            return Answer(None, failure=words, cause=Cause.TIMED_OUT)
        return Answer(None, failure=f"{type(error).__name__}: {error}", cause=Cause.CONNECTION)

    def _made(self, tls: ssl.SSLContext | None) -> HTTPConnection:
        destination = self._destination
        if destination.scheme == "http":
            return HTTPConnection(destination.host, destination.port, timeout=self._timeout_s)
        return HTTPSConnection(destination.host, destination.port, timeout=self._timeout_s, ssl_context=tls)

    def _shut(self) -> None:
        sock = self._connection.sock
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
