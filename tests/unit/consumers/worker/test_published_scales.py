"""A worker that is stopped does not wait for the scales it is reading."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from consumers.worker import published_scales
from consumers.worker.published_scales import PublishedScales
from core.model.errors import TransportError
from core.model.settings import KafkaSettings
from tests.support.worlds import exchange_universe


class _Reader:
    made: list[_Reader]

    def __init__(self, settings: KafkaSettings) -> None:
        self.reading, self.closed = threading.Event(), threading.Event()
        self.made.append(self)

    def __enter__(self) -> _Reader:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def existing(self, topics: list[str]) -> list[str]:
        return topics

    def read(self, topics: list[str], **_: Any) -> Iterator[Any]:
        self.reading.set()
        assert self.closed.wait(30)
        raise TransportError("the reader was closed")
        yield

    def close(self) -> None:
        self.closed.set()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[_Reader]:
    class Reader(_Reader):
        made: list[_Reader] = []  # noqa: RUF012 - one list a test

    monkeypatch.setattr(published_scales, "TopicReader", Reader)
    return Reader.made


def test_closing_ends_a_read_that_is_under_way(made: list[_Reader]) -> None:
    scales, failures = PublishedScales(KafkaSettings()), []

    def check() -> None:
        try:
            scales(exchange_universe())
        except TransportError as error:
            failures.append(error.message)

    checking = threading.Thread(target=check)
    checking.start()
    while not made:
        pass
    assert made[0].reading.wait(30)
    scales.close()
    checking.join(30)
    assert failures == ["the reader was closed"]


def test_no_read_begins_after_the_end(made: list[_Reader]) -> None:
    scales = PublishedScales(KafkaSettings())
    scales.close()
    with pytest.raises(TransportError, match="the worker is shutting down"):
        scales(exchange_universe())
    assert made == []
