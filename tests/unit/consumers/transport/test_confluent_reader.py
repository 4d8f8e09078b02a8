"""What the confluent-kafka reader makes of a batch in which something is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from consumers.transport.confluent_reader import ConfluentReader
from core.model.errors import TransportError
from core.model.settings import KafkaSettings
from tests.support.worker_in_memory import worker_settings


class FakeMessage:
    """A record, or an error in its place."""

    def __init__(self, offset: int, error: int | None = None) -> None:
        self._offset, self._error = offset, error

    def error(self) -> KafkaError | None:
        return None if self._error is None else KafkaError(self._error)

    def topic(self) -> str:
        return "ticks"

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return self._offset

    def key(self) -> None:
        return None

    def value(self) -> bytes:
        return b"frame"

    def headers(self) -> None:
        return None

    def timestamp(self) -> tuple[int, int]:
        return 1, 1


class FakeConsumer:
    """Gives what it was made with, and then nothing."""

    def __init__(self, *messages: FakeMessage, consume_fails: bool = False) -> None:
        self._messages = list(messages)
        self._consume_fails = consume_fails
        self.assigned: list[int] | None = None

    def assign(self, places: list[TopicPartition]) -> None:
        if self.assigned is None:
            self.assigned = []
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        self.assigned = [place.offset for place in places]

    def pause(self, places: list[TopicPartition]) -> None:
        pass

    def poll(self, timeout: float) -> FakeMessage | None:
        return self._messages.pop(0) if self._messages else None

    def consume(self, most: int, timeout: float) -> list[FakeMessage]:
        if self._consume_fails:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        given, self._messages = self._messages, []
        return given


def _reader(*messages: FakeMessage, consume_fails: bool = False) -> ConfluentReader:
    # Only its half of the transport is tested here.
    reader = ConfluentReader(KafkaSettings(), worker_settings(), "test", connected=False)  # type: ignore[abstract]
    consumer: Any = FakeConsumer(*messages, consume_fails=consume_fails)
    reader._consumer = consumer
    return reader


def _offsets(reader: ConfluentReader) -> list[int]:
    return [record.offset for record in reader.poll(10).get(0, [])]


def test_nothing_is_taken_that_stands_behind_what_cannot_be_read() -> None:
    """What cannot be unpacked is passed over by librdkafka: what comes behind would leave a hole."""
    reader = _reader(FakeMessage(1), FakeMessage(2, KafkaError._BAD_COMPRESSION), FakeMessage(5))
    assert _offsets(reader) == [1]
    with pytest.raises(TransportError) as raised:
        reader.poll(10)
    assert not raised.value.retriable


def test_an_error_that_passes_does_not_hide_one_that_stays() -> None:
    reader = _reader(
        FakeMessage(1),
        FakeMessage(2, KafkaError._ALL_BROKERS_DOWN),
        FakeMessage(2, KafkaError._BAD_COMPRESSION),
        FakeMessage(5),
    )
    assert _offsets(reader) == [1]
    with pytest.raises(TransportError, match="BAD_COMPRESSION"):
        reader.poll(10)


def test_what_follows_an_error_that_passes_is_taken() -> None:
    reader = _reader(FakeMessage(1), FakeMessage(2, KafkaError._ALL_BROKERS_DOWN), FakeMessage(2))
    assert _offsets(reader) == [1, 2]
    with pytest.raises(TransportError, match="ALL_BROKERS_DOWN"):
        reader.poll(10)
    assert _offsets(reader) == []


def test_a_record_that_was_given_is_not_lost_where_the_call_for_more_fails() -> None:
    reader = _reader(FakeMessage(1), consume_fails=True)
    assert _offsets(reader) == [1]
    with pytest.raises(TransportError, match="_TRANSPORT"):
        reader.poll(10)


def test_partitions_that_could_not_be_assigned_are_assigned_at_the_next_poll() -> None:
    reader = _reader()
    reader.assign("ticks", [0])
    reader.seek(0, 7)
    with pytest.raises(TransportError):
        reader.poll(10)
    assert reader.poll(10) == {}
    consumer: Any = reader._consumer
    assert consumer.assigned == [7]
