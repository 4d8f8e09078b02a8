"""Which bar of a day holds when there are several."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from core.kafka.topic_reader import TopicReader
from core.model.frames import encode_frame
from core.model.records import BAR
from producers.backfill.day_bar_log import read_day_bars

FILE, WORKER, STRANGER = 9, 1, 5
RANKS = {FILE: 0, WORKER: 1}


class Records:
    """Records as a reader gives them."""

    def __init__(self, *records: Any) -> None:
        self._records = records

    def partitions(self, topic: str) -> list[int]:
        assert topic == "rotascope.bars.1d"
        return [0, 1]

    def read(self, topics: list[str], *, partitions: list[int], **_: Any) -> Iterator[Any]:
        assert (topics, partitions) == (["rotascope.bars.1d"], [0, 1])
        return iter(self._records)


def record(close: int, source: int, *, offset: int, sent_ms: int, session: int = 19_915) -> Any:
    bar = np.zeros(1, BAR)
    bar["instrument_id"], bar["session"], bar["close"], bar["source"] = 7, session, close, source
    value = encode_frame(bar, source=0, epoch=0, sequence=0)
    return SimpleNamespace(value=value, offset=offset, timestamp_ms=sent_ms)


def closes(*records: Any) -> list[tuple[int, int]]:
    """Close and offset of each day that is found."""
    found = read_day_bars(cast(TopicReader, Records(*records)), RANKS)
    return list(zip(found.bars["close"].tolist(), found.offsets.tolist(), strict=True))


def test_the_last_one_of_a_source_holds() -> None:
    assert closes(record(1, FILE, offset=3, sent_ms=10), record(2, FILE, offset=8, sent_ms=20)) == [(2, 8)]


def test_in_another_partition_the_time_decides_and_not_the_offset() -> None:
    assert closes(record(1, FILE, offset=90, sent_ms=10), record(2, FILE, offset=4, sent_ms=20)) == [(2, 4)]


def test_whoever_saw_the_trades_outranks_a_file_that_came_later() -> None:
    assert closes(record(1, WORKER, offset=3, sent_ms=10), record(2, FILE, offset=8, sent_ms=20)) == [(1, 3)]


def test_days_stay_apart_and_what_cannot_be_used_is_passed_over() -> None:
    garbage = SimpleNamespace(value=b"no frame", offset=1, timestamp=1)
    deleted = SimpleNamespace(value=None, offset=2, timestamp=1)
    found = closes(
        garbage,
        deleted,
        record(1, FILE, offset=3, sent_ms=10),
        record(2, FILE, offset=4, sent_ms=10, session=19_916),
        record(3, STRANGER, offset=5, sent_ms=10, session=19_917),
    )
    assert found == [(1, 3), (2, 4)]
    assert closes(garbage) == []
