"""A reader of partitions that is closed while another thread reads."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.errors import IllegalStateError

from core.kafka import reader_connection
from core.kafka.partition_reader import PartitionReader
from core.model.errors import TransportError
from core.model.settings import KafkaSettings

PART = TopicPartition("ticks", 0)


class FakeConsumer:
    """Gives one record a poll, and raises once it is closed, as kafka-python's does."""

    def __init__(self) -> None:
        self.closed = False
        self._position = 0

    def assign(self, parts: list[TopicPartition]) -> None:
        pass

    def seek(self, part: TopicPartition, offset: int) -> None:
        self._position = offset

    def position(self, part: TopicPartition, timeout_ms: int) -> int:
        return self._position

    def end_offsets(self, parts: list[TopicPartition], timeout_ms: int) -> dict[TopicPartition, int]:
        return dict.fromkeys(parts, 100)

    def poll(self, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        if self.closed:
            raise IllegalStateError("KafkaConsumer is closed")
        self._position += 1
        return {PART: [SimpleNamespace(offset=self._position - 1)]}

    def close(self, **_: Any) -> None:
        self.closed = True


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[FakeConsumer]:
    consumers: list[FakeConsumer] = []

    def connect(configuration: dict[str, Any], timeout_ms: float) -> FakeConsumer:
        consumers.append(FakeConsumer())
        return consumers[-1]

    monkeypatch.setattr(reader_connection, "connect_consumer", connect)
    return consumers


def _reader() -> PartitionReader:
    settings = KafkaSettings(
        bootstrap_servers="kafka:9092", bootstrap_timeout_ms=100, request_timeout_ms=5_000
    )
    reader = PartitionReader(settings, patience_ms=None)
    reader.place({PART: 0})
    return reader


def test_who_is_closed_while_reading_does_not_go_on_with_a_new_client(made: list[FakeConsumer]) -> None:
    """Regression: a restore read its snapshot to the end, after its worker had been told to stop."""
    reader = _reader()
    batches = iter(reader.rest({PART: 100}, 1))
    assert [record.offset for record in next(batches)] == [0]
    reader.close()
    with pytest.raises(TransportError, match="was closed") as raised:
        list(batches)
    assert not raised.value.retriable
    assert [each.closed for each in made] == [True]
    with pytest.raises(TransportError, match="was closed"):
        reader.existing(["ticks"])


def test_a_client_that_fails_is_made_anew(made: list[FakeConsumer]) -> None:
    reader = _reader()
    batches = iter(reader.rest({PART: 3}, 1_000))
    next(batches)
    made[0].closed = True
    assert [record.offset for batch in batches for record in batch] == [1, 2]
    assert len(made) == 2
