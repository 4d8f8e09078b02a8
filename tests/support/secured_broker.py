"""The secured broker as a fixture: one a session, with everything that its clients need beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.secured.broker import BrokerFailedError, SecuredBroker
from tests.support.secured.certificates import FOREIGN_HOSTS, LOOPBACK_HOSTS, Authority, Identity
from tests.support.secured.listeners import BrokerCertificates
from tests.support.secured.token_server import TokenServer
from tests.support.secured.users import USERS, Login

EXPIRED = timedelta(hours=-1)
VALID = timedelta(hours=24)


class Secured(NamedTuple):
    """A running broker, and what is needed to reach it.

    Args:
        broker: The broker.
        tokens: Where clients get OAUTHBEARER tokens.
        authority: Signed what the broker shows; the broker trusts what it signs.
        stranger: An authority that the broker does not trust, and whose certificates it does not show.
        client: A client's certificate, whose key is encrypted.
        expired_client: One that is no longer valid.
        strange_client: One that the stranger signed.
    """

    broker: SecuredBroker
    tokens: TokenServer
    authority: Authority
    stranger: Authority
    client: Identity
    expired_client: Identity
    strange_client: Identity


@contextmanager
def secured_broker(directory: Path, *, expires_in: timedelta = VALID) -> Iterator[Secured]:
    """Run a secured broker.

    Args:
        directory: For certificates, data and logs.
        expires_in: Time until its certificate and that of its authority are no longer valid.

    Raises:
        BrokerFailedError: It does not come up.
    """
    authority, stranger = (
        Authority(directory / "ca", "Test CA", expires_in=expires_in),
        Authority(directory / "other-ca", "Other CA"),
    )
    certificates = BrokerCertificates(
        authority,
        own=authority.issue("broker", LOOPBACK_HOSTS, expires_in=expires_in),
        foreign=authority.issue("foreign-broker", FOREIGN_HOSTS),
        expired=authority.issue("expired-broker", LOOPBACK_HOSTS, expires_in=EXPIRED),
    )
    user, oauth = USERS[Login.MUTUAL_TLS], USERS[Login.OAUTHBEARER]
    with (
        TokenServer({oauth.name: oauth.secret}) as tokens,
        SecuredBroker(directory / "kafka", certificates, tokens) as broker,
    ):
        yield Secured(
            broker,
            tokens,
            authority,
            stranger,
            client=authority.issue(user.name, key_password=user.secret),
            expired_client=authority.issue("expired-user", expires_in=EXPIRED),
            strange_client=stranger.issue("strange-user"),
        )


@pytest.fixture(scope="session")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """One secured broker for the whole session; without Java and Maven the tests fail."""
    try:
        with secured_broker(tmp_path_factory.mktemp("secured")) as running:
            yield running
    except BrokerFailedError as error:
        pytest.fail(str(error), pytrace=False)
