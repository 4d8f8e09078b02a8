"""A receiver of events: a real HTTP server whose answers a test chooses."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple, Self

from deploy.local.ports import LOOPBACK
from tests.support.secured.certificates import Identity

_DEADLINE_S = 60.0


class Received(NamedTuple):
    """One post.

    Args:
        path: Path and query.
        headers: By name in lower case.
        body: As it came.
        status: What was answered; 0 for nothing.
        at_s: When, monotonic, s.
    """

    path: str
    headers: Mapping[str, str]
    body: bytes
    status: int
    at_s: float


@dataclass(frozen=True)
class WebhookReply:
    """What is answered.

    Args:
        status: HTTP status; 0 closes the connection without a word.
        headers: Further ones.
        body: All that is sent of the body.
        length: What Content-Length says; None for the truth.
        silent_s: How long to wait before.
        drip_s: Time between two letters of a status line that never ends; 0 for a whole answer.
    """

    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    length: int | None = None
    silent_s: float = 0.0
    drip_s: float = 0.0


Script = Callable[[Received], WebhookReply]


class WebhookReceiver:
    """Listens on the loopback interface and notes every post.

    Args:
        script: Chooses the answer.
        identity: With which the connection is encrypted; None for none.
    """

    def __init__(
        self, script: Script = lambda post: WebhookReply(), *, identity: Identity | None = None
    ) -> None:
        self.script = script
        self.posts: list[Received] = []
        self.connections = 0
        self._lock = threading.Lock()
        self._ended = threading.Event()
        receiver = self

        class ReceiverHandler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # one segment an answer, or each waits for an acknowledgement
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                receiver.connections += 1

            def do_POST(self) -> None:
                receiver._answer(self)

            def finish(self) -> None:
                with suppress(OSError):  # the other end has gone
                    super().finish()

            def handle(self) -> None:
                with suppress(OSError):
                    super().handle()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer((LOOPBACK, 0), ReceiverHandler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self.url = f"{'http' if identity is None else 'https'}://{LOOPBACK}:{self.port}/hook"
        if identity is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(identity.certificate, identity.key)
            # In the thread of each connection, or a failed handshake would end the server.
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def accepted(self) -> list[Received]:
        """Posts that were answered with 2xx, in order."""
        return [post for post in self.posts if 200 <= post.status < 300]

    def until(self, condition: Callable[[], bool], deadline_s: float = _DEADLINE_S) -> None:
        """Wait for a condition."""
        deadline = time.monotonic() + deadline_s
        while not condition():
            assert time.monotonic() < deadline, f"after {deadline_s:g} s: {[p.status for p in self.posts]}"
            time.sleep(0.02)

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        post = Received(handler.path, headers, body, 0, time.monotonic())
        reply = self.script(post)
        with self._lock:
            self.posts.append(post._replace(status=reply.status))
        if reply.silent_s and self._ended.wait(reply.silent_s):
            return
        with suppress(OSError):
            if reply.drip_s:
                self._drip(handler, reply.drip_s)
            elif reply.status:
                _send(handler, reply)
                return
        handler.close_connection = True
        with suppress(OSError):
            handler.connection.shutdown(socket.SHUT_RDWR)

    def _drip(self, handler: BaseHTTPRequestHandler, every_s: float) -> None:
        handler.wfile.write(b"HTTP/1.1 200 ")
        while not self._ended.wait(every_s):
            handler.wfile.write(b"x")
            handler.wfile.flush()


def _send(handler: BaseHTTPRequestHandler, reply: WebhookReply) -> None:
    handler.send_response(reply.status)
    for name, value in reply.headers.items():
        handler.send_header(name, value)
    if reply.status not in (204, 304):
        length = len(reply.body) if reply.length is None else reply.length
        handler.send_header("Content-Length", str(length))
    handler.end_headers()
    handler.wfile.write(reply.body)
    handler.wfile.flush()
    if reply.length is not None and reply.length > len(reply.body):
        handler.close_connection = True
