"""/metrics, /livez and /readyz on one port."""

from __future__ import annotations

import errno
import socketserver
import threading
from collections.abc import Callable, Iterable
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import StartResponse, WSGIEnvironment

from prometheus_client import CollectorRegistry, make_wsgi_app

from consumers.health import Health
from core.errors import ConfigurationError

_PLAIN: Final = ("Content-Type", "text/plain; charset=utf-8")


class MetricsServer:
    """Serves a registry and a worker's health from a thread of its own.

    Args:
        registry: What /metrics shows.
        health: What /livez and /readyz say.
        host: Address to listen on.
        port: 0 lets the system choose; `port` then says which it is.

    Raises:
        ConfigurationError: The port is taken or may not be used.
    """

    def __init__(self, registry: CollectorRegistry, health: Health, *, host: str, port: int) -> None:
        try:
            self._server = _Server((host, port), _QuietHandler)
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            raise ConfigurationError(
                f"cannot serve metrics on {host}:{port}: {'the port is taken' if taken else error.strerror}",
                operator_action="choose another --metrics-port, or 0 for any free one",
            ) from error
        self._server.set_app(_application(registry, health))
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="metrics", daemon=True
        )

    def __enter__(self) -> MetricsServer:
        """Start to serve."""
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Stop, and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _application(
    registry: CollectorRegistry, health: Health
) -> Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]:
    metrics: Any = make_wsgi_app(registry)

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            answer: Iterable[bytes] = metrics(environ, start_response)
            return answer
        if path == "/livez":
            reason = health.why_not_alive()
            return _say(start_response, [] if reason is None else [reason])
        if path == "/readyz":
            return _say(start_response, health.why_not_ready())
        start_response("404 Not Found", [_PLAIN])
        return [b"there is /metrics, /livez and /readyz\n"]

    return application


def _say(start_response: StartResponse, wrong: list[str]) -> list[bytes]:
    start_response("503 Service Unavailable" if wrong else "200 OK", [_PLAIN])
    return [("\n".join(wrong or ["ok"]) + "\n").encode()]


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    """A thread for each request: a slow scrape does not hold up a probe."""

    daemon_threads = True

    def server_bind(self) -> None:
        """Bind without asking a name server who we are, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        host, port = self.server_address[:2]
        self.server_name, self.server_port = str(host), int(port)
        self.setup_environ()


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """A scrape every few seconds is no news."""
