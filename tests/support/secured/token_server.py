"""An identity provider for tests: a token endpoint (client credentials grant) and a JWKS endpoint.

Tokens are JWTs signed with RS256 (RFC 7515, RFC 7519); the key is published as RFC 7517 has it.
"""

from __future__ import annotations

import base64
import json
import ssl
import time
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self
from urllib.parse import parse_qs, unquote

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.support.secured.certificates import Identity

AUDIENCE = "rotascope-test-kafka"
ISSUER = "https://identity.example.test"
SCOPE = "kafka"
_KEY_ID = "test-key"


class TokenServer:
    """Serves on loopback until the context is left.

    Args:
        clients: Client id → client secret. The id becomes the token's subject.
        identity: Serve https with this certificate; None for http.
        lifetime_s: Seconds for which a token is valid.
    """

    def __init__(
        self, clients: Mapping[str, str], *, identity: Identity | None = None, lifetime_s: float = 300.0
    ) -> None:
        self._clients = dict(clients)
        self._lifetime_s = lifetime_s
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.token_requests = 0
        """How often a token was asked for, refused requests included."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._scheme = "http"
        if identity is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(identity.certificate, identity.key)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self._scheme = "https"

    def __enter__(self) -> Self:
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def token_url(self) -> str:
        """Where clients get tokens."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}/token"

    @property
    def jwks_url(self) -> str:
        """Where a broker gets the keys that tokens are signed with."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}/jwks"

    def keys(self) -> dict[str, Any]:
        """The public key, as the JWKS endpoint gives it."""
        numbers = self._key.public_key().public_numbers()
        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": _KEY_ID}
        return {"keys": [key | {"n": _base64_of(numbers.n), "e": _base64_of(numbers.e)}]}

    def token(self, subject: str, scope: str) -> str:
        """Sign a token."""
        now = int(time.time())
        claims = {
            "sub": subject,
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + int(self._lifetime_s),
            "scope": scope,
        }
        head = {"alg": "RS256", "typ": "JWT", "kid": _KEY_ID}
        signed = ".".join(_base64(json.dumps(part).encode()) for part in (head, claims))
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_base64(signature)}"

    def answer(self, form: Mapping[str, str], authorization: str) -> tuple[HTTPStatus, dict[str, Any]]:
        """Answer a token request, as RFC 6749 section 4.4 has it.

        Args:
            form: The body's fields.
            authorization: The header of that name; a client may put its id and secret in either place.
        """
        self.token_requests += 1
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
        if authorization.startswith("Basic "):
            given = base64.b64decode(authorization.removeprefix("Basic ")).decode()
            client_id, secret = (unquote(part) for part in given.split(":", 1))
        if form.get("grant_type") != "client_credentials":
            return HTTPStatus.BAD_REQUEST, {"error": "unsupported_grant_type"}
        if self._clients.get(client_id) != secret:
            return HTTPStatus.UNAUTHORIZED, {"error": "invalid_client"}
        return HTTPStatus.OK, {
            "access_token": self.token(client_id, form.get("scope", SCOPE)),
            "token_type": "Bearer",
            "expires_in": int(self._lifetime_s),
        }


def _handler(server: TokenServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/jwks":
                self._send(HTTPStatus.OK, server.keys())
            else:
                self._send(HTTPStatus.NOT_FOUND, {"error": "not_found"})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._send(*server.answer(form, self.headers.get("Authorization", "")))

        def log_message(self, format: str, *arguments: Any) -> None:
            """Keep the tests' output clean."""

        def _send(self, status: HTTPStatus, content: Mapping[str, Any]) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _base64_of(number: int) -> str:
    return _base64(number.to_bytes((number.bit_length() + 7) // 8, "big"))
