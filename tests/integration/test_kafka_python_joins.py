"""Joins of kafka-python on Apache Kafka that polls do not sit out."""

from __future__ import annotations

import time
from typing import Any

import pytest
from kafka.protocol.consumer import SyncGroupRequest

from consumers.transport import kafka_python_reader
from consumers.transport.kafka_python import KafkaPythonTransport
from core.model.settings import KafkaSettings, WorkerSettings
from deploy.kafka.broker import LocalKafka
from tests.support.kafka_broker import MakeTopic

pytestmark = pytest.mark.integration

DEADLINE_S = 20.0
SYNC_DELAY_S = 0.3


def test_a_poll_that_expires_inside_a_leaders_join_does_not_abandon_it(
    kafka: LocalKafka, make_topic: MakeTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards a worker that got records and sent no heartbeat until it was expelled: 30 s of stall.

    A leader that had not known the topic's partitions joins a second time for that reason alone.
    Once it has assigned them, the client no longer sees a reason to join.
    """
    topic = make_topic(partitions=2)
    monkeypatch.setattr(kafka_python_reader, "JOIN_POLL_MS", 1)
    transport = KafkaPythonTransport(
        KafkaSettings(bootstrap_servers=kafka.bootstrap_servers),
        WorkerSettings(group_id="expiring-polls"),
        client_id="test",
    )
    try:
        transport.subscribe(topic)
        assert _joins_and_stays(transport)
        _slow_down_sync(transport, monkeypatch)
        transport._consumer._coordinator._assignment_snapshot = {}
        transport.poll(1)
        assert transport.membership() is None, "no second join has begun"
        assert _joins_and_stays(transport), "the second join never ends"
    finally:
        transport.close()


def _slow_down_sync(transport: KafkaPythonTransport, monkeypatch: pytest.MonkeyPatch) -> None:
    manager = transport._consumer._coordinator._manager
    send = manager.send

    async def after_a_while(request: Any, options: dict[str, Any]) -> Any:
        await manager._net.sleep(SYNC_DELAY_S)
        return await send(request, **options)

    def slowly(request: Any, *arguments: Any, **options: Any) -> Any:
        if isinstance(request, SyncGroupRequest):
            return manager.call_soon(after_a_while, request, options)
        return send(request, *arguments, **options)

    monkeypatch.setattr(manager, "send", slowly)


def _joins_and_stays(transport: KafkaPythonTransport) -> bool:
    """Whether it becomes a member that owns both partitions and is one for a second."""
    deadline = time.monotonic() + DEADLINE_S
    stable_since: float | None = None
    while (now := time.monotonic()) < deadline:
        transport.poll(1)
        if transport.membership() is None:
            stable_since = None
        elif stable_since is None:
            stable_since = now
        elif now - stable_since > 1.0:
            return True
    return False
