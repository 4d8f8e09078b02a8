"""HTTP server of workers and producers: /metrics, and probes such as /readyz, on one port."""

from __future__ import annotations

import errno
import io
import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import IO, Any, Final, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import StartResponse, WSGIEnvironment

import structlog
from prometheus_client import CollectorRegistry, make_wsgi_app
from typing_extensions import override

from core.model.errors import ConfigurationError

Probe = Callable[[], list[str]]
"""Returns what is wrong; empty if healthy."""

_ALLOWED: Final = "GET, HEAD"
SILENCE_MAX_S: Final = 10.0
"""A client that does not ask, or does not take its answer, for so long is cut off."""
CLIENTS_MAX: Final = 32
"""Requests in progress; one more is refused, so that hanging clients cannot use up threads."""
_PLAIN: Final = ("Content-Type", "text/plain; charset=utf-8")
_OTHER_PORT: Final = "choose another --metrics-port, or 0 for a free one"
_OTHER_HOST: Final = "correct metrics.host: a name or an address of this machine, such as 127.0.0.1 or ::"

_Application = Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]


class MetricsServer:
    """Serves a registry and probes from its own thread.

    Args:
        registry: Registry served at /metrics.
        host: Name or address to listen on, IPv4 or IPv6.
        port: 0 picks a free port, available as `port`.
        probes: Other paths: 200 if the probe returns nothing, otherwise 503.
        silence_max_s: How long a client may do nothing, s.
        clients_max: How many requests may be in progress.

    Raises:
        ConfigurationError: The host is not on this machine, or the port is in use or not permitted.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        host: str,
        port: int,
        probes: Mapping[str, Probe] | None = None,
        silence_max_s: float = SILENCE_MAX_S,
        clients_max: int = CLIENTS_MAX,
    ) -> None:
        self._server = _listen(host, port)
        self._server.bound_clients(silence_max_s, clients_max)
        self._server.set_app(_application(registry, probes or {}))
        self.port: int = self._server.server_address[1]
        self.url = f"http://{_shown(host, self.port)}/metrics"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="metrics", daemon=True
        )

    def __enter__(self) -> Self:
        """Start serving."""
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Stop, and release the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _listen(host: str, port: int) -> _Server:
    """Bind to the first address of the host that this machine can use."""
    unusable: OSError | None = None
    for family, address in _addresses(host, port):
        try:
            return _Server(family, address)
        except OSError as error:
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                raise _refusal(host, port, error) from error
            unusable = error
    raise ConfigurationError(
        f"cannot serve metrics on {_shown(host, port)}: this machine has no such address",
        operator_action=_OTHER_HOST,
    ) from unusable


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, Any]]:
    """Resolve a host; IPv4 first if it has both."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, ValueError) as error:  # ValueError: not a valid host name
        raise ConfigurationError(
            f"cannot serve metrics on {_shown(host, port)}: the host cannot be resolved",
            operator_action=_OTHER_HOST,
        ) from error
    addresses = [(family, address) for family, _, _, _, address in found]
    return sorted(addresses, key=lambda each: each[0] != socket.AF_INET)


def _refusal(host: str, port: int, error: OSError) -> ConfigurationError:
    reason, action = error.strerror or str(error), "correct metrics.host and --metrics-port"
    if error.errno == errno.EADDRINUSE:
        reason, action = "the port is in use", _OTHER_PORT
    elif error.errno in (errno.EACCES, errno.EPERM):
        reason = "permission denied; a port below 1024 needs elevated privileges"
        action = "choose a --metrics-port of at least 1024, or 0 for a free one"
    return ConfigurationError(
        f"cannot serve metrics on {_shown(host, port)}: {reason}", operator_action=action
    )


def _shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _application(registry: CollectorRegistry, probes: Mapping[str, Probe]) -> _Application:
    metrics: _Application = make_wsgi_app(registry)
    *others, last = ("/metrics", *probes)
    known = f"there is {', '.join(others)} and {last}\n" if others else f"there is {last}\n"

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path, method = environ.get("PATH_INFO", ""), environ["REQUEST_METHOD"]
        if path != "/metrics" and path not in probes:
            return _say(start_response, method, "404 Not Found", known)
        if method not in ("GET", "HEAD"):
            return _say(
                start_response, method, "405 Method Not Allowed", f"use {_ALLOWED}\n", ("Allow", _ALLOWED)
            )
        if path != "/metrics":
            wrong = probes[path]()
            status = "503 Service Unavailable" if wrong else "200 OK"
            return _say(start_response, method, status, "\n".join(wrong or ["ok"]) + "\n")
        try:
            if method == "GET":
                return metrics(environ, start_response)
            return _head(metrics, environ, start_response)
        except Exception:
            structlog.get_logger().exception("the metrics could not be collected")
            return _say(start_response, method, "500 Internal Server Error", "see the log\n")

    return application


def _say(
    start_response: StartResponse, method: str, status: str, text: str, *headers: tuple[str, str]
) -> list[bytes]:
    body = text.encode()
    start_response(status, [_PLAIN, *headers, ("Content-Length", str(len(body)))])
    return [] if method == "HEAD" else [body]


def _head(application: _Application, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    """Answer like GET, without the body."""
    said: list[tuple[str, list[tuple[str, str]]]] = []

    def keep(status: str, headers: list[tuple[str, str]], *exception: object) -> Callable[[bytes], object]:
        said.append((status, headers))
        return lambda data: None

    body = b"".join(application({**environ, "REQUEST_METHOD": "GET"}, keep))
    status, headers = said[-1]
    start_response(status, [*headers, ("Content-Length", str(len(body)))])
    return []


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    """One thread per request, so that a slow scrape does not delay a probe; their number is limited."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, family: socket.AddressFamily, address: Any) -> None:
        self.address_family = family
        self.bound_clients(SILENCE_MAX_S, CLIENTS_MAX)
        super().__init__(address, _QuietHandler)

    def bound_clients(self, silence_max_s: float, clients_max: int) -> None:
        """Set the limits, before serving."""
        self._silence_max_s = silence_max_s
        self._free = threading.BoundedSemaphore(clients_max)

    @override
    def get_request(self) -> tuple[Any, Any]:
        request, client_address = super().get_request()
        request.settimeout(self._silence_max_s)
        return request, client_address

    @override
    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    @override
    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away or was cut off; anything else is our mistake."""
        if not isinstance(sys.exception(), OSError):
            structlog.get_logger().error("a request to the metrics port failed", exc_info=True)

    def server_bind(self) -> None:
        """Bind without a reverse DNS lookup, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        host, port = self.server_address[:2]
        self.server_name, self.server_port = str(host), int(port)
        self.setup_environ()


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Do not log requests."""

    @override
    def get_stderr(self) -> IO[str]:
        """Discard what wsgiref writes of a client that was cut off; the application logs its own errors."""
        return io.StringIO()
