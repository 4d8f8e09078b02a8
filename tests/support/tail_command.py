"""Runs `events tail`, `ticks cat` and `values cat` over records that are already there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Self

import pytest
from typer.testing import CliRunner, Result

from consumers.inspect import reading, tail, values
from core.kafka.records import Record
from core.model.event_families import EVENT_FAMILIES
from core.model.settings import KafkaSettings
from core.model.topics import EVENTS_PREFIX

TICKS_TOPIC = KafkaSettings().ticks_topic
VALUES_TOPIC = KafkaSettings().values_topic
ALL_EVENT_TOPICS = [EVENTS_PREFIX + family for family in EVENT_FAMILIES]


class FakeReader:
    """Stands for a TopicReader: gives the records of the topics that are read."""

    def __init__(
        self, records: Sequence[Record], topics: Sequence[str], ending: BaseException | None
    ) -> None:
        self.records = records
        self.topics = topics
        self.ending = ending
        self.read_with: dict[str, Any] = {}
        self.closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True

    def existing(self, topics: Sequence[str]) -> tuple[str, ...]:
        return tuple(topic for topic in topics if topic in self.topics)

    def read(self, topics: Sequence[str], **options: Any) -> Iterator[Record]:
        self.read_with = {"topics": tuple(topics), **options}
        for record in self.records:
            if record.topic in topics:
                yield record
        if self.ending is not None:
            raise self.ending


class TailCommand:
    """Runs the commands against a FakeReader."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.reader = FakeReader((), (), None)

    def run(
        self,
        *arguments: str,
        records: Sequence[Record] = (),
        topics: Sequence[str] = (*ALL_EVENT_TOPICS, TICKS_TOPIC, VALUES_TOPIC),
        ending: BaseException | None = None,
    ) -> Result:
        self.reader = FakeReader(records, topics, ending)
        self._monkeypatch.setattr(reading, "TopicReader", lambda *_, **__: self.reader)
        app = values.app if arguments[:1] == ("values",) else tail.app
        return CliRunner().invoke(app, arguments[1:] if app is values.app else arguments)
