"""What a secured cluster refuses is told in one line, at once, without any secret.

Each refusal with both clients, in one command each; `make secured` runs every command.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.secured.refusals import REFUSALS, run_refused
from tests.support.secured_broker import Secured

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(300)]

UNUSED_VENDOR = "ws://127.0.0.1:9/v2/sip"
"""Nobody gets as far as to speak to it."""


@pytest.mark.parametrize(
    ("client", "command"), [("kafka-python", "topics check"), ("confluent", "consume")], ids=str
)
@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refusal_is_told_in_one_line(
    secured: Secured, tmp_path: Path, refusal: str, client: str, command: str
) -> None:
    run_refused(secured, refusal, client, command, tmp_path, UNUSED_VENDOR)
