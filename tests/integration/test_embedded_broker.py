"""The demo's broker: what it holds, and what it must refuse."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition

from consumers.transport.kafka_python import KafkaPythonTransport
from consumers.transport.seam import first_failure
from consumers.worker.state import Until, WorkerState
from consumers.worker.worker import Worker
from core.kafka.kafka_python import EMBEDDED_API_VERSION
from core.kafka.records import Committed
from core.model.errors import ConfigurationError
from core.model.settings import KafkaSettings, WorkerSettings
from deploy.local.embedded_broker import (
    EMBEDDED_FETCH_MAX_WAIT_MS,
    EMBEDDED_PARTITIONS,
    MAX_PARTITION_BYTES,
    EmbeddedBroker,
    partition_bytes,
    require_input_fits,
)
from tests.support.fake_engine import FakeEngine, clock, frame

TICKS = "rotascope.ticks.v1"
TOPICS = [TICKS, "rotascope.events.divergence", "rotascope.bars.1m", "rotascope.dead-letters"]
DEADLINE_S = 20.0


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(TOPICS) as broker:
        yield broker


def _settings(broker: EmbeddedBroker) -> KafkaSettings:
    return KafkaSettings(
        bootstrap_servers=broker.bootstrap_servers,
        api_version=EMBEDDED_API_VERSION,
        fetch_max_wait_ms=EMBEDDED_FETCH_MAX_WAIT_MS,
        partitions=EMBEDDED_PARTITIONS,
    )


@pytest.fixture
def transport(broker: EmbeddedBroker) -> Iterator[KafkaPythonTransport]:
    transport = KafkaPythonTransport(_settings(broker), WorkerSettings(group_id="embedded"))
    yield transport
    transport.close()


def test_topics_exist_with_four_partitions(transport: KafkaPythonTransport) -> None:
    assert [transport.partitions(topic) for topic in TOPICS] == [EMBEDDED_PARTITIONS] * len(TOPICS)


def test_offsets_and_their_metadata_are_kept(transport: KafkaPythonTransport) -> None:
    transport.assign(TICKS, range(EMBEDDED_PARTITIONS))
    assert transport.committed(2) is None
    transport.commit({2: Committed(7, '{"baseline":1}')})
    assert transport.committed(2) == Committed(7, '{"baseline":1}')


def test_a_partition_filled_to_the_limit_loses_nothing(transport: KafkaPythonTransport) -> None:
    """The reason for the limit: beyond it the oldest records go without a word."""
    payload = frame([5] * 512, sequence=0)
    fits = MAX_PARTITION_BYTES // partition_bytes(ticks=512, frames=1)
    sent = [transport.send(TICKS, None, payload, (), 0) for _ in range(fits)]
    transport.flush(20_000)
    assert first_failure(sent) is None
    transport.assign(TICKS, [0])
    assert (transport.begin_offset(0), transport.end_offset(0)) == (0, fits)


def test_a_partition_filled_with_single_ticks_loses_nothing(transport: KafkaPythonTransport) -> None:
    payload = frame([5], sequence=0)
    fits = MAX_PARTITION_BYTES // partition_bytes(ticks=1, frames=1)
    for number in range(fits):
        transport.send(TICKS, None, payload, (), 1)
        if number % 2_000 == 0:
            transport.flush(20_000)
    transport.flush(20_000)
    transport.assign(TICKS, [1])
    assert (transport.begin_offset(1), transport.end_offset(1)) == (0, fits)


def test_input_over_the_limit_is_refused_by_name() -> None:
    require_input_fits({})
    require_input_fits({0: 0, 1: MAX_PARTITION_BYTES})
    with pytest.raises(ConfigurationError, match=r"fills partition 3 with 4\.1 MB") as raised:
        require_input_fits({0: 5, 3: 4_100_000})
    assert raised.value.operator_action is not None
    assert "--bootstrap-servers" in raised.value.operator_action


def test_a_worker_runs_on_it_and_another_client_reads_the_events(
    broker: EmbeddedBroker, transport: KafkaPythonTransport
) -> None:
    for partition in range(EMBEDDED_PARTITIONS):
        for number in range(20):
            transport.send(TICKS, None, frame([5 + number] * 5, sequence=2 * number), (), partition)
        transport.send(TICKS, None, clock(99, sequence=41), (), partition)
    transport.flush(10_000)
    worker = Worker(
        transport,
        lambda partition, _: FakeEngine(partition),
        kafka=_settings(broker),
        settings=WorkerSettings(membership="manual", delivery="at_least_once", publish_values=False),
        state=WorkerState(),
    )
    worker.run(Until(event_time_ns=99))
    reader = Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": "reader"})
    reader.assign([TopicPartition(TOPICS[1], partition, 0) for partition in range(EMBEDDED_PARTITIONS)])
    ids: list[bytes] = []
    deadline = time.monotonic() + DEADLINE_S
    try:
        while len(ids) < 10 * EMBEDDED_PARTITIONS:
            assert time.monotonic() < deadline, f"only {len(ids)} events came"
            message = reader.poll(0.2)
            if message is not None and message.error() is None:
                headers: dict[str, Any] = dict(message.headers() or [])
                ids.append(headers["ce_id"])
    finally:
        reader.close()
    assert len(set(ids)) == len(ids)


def test_other_processes_reach_it_over_loopback(broker: EmbeddedBroker) -> None:
    program = (
        "import sys\n"
        "from kafka import KafkaProducer\n"
        "producer = KafkaProducer(bootstrap_servers=sys.argv[1], api_version=(2, 3))\n"
        "print(producer.send('rotascope.ticks.v1', b'hello', partition=3).get(timeout=10).offset)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, broker.bootstrap_servers], capture_output=True, text=True, timeout=60
    )
    assert (run.returncode, run.stdout.strip()) == (0, "0"), run.stderr
