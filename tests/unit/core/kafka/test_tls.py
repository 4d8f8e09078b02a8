"""Why a handshake fails, and files of certificates that cannot be used."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from core.kafka.clients import require_reachable
from core.kafka.tls import handshake_refusal, tls_context
from core.model.errors import AccessRefusedError, ConfigurationError, TransportError
from core.model.kafka_security import KafkaSecurity
from tests.support.secured.certificates import FOREIGN_HOSTS, LOOPBACK_HOSTS, Authority, Identity


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"), "Test CA")


@contextmanager
def server(identity: Identity) -> Iterator[str]:
    """Shake hands with whoever comes; gives its address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.certificate, identity.key)
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                accepted, _ = listening.accept()
                with suppress(OSError):
                    context.wrap_socket(accepted, server_side=True).close()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.close()


def trusting(authority: Authority) -> ssl.SSLContext | None:
    return tls_context(KafkaSecurity(protocol="SSL", ca_file=authority.certificate))


def test_a_certificate_that_fits_is_accepted(authority: Authority) -> None:
    with server(authority.issue("broker", LOOPBACK_HOSTS)) as address:
        require_reachable(address, 5_000, trusting(authority))


def test_each_certificate_that_does_not_fit_is_named_at_once(authority: Authority, tmp_path: Path) -> None:
    stranger = Authority(tmp_path / "other", "Other CA")
    cases = [
        (
            authority.issue("expired", LOOPBACK_HOSTS, expires_in=timedelta(hours=-1)),
            authority,
            "has expired",
        ),
        (authority.issue("foreign", FOREIGN_HOSTS), authority, "is for another host name"),
        (authority.issue("broker", LOOPBACK_HOSTS), stranger, "is not trusted"),
    ]
    for identity, trusted, said in cases:
        with server(identity) as address, pytest.raises(AccessRefusedError) as caught:
            require_reachable(address, 60_000, trusting(trusted))
        assert caught.value.message.startswith(f"the certificate of the broker at {address} {said}")
        assert caught.value.operator_action
        assert not caught.value.retriable


def test_one_good_broker_of_two_is_enough(authority: Authority) -> None:
    bad, good = authority.issue("foreign", FOREIGN_HOSTS), authority.issue("broker", LOOPBACK_HOSTS)
    with server(bad) as first, server(good) as second:
        require_reachable(f"{first},{second}", 5_000, trusting(authority))


def test_a_listener_without_tls_is_no_refusal(authority: Authority) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(TransportError) as caught:
            require_reachable(address, 300, trusting(authority))
    assert caught.value.retriable
    assert "kafka.security.protocol" in str(caught.value.operator_action)


def test_an_alert_about_our_certificate_is_told_as_such() -> None:
    alert = ssl.SSLError(1, "[SSL: SSLV3_ALERT_CERTIFICATE_UNKNOWN]")
    alert.reason = "SSLV3_ALERT_CERTIFICATE_UNKNOWN"
    wrapped = RuntimeError("Error receiving network data", alert)
    refusal = handshake_refusal("kafka:9093", wrapped)
    assert refusal is not None
    assert "the broker at kafka:9093 refuses the certificate of this client" in refusal.message
    assert handshake_refusal("kafka:9093", ssl.SSLError(1, "[SSL] record layer failure")) is None


def test_a_key_is_opened_with_its_password_and_never_asked_for(authority: Authority, tmp_path: Path) -> None:
    identity = authority.issue("client", key_password="sesame")  # noqa: S106
    password = tmp_path / "password"
    password.write_text("sesame\n")
    named = {"certificate_file": identity.certificate, "key_file": identity.key}
    opened = KafkaSecurity.model_validate({"protocol": "SSL", **named, "key_password_file": password})
    assert tls_context(opened) is not None
    for spoilt in ({}, {"key_password_file": tmp_path / "wrong"}):
        (tmp_path / "wrong").write_text("no-sesame")
        with pytest.raises(ConfigurationError) as caught:
            tls_context(KafkaSecurity.model_validate({"protocol": "SSL", **named, **spoilt}))
        assert "are not a certificate and its key" in caught.value.message
        assert "sesame" not in str(caught.value)
