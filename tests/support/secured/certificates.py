"""Certificates for tests: an authority, and what it signs for brokers and clients.

Everything is PEM: what Python's `ssl`, librdkafka and Apache Kafka all read.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LOOPBACK_HOSTS = ("127.0.0.1", "localhost")
FOREIGN_HOSTS = ("kafka.example.test",)
_HOUR = timedelta(hours=1)


class Identity(NamedTuple):
    """A certificate and its key, each in a file.

    Args:
        certificate: PEM, the certificate.
        key: PEM, PKCS #8.
        store: PEM, both one behind the other: what Apache Kafka calls a key store.
    """

    certificate: Path
    key: Path
    store: Path


class Authority:
    """A certificate authority of its own.

    Args:
        directory: Where its files go; made if missing.
        name: Its common name.
        expires_in: Time until its own certificate is no longer valid.
    """

    def __init__(self, directory: Path, name: str, *, expires_in: timedelta = 48 * _HOUR) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._name = _name(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = directory / "ca.pem"
        """PEM: what a client needs to trust what this authority signs."""
        self.certificate.write_bytes(_pem(self._own(expires_in)))

    def issue(
        self,
        common_name: str,
        hosts: Sequence[str] = (),
        *,
        expires_in: timedelta = 24 * _HOUR,
        key_password: str | None = None,
    ) -> Identity:
        """Sign a certificate for a new key.

        Args:
            common_name: Of the subject; Apache Kafka makes a client's principal of it.
            hosts: Names and addresses that a server with this certificate answers under.
            expires_in: Time until it is no longer valid; negative for one that has expired.
            key_password: Encrypts the key's file; the store stays readable.

        Returns:
            Its files, named after `common_name`; an earlier certificate of that name is replaced.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        signed = self._certificate(_name(common_name), key.public_key(), expires_in)
        signed = signed.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        signed = signed.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        if hosts:
            names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
            signed = signed.add_extension(names, critical=False)
        certificate = _pem(signed.sign(self._key, hashes.SHA256()))
        files = Identity(*(self._directory / f"{common_name}.{what}.pem" for what in ("crt", "key", "store")))
        files.certificate.write_bytes(certificate)
        files.key.write_bytes(_key_pem(key, key_password))
        files.store.write_bytes(_key_pem(key, None) + certificate)
        return files

    def _own(self, expires_in: timedelta) -> x509.Certificate:
        own = self._certificate(self._name, self._key.public_key(), expires_in)
        own = own.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        return own.sign(self._key, hashes.SHA256())

    def _certificate(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, expires_in: timedelta
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 48 * _HOUR)
            .not_valid_after(now + expires_in)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
        )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey, password: str | None) -> bytes:
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password is not None:
        encryption = serialization.BestAvailableEncryption(password.encode())
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
