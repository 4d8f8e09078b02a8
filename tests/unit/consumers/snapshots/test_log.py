"""Regression: a reader whose broker had gone kept a partition from being restored forever."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from consumers.snapshots import log as snapshot_log
from consumers.snapshots.log import TopicSnapshotLog
from core.model.errors import ConfigurationError, TransportError
from core.model.settings import KafkaSettings


class _Reader:
    made: list[_Reader]
    topics: tuple[str, ...]

    def __init__(self, settings: KafkaSettings) -> None:
        self.fails = not self.made
        self.closed = False
        self.made.append(self)

    def existing(self, topics: list[str]) -> tuple[str, ...]:
        return tuple(topic for topic in topics if topic in self.topics)

    def read(self, topics: list[str], **_: Any) -> Iterator[Any]:
        yield 1
        if self.fails:
            raise TransportError("no answer", operator_action="try again")
        yield 2

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> type[_Reader]:
    class Reader(_Reader):
        made: list[_Reader] = []  # noqa: RUF012 - one list a test
        topics = (KafkaSettings().snapshots_topic,)

    monkeypatch.setattr(snapshot_log, "TopicReader", Reader)
    return Reader


def test_a_failed_reader_is_not_used_again(reader: type[_Reader]) -> None:
    log = TopicSnapshotLog(KafkaSettings())
    with pytest.raises(TransportError, match="no answer"):
        list(log.read(0))
    assert [each.closed for each in reader.made] == [True]
    for partition in range(2):
        records: list[Any] = list(log.read(partition))
        assert records == [1, 2]
    assert [each.closed for each in reader.made] == [True, False]
    log.close()
    assert reader.made[1].closed


def test_a_missing_topic_is_named(reader: type[_Reader]) -> None:
    reader.topics = ()
    with pytest.raises(ConfigurationError, match="does not exist"):
        list(TopicSnapshotLog(KafkaSettings()).read(0))


def test_a_reader_that_connects_while_the_log_is_closed_reads_nothing(reader: type[_Reader]) -> None:
    def closed_meanwhile(self: _Reader, settings: KafkaSettings) -> None:
        log.close()
        made(self, settings)

    log, made = TopicSnapshotLog(KafkaSettings()), reader.__init__
    reader.__init__ = closed_meanwhile  # type: ignore[method-assign]
    with pytest.raises(TransportError, match="the worker is shutting down"):
        list(log.read(0))
    assert [each.closed for each in reader.made] == [True]
