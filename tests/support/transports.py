"""Transports of every client to the broker of the session."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from consumers.transport.registry import TRANSPORTS, make_transport
from consumers.transport.seam import Transport
from core.kafka.records import Record
from core.model.settings import KafkaSettings, WorkerSettings
from deploy.kafka.broker import LocalKafka

DEADLINE_S = 20.0


@dataclass
class Connect:
    """Makes transports to the session's broker, and closes them after the test."""

    kafka: LocalKafka
    client: str
    made: list[Transport] = field(default_factory=list)

    def __call__(self, group_id: str = "test", **settings: object) -> Transport:
        transport = make_transport(
            KafkaSettings.model_validate(
                {"bootstrap_servers": self.kafka.bootstrap_servers, "client": self.client} | settings
            ),
            WorkerSettings(group_id=group_id),
        )
        self.made.append(transport)
        return transport


@pytest.fixture(params=TRANSPORTS)
def connect(kafka: LocalKafka, request: pytest.FixtureRequest) -> Iterator[Connect]:
    connect = Connect(kafka, request.param)
    yield connect
    for transport in connect.made:
        transport.close()


def read_records(transport: Transport, count: int) -> list[Record]:
    """Poll until so many records have come."""
    records: list[Record] = []
    deadline = time.monotonic() + DEADLINE_S
    while len(records) < count:
        assert time.monotonic() < deadline, f"{len(records)} of {count} records came"
        for batch in transport.poll(100).values():
            records += batch
    return records


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
