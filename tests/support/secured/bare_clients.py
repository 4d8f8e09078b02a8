"""Settings of the two Kafka clients for each way to log in, without any code of Rotascope's.

They prove what the broker does, so that a failure of the product is the product's.
"""

from __future__ import annotations

from typing import Any

from kafka.net.sasl.oauth import AbstractTokenProvider

from tests.support.secured.listeners import Listener
from tests.support.secured.token_server import SCOPE
from tests.support.secured.users import USERS, Login
from tests.support.secured_broker import Secured


class _Tokens(AbstractTokenProvider):  # type: ignore[misc]  # kafka-python has no types
    def __init__(self, secured: Secured) -> None:
        self._secured = secured

    def token(self) -> str:
        return self._secured.tokens.token(USERS[Login.OAUTHBEARER].name, SCOPE)


def listener_of(login: Login, *, encrypted: bool = True) -> Listener:
    """The listener for a way to log in."""
    if login is Login.MUTUAL_TLS:
        return Listener.MUTUAL
    return Listener.SASL_SSL if encrypted else Listener.SASL_PLAINTEXT


def for_kafka_python(secured: Secured, login: Login, *, encrypted: bool = True) -> dict[str, Any]:
    """Give kafka-python's words."""
    listener, user = listener_of(login, encrypted=encrypted), USERS[login]
    words: dict[str, Any] = {
        "bootstrap_servers": [secured.broker.servers(listener)],
        "security_protocol": "SSL" if listener is Listener.MUTUAL else str(listener),
        "ssl_cafile": str(secured.authority.certificate),
    }
    if login is Login.MUTUAL_TLS:
        files = secured.client
        return words | {
            "ssl_certfile": str(files.certificate),
            "ssl_keyfile": str(files.key),
            "ssl_password": user.secret,
        }
    words["sasl_mechanism"] = str(login)
    if login is Login.OAUTHBEARER:
        return words | {"sasl_oauth_token_provider": _Tokens(secured)}
    return words | {"sasl_plain_username": user.name, "sasl_plain_password": user.secret}


def for_confluent(secured: Secured, login: Login, *, encrypted: bool = True) -> dict[str, Any]:
    """Give librdkafka's words."""
    listener, user = listener_of(login, encrypted=encrypted), USERS[login]
    words: dict[str, Any] = {
        "bootstrap.servers": secured.broker.servers(listener),
        "security.protocol": "SSL" if listener is Listener.MUTUAL else str(listener),
        "ssl.ca.location": str(secured.authority.certificate),
    }
    if login is Login.MUTUAL_TLS:
        files = secured.client
        return words | {
            "ssl.certificate.location": str(files.certificate),
            "ssl.key.location": str(files.key),
            "ssl.key.password": user.secret,
        }
    words["sasl.mechanism"] = str(login)
    if login is Login.OAUTHBEARER:
        return words | {
            "sasl.oauthbearer.method": "oidc",
            "sasl.oauthbearer.client.id": user.name,
            "sasl.oauthbearer.client.secret": user.secret,
            "sasl.oauthbearer.token.endpoint.url": secured.tokens.token_url,
            "sasl.oauthbearer.scope": SCOPE,
        }
    return words | {"sasl.username": user.name, "sasl.password": user.secret}
