"""What a cluster refuses before anything is asked, and what an operator is then told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from tests.support.secured.bare_clients import listener_of
from tests.support.secured.counting_proxy import CountingProxy
from tests.support.secured.listeners import Listener
from tests.support.secured.operator import ClusterOperator, Ended
from tests.support.secured.product import ProductAccess
from tests.support.secured.rounds import require_no_secret
from tests.support.secured.users import Login
from tests.support.secured_broker import Secured

EXIT_INPUT: Final = 2
"""A setting must change: another try would not help."""
WRONG_SECRET: Final = "no-sesame-at-all-7"  # noqa: S105
TRIES_MAX: Final = 6
"""Connections of one command that is refused: one to look whether anybody listens, one to learn why not, and
one a client, of which a command has up to three. A client that tries again does so without end."""


class Refusal(NamedTuple):
    """A mistake, and the words in which it is told.

    Args:
        spoil: Makes the mistake.
        login: With which way to log in.
        says: Stands in the error's line.
    """

    spoil: Callable[[Secured, ProductAccess], ProductAccess]
    login: Login
    says: str


def _wrong_secret(secured: Secured, access: ProductAccess) -> ProductAccess:
    return replace(access, secret=WRONG_SECRET)


def _untrusted_authority(secured: Secured, access: ProductAccess) -> ProductAccess:
    return replace(access, authority=secured.stranger.certificate)


def _foreign_host(secured: Secured, access: ProductAccess) -> ProductAccess:
    return replace(access, listener=Listener.FOREIGN)


def _expired_broker(secured: Secured, access: ProductAccess) -> ProductAccess:
    return replace(access, listener=Listener.EXPIRED)


def _expired_client(secured: Secured, access: ProductAccess) -> ProductAccess:
    return replace(access, identity=secured.expired_client)


def _strange_client(secured: Secured, access: ProductAccess) -> ProductAccess:
    return replace(access, identity=secured.strange_client)


REFUSALS: Final = {
    "wrong password, PLAIN": Refusal(_wrong_secret, Login.PLAIN, "refuses the credentials"),
    "wrong password, SCRAM-SHA-256": Refusal(_wrong_secret, Login.SCRAM_256, "refuses the credentials"),
    "wrong password, SCRAM-SHA-512": Refusal(_wrong_secret, Login.SCRAM_512, "refuses the credentials"),
    "wrong client secret": Refusal(_wrong_secret, Login.OAUTHBEARER, "token"),
    "untrusted CA": Refusal(_untrusted_authority, Login.PLAIN, "is not trusted"),
    "untrusted CA, mutual TLS": Refusal(_untrusted_authority, Login.MUTUAL_TLS, "is not trusted"),
    "expired certificate of the broker": Refusal(_expired_broker, Login.SCRAM_256, "has expired"),
    "foreign host name": Refusal(_foreign_host, Login.OAUTHBEARER, "is for another host name"),
    "expired certificate of the client": Refusal(
        _expired_client, Login.MUTUAL_TLS, "refuses the certificate of this client"
    ),
    "certificate of another CA": Refusal(
        _strange_client, Login.MUTUAL_TLS, "refuses the certificate of this client"
    ),
}


def run_refused(secured: Secured, name: str, client: str, command: str, directory: Path, vendor: str) -> None:
    """Run a command that cannot work, and look at how it ends.

    Args:
        secured: The broker.
        name: Of `REFUSALS`.
        client: The setting `kafka.client`.
        command: What is run.
        directory: For settings and files.
        vendor: Address of a server that plays a recording.
    """
    refusal = REFUSALS[name]
    access = refusal.spoil(secured, ProductAccess(refusal.login, client))
    listener = access.listener or listener_of(refusal.login)
    tokens_before = secured.tokens.token_requests
    with CountingProxy(int(secured.broker.servers(listener).rpartition(":")[2])) as proxy:
        access = replace(access, servers=proxy.servers)
        ended = ClusterOperator(secured, access, directory, vendor=vendor).run(command)
        assert ended.code == EXIT_INPUT, ended.everything
        require_one_error(ended, refusal.says)
        require_no_secret(ended, WRONG_SECRET)
        assert proxy.connections <= TRIES_MAX, f"{proxy.connections} connections: {ended.everything}"
    assert secured.tokens.token_requests - tokens_before <= TRIES_MAX


def require_one_error(ended: Ended, says: str) -> None:
    """Look for one error in one line, with what to do in the next, and no traceback."""
    errors = [number for number, line in enumerate(ended.errors) if line.startswith("error: ")]
    assert len(errors) == 1, ended.everything
    assert says in ended.errors[errors[0]], ended.everything
    assert ended.errors[-1].startswith("Operator action: "), ended.everything
    assert errors[0] == len(ended.errors) - 2, ended.everything
    assert "Traceback" not in ended.everything
