"""Tokens: asked for in time, kept while they are young, and what an endpoint may answer."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import pytest

from core.kafka.oauth import TokenSource
from core.kafka.token_endpoint import Token, fetch_token
from core.model.errors import AccessRefusedError, TransportError
from core.model.kafka_security import OAuthClient


class Endpoint:
    """A token endpoint on loopback that gives the next of its answers."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, object]] = []
        self.asked: list[tuple[str, dict[str, list[str]]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer.asked.append((self.headers["Authorization"], parse_qs(body)))
                status, answer = outer.answers.pop(0)
                self.send_response(status)
                self.send_header("Location", "http://127.0.0.1:9/")
                self.end_headers()
                self.wfile.write(answer if isinstance(answer, bytes) else json.dumps(answer).encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/token?tenant=1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    endpoint = Endpoint()
    yield endpoint
    endpoint.server.shutdown()
    endpoint.server.server_close()


def client(url: str = "http://127.0.0.1:9/", timeout_ms: int = 2_000) -> OAuthClient:
    return OAuthClient.model_validate(
        {
            "token_endpoint": url,
            "client_id": "rota:scope",
            "client_secret": "very-secret",
            "scope": "kafka",
            "timeout_ms": timeout_ms,
        }
    )


def test_a_token_is_asked_for_as_the_standard_has_it(endpoint: Endpoint) -> None:
    endpoint.answers = [(200, {"access_token": "abc", "token_type": "Bearer", "expires_in": 60})]
    token = fetch_token(client(endpoint.url))
    ((authorization, form),) = endpoint.asked
    assert token.text == "abc"
    assert base64.b64decode(authorization.removeprefix("Basic ")).decode() == "rota%3Ascope:very-secret"
    assert form == {"grant_type": ["client_credentials"], "scope": ["kafka"]}
    assert "abc" not in repr(token)


@pytest.mark.parametrize(
    ("status", "answer", "said", "retriable"),
    [
        (401, {"error": "invalid_client"}, "invalid_client (HTTP status 401)", False),
        (400, {"error": "very-secret <b>"}, "HTTP status 400", False),
        (503, {}, "HTTP status 503", True),
        (302, {}, "HTTP status 302", True),
        (200, b"<html>", "holds no access_token", True),
        (200, {"access_token": "abc", "expires_in": "soon"}, "holds no access_token", True),
        (200, {"access_token": "", "expires_in": 60}, "holds no access_token", True),
    ],
)
def test_another_answer_is_a_clear_error_without_the_secret(
    endpoint: Endpoint, status: int, answer: object, said: str, retriable: bool
) -> None:
    endpoint.answers = [(status, answer)]
    with pytest.raises(TransportError) as caught:
        fetch_token(client(endpoint.url))
    assert said in caught.value.message
    assert caught.value.retriable is retriable
    assert caught.value.operator_action
    assert "very-secret" not in str(caught.value)


def test_an_endpoint_that_says_nothing_is_given_up() -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as silent:  # accepts, and never answers
        with pytest.raises(TransportError) as caught:
            fetch_token(client(f"http://127.0.0.1:{silent.server_port}/", timeout_ms=200))
        assert caught.value.retriable


class Issuer:
    """Gives tokens of a hundred seconds, or fails."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.asked = 0
        self.failure: TransportError | None = None
        self.source = TokenSource(client(), fetch=self._fetch, now_s=lambda: self.now_s)

    def _fetch(self, _client: OAuthClient) -> Token:
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        return Token(f"token {self.asked}", self.now_s + 100)


def test_a_token_is_kept_for_three_quarters_of_its_life() -> None:
    issuer = Issuer()
    assert issuer.source.token().text == "token 1"
    issuer.now_s = 74.0
    assert issuer.source.token().text == "token 1"
    issuer.now_s = 76.0
    assert issuer.source.token().text == "token 2"


def test_where_none_can_be_had_the_old_one_serves_until_it_expires() -> None:
    issuer = Issuer()
    issuer.source.token()
    issuer.failure = TransportError("no token")
    issuer.now_s = 80.0
    assert issuer.source.token().text == "token 1"
    issuer.now_s = 101.0
    with pytest.raises(TransportError, match="no token"):
        issuer.source.token()


def test_after_a_failure_it_is_not_asked_at_once_again() -> None:
    issuer = Issuer()
    issuer.failure = AccessRefusedError("refused")
    for _ in range(10):
        with pytest.raises(AccessRefusedError):
            issuer.source.token()
    assert issuer.asked == 1
    issuer.now_s, issuer.failure = 5.0, None
    assert issuer.source.token().text == "token 2"
