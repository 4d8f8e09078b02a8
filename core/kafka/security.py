"""From the settings to what a client is given: the one place where either client learns of security."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from core.kafka.oauth import KafkaPythonTokens, TokenSource, confluent_tokens, token_source
from core.kafka.secret_files import read_by_others, read_secret, require_readable
from core.kafka.tls import tls_context
from core.model.addresses import is_loopback
from core.model.errors import ConfigurationError, TransportError
from core.model.kafka_security import KafkaSecurity
from core.model.settings import KafkaSettings


class Access(NamedTuple):
    """The contents of the security files at one moment, for one client.

    Args:
        tls: How to encrypt and whom to trust; None without encryption.
        password: With PLAIN and SCRAM; a secret.
        tokens: With OAUTHBEARER.
    """

    tls: ssl.SSLContext | None
    password: str | None
    tokens: TokenSource | None

    def __repr__(self) -> str:
        return f"Access(tls={self.tls is not None}, sasl={bool(self.password or self.tokens)})"


def read_access(security: KafkaSecurity) -> Access:
    """Read every file that the settings name.

    Raises:
        ConfigurationError: One cannot be read, or does not hold what it should.
    """
    return Access(tls_context(security), _password(security), token_source(security))


def kafka_python_security(settings: KafkaSettings) -> dict[str, Any]:
    """Give kafka-python's security properties of one new client.

    Args:
        settings: Name protocol, mechanism and files; the files are read now.

    Raises:
        ConfigurationError: As of `read_access`.
    """
    security = settings.security
    access = read_access(security)
    words: dict[str, Any] = {"security_protocol": security.protocol}
    if access.tls is not None:
        words["ssl_context"] = access.tls
    if security.authenticates:
        words["sasl_mechanism"] = security.mechanism
    if access.password is not None:
        words |= {"sasl_plain_username": security.username, "sasl_plain_password": access.password}
    if access.tokens is not None:
        words["sasl_oauth_token_provider"] = KafkaPythonTokens(access.tokens)
    return words


def confluent_security(settings: KafkaSettings) -> dict[str, Any]:
    """Give librdkafka's security properties of one new client.

    Args:
        settings: Name protocol, mechanism and files; the files are read now.

    Raises:
        AccessRefusedError: No token is issued to us; librdkafka would wait ten seconds for one.
        ConfigurationError: As of `read_access`.
        TransportError: No token can be had now.
    """
    security = settings.security
    access = read_access(security)
    words: dict[str, Any] = {"security.protocol": security.protocol}
    files = {
        "ssl.ca.location": security.ca_file,
        "ssl.certificate.location": security.certificate_file,
        "ssl.key.location": security.key_file or security.certificate_file,
    }
    words |= {name: str(file) for name, file in files.items() if file is not None}
    if security.key_password_file is not None:
        words["ssl.key.password"] = read_secret(
            security.key_password_file, "kafka.security.key_password_file"
        )
    if security.authenticates:
        words["sasl.mechanism"] = security.mechanism
    if access.password is not None:
        words |= {"sasl.username": security.username, "sasl.password": access.password}
    if access.tokens is not None:
        access.tokens.token()
        words["oauth_cb"] = confluent_tokens(access.tokens)
    return words


def warnings_of(settings: KafkaSettings) -> Iterator[str]:
    """Say what works and is not as safe as it looks.

    Args:
        settings: Whose files can be read.
    """
    security = settings.security
    hosts = [
        server.strip().rpartition(":")[0].strip("[]") for server in settings.bootstrap_servers.split(",")
    ]
    away = [host for host in hosts if not is_loopback(host)]
    if security.protocol == "SASL_PLAINTEXT" and away:
        yield (
            f"kafka.security.protocol SASL_PLAINTEXT: credentials and records go to {away[0]} unencrypted; "
            "use SASL_SSL, unless the network is trusted"
        )
    for name in ("password_file", "key_file", "key_password_file", "oauth_file"):
        file = security.named_files.get(name)
        if file is not None and read_by_others(file):
            yield f"kafka.security.{name}: other users may read {file}; chmod 600 lets only its owner"


def require_usable(settings: KafkaSettings) -> None:
    """Read every file once, without connecting anywhere.

    Raises:
        ConfigurationError: One cannot be read, or does not hold what it should.
    """
    for name, file in settings.security.named_files.items():
        require_readable(file, f"kafka.security.{name}")
    read_access(settings.security)


def _password(security: KafkaSecurity) -> str | None:
    if security.password_file is not None:
        return read_secret(security.password_file, "kafka.security.password_file")
    return None if security.password is None else security.password.get_secret_value()


@contextmanager
def while_files_are_replaced() -> Iterator[None]:
    """Make an unusable file a retriable error: it may be being written.

    Raises:
        TransportError: In place of a ConfigurationError; retriable.
    """
    try:
        yield
    except ConfigurationError as error:
        raise TransportError(error.message, operator_action=error.operator_action) from error
