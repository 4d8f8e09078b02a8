"""Rotascope on a broker with TLS, SASL and an authorizer, with no more rights than are printed.

Each mechanism and each client once; `make secured` runs every mechanism with every client.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.secured.operator import vendor
from tests.support.secured.product import ProductAccess
from tests.support.secured.rounds import play_round
from tests.support.secured.users import Login
from tests.support.secured_broker import Secured

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where recorded trades are played."""
    with vendor() as served:
        yield served


@pytest.mark.parametrize(
    ("login", "client"),
    [
        (Login.PLAIN, "kafka-python"),
        (Login.SCRAM_256, "confluent"),
        (Login.SCRAM_512, "kafka-python"),
        (Login.OAUTHBEARER, "confluent"),
        (Login.MUTUAL_TLS, "kafka-python"),
    ],
    ids=str,
)
def test_every_command_works_with_exactly_the_printed_rights(
    secured: Secured, tmp_path: Path, address: str, login: Login, client: str
) -> None:
    play_round(secured, ProductAccess(login, client), tmp_path, address)
