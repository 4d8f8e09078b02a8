"""Tokens for OAUTHBEARER, for both clients: asked for in time, kept until shortly before they expire."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from kafka.net.sasl.oauth import AbstractTokenProvider

from core.kafka.secret_files import require_readable
from core.kafka.token_endpoint import Token, fetch_token
from core.model.errors import ConfigurationError, RotascopeError
from core.model.kafka_security import KafkaSecurity, OAuthClient, parse_oauth_client

_USED_SHARE: Final = 0.75
"""Of a token's life: clients authenticate again after 80 to 95 % of it, and need a new one then."""
_ASK_AGAIN_S: Final = 5.0
"""After a request that failed: a client that reconnects ten times a second must not ask as often."""

FetchToken = Callable[[OAuthClient], Token]


class TokenSource:
    """Gives a valid token to any thread; one request at a time, and none while the last token is young.

    Args:
        client: Where tokens are issued, and to whom.
        fetch: Asks for one.
        now_s: Wall clock, seconds.
    """

    def __init__(
        self, client: OAuthClient, *, fetch: FetchToken = fetch_token, now_s: Callable[[], float] = time.time
    ) -> None:
        self._client = client
        self._fetch = fetch
        self._now_s = now_s
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._fresh_until_s = 0.0
        self._failure: RotascopeError | None = None
        self._not_before_s = 0.0

    def token(self) -> Token:
        """Give a token that is valid now.

        Raises:
            AccessRefusedError: The endpoint does not know this client.
            ConfigurationError: A file of the client cannot be used.
            TransportError: The endpoint does not answer as it should; another try may succeed.
        """
        with self._lock:
            now_s = self._now_s()
            if self._token is not None and now_s < self._fresh_until_s:
                return self._token
            if self._failure is None or now_s >= self._not_before_s:
                self._ask(now_s)
            if self._token is not None and self._now_s() < self._token.expires_s:
                return self._token  # also where a newer one cannot be had: it is valid for a while yet
            raise self._failure or ConfigurationError("a token that has expired was issued")

    def _ask(self, now_s: float) -> None:
        try:
            self._token = self._fetch(self._client)
        except RotascopeError as error:
            self._failure = error
            self._not_before_s = now_s + _ASK_AGAIN_S
        else:
            self._failure = None
            self._fresh_until_s = now_s + _USED_SHARE * (self._token.expires_s - now_s)


class KafkaPythonTokens(AbstractTokenProvider):  # type: ignore[misc]  # kafka-python has no types
    """Gives tokens to kafka-python, on its I/O thread."""

    def __init__(self, source: TokenSource) -> None:
        super().__init__()
        self._source = source

    def token(self) -> str:
        """See kafka-python's provider."""
        return self._source.token().text


def confluent_tokens(source: TokenSource) -> Callable[[Any], tuple[str, float]]:
    """Make the callback by which librdkafka asks for a token.

    Args:
        source: Gives tokens.
    """

    def oauth_cb(_configuration: Any) -> tuple[str, float]:
        token = source.token()
        return token.text, token.expires_s

    return oauth_cb


def token_source(security: KafkaSecurity) -> TokenSource | None:
    """Make what OAUTHBEARER needs; None for another mechanism.

    Raises:
        ConfigurationError: The file cannot be read or used.
    """
    return None if security.oauth_file is None else TokenSource(oauth_client(security.oauth_file))


def oauth_client(file: Path) -> OAuthClient:
    """Read where tokens are issued, and to whom.

    Args:
        file: TOML, as `kafka.security.oauth_file` names it.

    Raises:
        ConfigurationError: It cannot be read or used.
    """
    raw = require_readable(file, "kafka.security.oauth_file")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = "\0"  # which is no TOML either; neither the bytes nor their place belong in a message
    return parse_oauth_client(text, file)
