"""One request for a token (client credentials, RFC 6749 section 4.4), within its time."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import time
from typing import Any, Final, NamedTuple
from urllib.parse import quote_plus, urlencode, urlsplit

from core.kafka.refusals import access_refused
from core.kafka.secret_files import read_secret
from core.kafka.tls import load_authorities
from core.model.errors import RotascopeError, TransportError
from core.model.kafka_security import OAuthClient
from core.runtime.deadline import DeadlineCall

_ANSWER_MAX_BYTES: Final = 256 * 1024
_LIFE_S: Final = 300.0
"""Of a token whose issuer does not say; RFC 6749 only recommends that it does."""
_REFUSED: Final = frozenset({400, 401, 403})
_CHECK_ENDPOINT: Final = (
    "check token_endpoint in kafka.security.oauth_file, and that it can be reached from here"
)
_CHECK_CLIENT: Final = "correct client_id, the client secret or scope in kafka.security.oauth_file"


class Token(NamedTuple):
    """A token as it was issued.

    Args:
        text: What a broker is shown; a secret.
        expires_s: When it is valid no longer, wall clock, seconds.
    """

    text: str
    expires_s: float

    def __repr__(self) -> str:
        return f"Token(expires_s={self.expires_s:.0f})"


def fetch_token(client: OAuthClient) -> Token:
    """Ask for a token.

    No proxy is used and no redirect followed: the secret goes to the address in the file and nowhere else.

    Args:
        client: Where, and who asks.

    Raises:
        AccessRefusedError: The endpoint refuses this client, or its certificate is not trusted.
        ConfigurationError: A file of the client cannot be used.
        TransportError: It does not answer in time, or not as it should.
    """
    secret = _secret(client)
    tls = _tls(client)
    call = DeadlineCall[tuple[int, bytes]](lambda call: _post(client, secret, tls))
    try:
        status, body = call.within(client.timeout_ms)
    except ssl.SSLCertVerificationError as error:
        raise access_refused(
            f"the certificate of {client.token_endpoint} is not accepted: {error.verify_message}",
            "let ca_file in kafka.security.oauth_file hold the authority that signed it",
        ) from error
    except (OSError, http.client.HTTPException, TimeoutError) as error:
        raise _failed(client, str(error) or type(error).__name__) from error
    if status in _REFUSED:
        raise access_refused(
            f"{client.token_endpoint} issues no token to this client: {_reason(status, body)}", _CHECK_CLIENT
        )
    if status != http.client.OK:
        raise _failed(client, f"HTTP status {status}")
    return _token(client, body)


def _secret(client: OAuthClient) -> str:
    if client.client_secret is not None:
        return client.client_secret.get_secret_value()
    assert client.client_secret_file is not None  # noqa: S101 - the model has seen to it
    return read_secret(client.client_secret_file, "client_secret_file in kafka.security.oauth_file")


def _tls(client: OAuthClient) -> ssl.SSLContext | None:
    if urlsplit(client.token_endpoint).scheme == "http":
        return None
    if client.ca_file is None:
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    load_authorities(context, client.ca_file, "ca_file in kafka.security.oauth_file")
    return context


def _post(client: OAuthClient, secret: str, tls: ssl.SSLContext | None) -> tuple[int, bytes]:
    parts = urlsplit(client.token_endpoint)
    host, timeout_s = parts.hostname or "", client.timeout_ms / 1000
    connection = (
        http.client.HTTPConnection(host, parts.port, timeout=timeout_s)
        if tls is None
        else http.client.HTTPSConnection(host, parts.port, timeout=timeout_s, context=tls)
    )
    # Section 2.3.1: both parts are encoded as in a form before they are put together.
    who = f"{quote_plus(client.client_id)}:{quote_plus(secret)}"
    headers = {
        "Authorization": "Basic " + base64.b64encode(who.encode()).decode(),
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
    }
    form = {"grant_type": "client_credentials"} | ({"scope": client.scope} if client.scope else {})
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", path, urlencode(form), headers)
        answer = connection.getresponse()
        return answer.status, answer.read(_ANSWER_MAX_BYTES)
    finally:
        connection.close()


def _token(client: OAuthClient, body: bytes) -> Token:
    answer = _object(body)
    text, life_s = answer.get("access_token"), answer.get("expires_in", _LIFE_S)
    try:
        life_s = float(life_s)
    except (TypeError, ValueError):
        life_s = 0.0
    if not (isinstance(text, str) and text and life_s > 0):
        raise _failed(client, "the answer holds no access_token with its expires_in")
    return Token(text, time.time() + life_s)


def _reason(status: int, body: bytes) -> str:
    """The error's name (section 5.2): it is one of a few, while the description may say anything."""
    name = _object(body).get("error")
    known = isinstance(name, str) and len(name) <= 40 and name.replace("_", "").isalnum()
    return f"{name} (HTTP status {status})" if known else f"HTTP status {status}"


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}


def _failed(client: OAuthClient, why: str) -> RotascopeError:
    return TransportError(f"no token from {client.token_endpoint}: {why}", operator_action=_CHECK_ENDPOINT)
