"""Every command, with every mechanism and every client, with exactly the printed rights."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.secured.product import ProductAccess
from tests.support.secured.rounds import play_round
from tests.support.secured.users import Login
from tests.support.secured_broker import Secured

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.mark.parametrize("client", ["kafka-python", "confluent"])
@pytest.mark.parametrize("login", Login, ids=str)
def test_every_command_works_with_exactly_the_printed_rights(
    secured: Secured, tmp_path: Path, address: str, login: Login, client: str
) -> None:
    play_round(secured, ProductAccess(login, client), tmp_path, address)
