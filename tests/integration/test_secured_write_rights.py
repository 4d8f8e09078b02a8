"""A transaction without the right to write one of its topics: both clients name the topic, at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka.admin import ACLOperation, ACLResourcePatternType, ResourceType

from consumers.transport.registry import TRANSPORTS, make_transport
from core.kafka.records import Committed, OutgoingRecord
from core.model.errors import TransportError
from core.model.settings import WorkerSettings
from core.runtime.settings import collect_settings
from tests.support.secured.operator import admin
from tests.support.secured.product import ProductAccess, write_settings
from tests.support.secured.rights import Right, give
from tests.support.secured.users import USERS, Login
from tests.support.secured_broker import Secured

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(200)]

PRINCIPAL = USERS[Login.PLAIN].principal
GROUP = "write-rights"
INPUT, ALLOWED, REFUSED = "write-rights-input", "write-rights-allowed", "write-rights-refused"
DEADLINE_MS = 60_000


@pytest.fixture(scope="module")
def topics(secured: Secured) -> Iterator[None]:
    with admin(secured) as client:
        two = {"num_partitions": 2, "replication_factor": 1}
        names = (INPUT, ALLOWED, REFUSED)
        client.create_topics(dict.fromkeys(names, two), wait_for_metadata=True)
        yield
        client.delete_topics(list(names))
    give(secured.broker, PRINCIPAL, [])


@pytest.mark.usefixtures("topics")
@pytest.mark.parametrize("client", TRANSPORTS)
@pytest.mark.parametrize("records", [2, 5_000])
@pytest.mark.parametrize("may_describe", [True, False])
def test_a_missing_right_to_write_is_named(
    secured: Secured, tmp_path: Path, client: str, records: int, may_describe: bool
) -> None:
    """Regression: the missing right was hidden by a deadline or by an error that only follows from it."""
    rights = [
        _right(ResourceType.TOPIC, INPUT, ACLOperation.READ),
        _right(ResourceType.TOPIC, ALLOWED, ACLOperation.WRITE),
        _right(ResourceType.GROUP, GROUP, ACLOperation.READ),
        _right(ResourceType.TRANSACTIONAL_ID, f"{GROUP}/{INPUT}/0", ACLOperation.WRITE),
    ]
    if may_describe:
        rights.append(_right(ResourceType.TOPIC, REFUSED, ACLOperation.DESCRIBE))
    give(secured.broker, PRINCIPAL, rights)
    settings = write_settings(secured, ProductAccess(Login.PLAIN, client), tmp_path)
    transport = make_transport(
        collect_settings(settings, {}).kafka, WorkerSettings(group_id=GROUP, membership="manual")
    )
    sends = [
        OutgoingRecord(topic, None, bytes(100), (), number % 2)
        for number in range(records // 2)
        for topic in (ALLOWED, REFUSED)
    ]
    started = time.monotonic()
    try:
        transport.assign(INPUT, [0])
        with pytest.raises(TransportError, match=f"this user may not write to {REFUSED}: ") as raised:
            transport.transact(sends, {0: Committed(1, "")}, None, DEADLINE_MS)
        assert transport.committed(0) is None
    finally:
        transport.close()
    assert time.monotonic() - started < DEADLINE_MS / 1_000, "the refusal ends the attempt, not the deadline"
    assert not raised.value.retriable
    assert str(raised.value.operator_action).startswith(f"grant this user Write on {REFUSED}: ")


def _right(kind: ResourceType, name: str, operation: ACLOperation) -> Right:
    return Right(PRINCIPAL, kind, name, ACLResourcePatternType.LITERAL, operation)
