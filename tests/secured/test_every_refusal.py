"""Every refusal, with every client, in every command: one line, at once, and no secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.secured.refusals import REFUSALS, run_refused
from tests.support.secured_broker import Secured

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(300)]

COMMANDS = [
    "topics apply", "topics check", "backfill csv", "backfill baseline", "produce alpaca", "consume",
    "events tail", "ticks cat", "values cat",
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("client", ["kafka-python", "confluent"])
@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refusal_is_told_in_one_line(
    secured: Secured, tmp_path: Path, address: str, refusal: str, client: str, command: str
) -> None:
    run_refused(secured, refusal, client, command, tmp_path, address)
