"""A missing right ends a command in one line that names the topic, group or transactional id.

One of each kind; `make secured` takes each right of each command away in turn.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.kafka.needs import Operation, Target
from tests.support.secured.missing_rights import Cluster, Lack, run_lacking
from tests.support.secured.product import ProductAccess
from tests.support.secured.users import Login
from tests.support.secured_broker import Secured

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(400)]

UNUSED_VENDOR = "ws://127.0.0.1:9/v2/sip"


@pytest.mark.parametrize(
    ("client", "lack"),
    [
        ("kafka-python", Lack("topics check", Operation.DESCRIBE_CONFIGS, Target.EVERY_TOPIC)),
        ("kafka-python", Lack("events tail", Operation.READ, Target.EVENTS)),
        ("kafka-python", Lack("events forward", Operation.READ, Target.FORWARDERS_GROUP)),
        ("kafka-python", Lack("events forward", Operation.READ, Target.EVENTS)),
        ("kafka-python", Lack("events forward", Operation.WRITE, Target.DEAD_LETTERS)),
        ("confluent", Lack("backfill csv", Operation.WRITE, Target.DAY_BARS)),
        ("kafka-python", Lack("consume", Operation.READ, Target.WORKERS_GROUP)),
        ("confluent", Lack("consume", Operation.READ, Target.WORKERS_GROUP)),
    ],
    ids=str,
)
def test_a_missing_right_is_named(secured: Secured, tmp_path: Path, client: str, lack: Lack) -> None:
    cluster = Cluster(secured, tmp_path, UNUSED_VENDOR)
    run_lacking(cluster, ProductAccess(Login.PLAIN, client), lack, tmp_path / "lacking")
