"""The listeners of the secured broker, one for each way in, and their part of `server.properties`."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from tests.support.secured.certificates import Authority, Identity
from tests.support.secured.token_server import AUDIENCE, ISSUER, TokenServer
from tests.support.secured.users import USERS, Login


class Listener(StrEnum):
    """A listener, under the name that the broker's settings give it."""

    ADMIN = "ADMIN"
    """No security, and every right: for tests to look and to set up."""
    SASL_SSL = "SASL_SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    MUTUAL = "MUTUAL"
    """TLS; the client's certificate says who it is."""
    FOREIGN = "FOREIGN"
    """As SASL_SSL; its certificate is for another host."""
    EXPIRED = "EXPIRED"
    """As SASL_SSL; its certificate has expired."""
    ROTATED = "ROTATED"
    """As MUTUAL; for a test that replaces its certificate and the authority that it trusts."""


PROTOCOLS: Final[Mapping[Listener, str]] = {
    Listener.ADMIN: "PLAINTEXT",
    Listener.SASL_SSL: "SASL_SSL",
    Listener.SASL_PLAINTEXT: "SASL_PLAINTEXT",
    Listener.MUTUAL: "SSL",
    Listener.FOREIGN: "SASL_SSL",
    Listener.EXPIRED: "SASL_SSL",
    Listener.ROTATED: "SSL",
}

_MODULES: Final[Mapping[Login, str]] = {
    Login.PLAIN: "plain.PlainLoginModule",
    Login.SCRAM_256: "scram.ScramLoginModule",
    Login.SCRAM_512: "scram.ScramLoginModule",
    Login.OAUTHBEARER: "oauthbearer.OAuthBearerLoginModule",
}
_TOKEN_VALIDATOR: Final = "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler"  # noqa: S105


class BrokerCertificates(NamedTuple):
    """What the broker shows, and whom it trusts.

    Args:
        authority: Signs both sides.
        own: For this host.
        foreign: For another one.
        expired: For this host, no longer valid.
    """

    authority: Authority
    own: Identity
    foreign: Identity
    expired: Identity

    def shown_by(self, listener: Listener) -> Identity:
        """The certificate of one listener."""
        return {Listener.FOREIGN: self.foreign, Listener.EXPIRED: self.expired}.get(listener, self.own)


def listener_properties(certificates: BrokerCertificates, tokens: TokenServer) -> dict[str, str]:
    """Give the settings that say how each listener authenticates, and where tokens are checked."""
    properties = {
        "sasl.oauthbearer.jwks.endpoint.url": tokens.jwks_url,
        "sasl.oauthbearer.expected.audience": AUDIENCE,
        "sasl.oauthbearer.expected.issuer": ISSUER,
    }
    for listener, protocol in PROTOCOLS.items():
        prefix = f"listener.name.{listener.lower()}."
        if protocol.endswith("SSL"):
            properties |= _prefixed(
                prefix, tls_properties(certificates.shown_by(listener), certificates.authority)
            )
        if protocol == "SSL":
            properties[f"{prefix}ssl.client.auth"] = "required"
        if protocol.startswith("SASL"):
            properties |= _prefixed(prefix, _sasl_properties())
    return properties


def tls_properties(shown: Identity, trusted: Authority) -> dict[str, str]:
    """Give a listener's certificate and whom it trusts, without the listener's prefix."""
    return {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(shown.store),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(trusted.certificate),
    }


def _sasl_properties() -> dict[str, str]:
    properties = {"sasl.enabled.mechanisms": ",".join(_MODULES)}
    for login, module in _MODULES.items():
        options = f" user_{USERS[login].name}={_quoted(USERS[login].secret)}" if login is Login.PLAIN else ""
        properties[f"{login.lower()}.sasl.jaas.config"] = (
            f"org.apache.kafka.common.security.{module} required{options};"
        )
    properties["oauthbearer.sasl.server.callback.handler.class"] = _TOKEN_VALIDATOR
    return properties


def _prefixed(prefix: str, properties: Mapping[str, str]) -> dict[str, str]:
    return {f"{prefix}{name}": value for name, value in properties.items()}


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
