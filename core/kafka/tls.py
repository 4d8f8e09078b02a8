"""TLS to brokers: the context that every client uses, and why a handshake failed."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from core.kafka.refusals import access_refused
from core.kafka.secret_files import read_secret, require_readable
from core.model.errors import AccessRefusedError, ConfigurationError
from core.model.kafka_security import KafkaSecurity

_EXPIRED: Final = 10
_NOT_YET_VALID: Final = 9
_HOST_NAME: Final = frozenset({62, 64})
"""OpenSSL's numbers: X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH."""
_API_VERSIONS: Final = bytes.fromhex("0000000a 0012 0000 00000001 ffff")
"""Kafka's ApiVersions, version 0: length, kind, version, number of the question, no client id."""
_ANSWER_S: Final = 2.0
_ABOUT_CERTIFICATES: Final = ("CERTIFICATE", "UNKNOWN_CA", "HANDSHAKE_FAILURE", "ACCESS_DENIED")
"""Of the alerts that a broker may send; the others say nothing about who the client is."""

CLIENT_CERTIFICATE: Final = (
    "check kafka.security.certificate_file: the broker wants a certificate that is valid now and signed by "
    "an authority that it trusts"
)

BROKER_CERTIFICATE: Final = (
    "check the broker's certificate: signed by an authority in kafka.security.ca_file, valid now, and for "
    "the host name that the client connects to"
)


def tls_context(security: KafkaSecurity) -> ssl.SSLContext | None:
    """Make what the settings say of TLS; None where connections are not encrypted.

    The files are read here and never again: a client must be recreated to use newer ones.

    Raises:
        ConfigurationError: A file that cannot be read, or does not hold what it should.
    """
    if not security.encrypts:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if security.ca_file is None:
        context.load_default_certs()
    else:
        load_authorities(context, security.ca_file, "kafka.security.ca_file")
    if security.certificate_file is not None:
        _load_certificate(context, security, security.certificate_file)
    return context


def load_authorities(context: ssl.SSLContext, file: Path, setting: str) -> None:
    """Let a context trust the authorities of a file, and no others.

    Args:
        context: Changed in place.
        file: PEM.
        setting: Which names it.

    Raises:
        ConfigurationError: It cannot be read, or holds no certificates.
    """
    pem = require_readable(file, setting)
    try:
        context.load_verify_locations(cadata=pem.decode("ascii"))
    except (ssl.SSLError, ValueError) as error:
        raise ConfigurationError(
            f"{setting}: {file} holds no certificates in PEM",
            operator_action="name a file of certificates, each between BEGIN CERTIFICATE and END CERTIFICATE",
        ) from error


def handshake_refusal(where: str, error: BaseException) -> AccessRefusedError | None:
    """Explain a failed handshake, where one of the two sides has refused the other.

    Args:
        where: host:port of the broker.
        error: What a handshake ended with; its cause may be Python's own error.

    Returns:
        None where a retry may succeed, as after a lost connection.

    Example:
        >>> print(handshake_refusal("kafka:9093", ConnectionResetError()))
        None
    """
    for each in causes(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            return _of_broker(where, each)
        reason = getattr(each, "reason", None) or "" if isinstance(each, ssl.SSLError) else ""
        if "ALERT" in reason and any(word in reason for word in _ABOUT_CERTIFICATES):
            return _of_client(where, reason)
    return None


def _of_broker(where: str, error: ssl.SSLCertVerificationError) -> AccessRefusedError:
    code = error.verify_code
    if code == _EXPIRED:
        return access_refused(
            f"the certificate of the broker at {where} has expired",
            "renew the broker's certificate; where it is valid, correct this machine's clock",
        )
    if code == _NOT_YET_VALID:
        return access_refused(
            f"the certificate of the broker at {where} is not valid yet",
            "check this machine's clock and the broker's certificate",
        )
    if code in _HOST_NAME:
        return access_refused(
            f"the certificate of the broker at {where} is for another host name",
            "use a name in kafka.bootstrap_servers, and in the broker's advertised.listeners, that its "
            "certificate holds (subjectAltName)",
        )
    return access_refused(
        f"the certificate of the broker at {where} is not trusted: {error.verify_message}",
        "let kafka.security.ca_file hold the authority that signed the broker's certificate",
    )


def _of_client(where: str, reason: str) -> AccessRefusedError:
    said = reason.lower().replace("_", " ")
    return access_refused(
        f"the broker at {where} refuses the certificate of this client: {said}", CLIENT_CERTIFICATE
    )


def causes(error: BaseException) -> Iterator[BaseException]:
    """Give an error and its causes: kafka-python wraps the socket's error in one of its own."""
    seen: list[BaseException] = []
    waiting = [error]
    while waiting:
        each = waiting.pop(0)
        if each in seen:
            continue
        seen.append(each)
        yield each
        behind = (each.__cause__, each.__context__, *each.args)
        waiting += [found for found in behind if isinstance(found, BaseException)]


def _load_certificate(context: ssl.SSLContext, security: KafkaSecurity, certificate: Path) -> None:
    key = security.key_file or certificate
    require_readable(certificate, "kafka.security.certificate_file")
    require_readable(key, "kafka.security.key_file")
    file = security.key_password_file
    # Never empty: OpenSSL would ask a terminal for the password of a key that has one.
    password = "\0" if file is None else read_secret(file, "kafka.security.key_password_file")
    try:
        context.load_cert_chain(certificate, key, password)
    except (ssl.SSLError, ValueError) as error:
        raise ConfigurationError(
            f"kafka.security.certificate_file: {certificate} and {key} are not a certificate and its key in "
            "PEM" + (", or the password in key_password_file does not open the key" if file else ""),
            operator_action="name a certificate and its own key; a key with a password needs "
            "key_password_file",
        ) from error


def _hear(encrypted: ssl.SSLSocket, timeout_s: float) -> None:
    """Wait for the answer to a question that every broker takes, before a login as well.

    With TLS 1.3 a broker judges the client's certificate after the client has done with the handshake: only
    who reads learns of it. One that says nothing, or closes without a word, has not refused.
    """
    encrypted.settimeout(timeout_s)
    with suppress(TimeoutError, ConnectionError, ssl.SSLEOFError):
        encrypted.sendall(_API_VERSIONS)
        encrypted.recv(1)


def probe(address: tuple[str, int], context: ssl.SSLContext, timeout_s: float) -> None:
    """Shake hands with a broker, to learn why a client cannot: clients only say that they could not.

    Args:
        address: Host and port.
        context: From `tls_context`.
        timeout_s: For all of it.

    Raises:
        AccessRefusedError: One of the two sides refuses the other.
        OSError: It could not be tried, or broke off.
    """
    host, port = address
    with socket.create_connection(address, timeout=timeout_s) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=host) as encrypted:
                _hear(encrypted, min(timeout_s, _ANSWER_S))
        except ssl.SSLError as error:
            if (refusal := handshake_refusal(f"{host}:{port}", error)) is not None:
                raise refusal from error
            raise
