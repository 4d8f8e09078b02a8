"""A batch that cannot be unpacked names its partition and is fetched anew, instead of stopping the client."""

from __future__ import annotations

from typing import Any

import pytest
from kafka import TopicPartition
from kafka.consumer.fetcher import Fetcher
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder

from core.kafka.errors import translated
from core.kafka.unpacking import guard_unpacking
from core.model.errors import UnreadableError

PLACE = TopicPartition("ticks", 3)


class _Consumer:
    def __init__(self) -> None:
        self._fetcher: Any = Fetcher.__new__(Fetcher)


def _batch(value: bytes) -> bytes:
    builder = MemoryRecordsBuilder(magic=2, compression_type=0, batch_size=10_000)
    builder.append(timestamp=1, key=None, value=value, headers=[])
    builder.close()
    return bytes(builder.buffer())


def _records(data: bytes) -> Any:
    kind = guard_unpacking(_Consumer())._fetcher.PartitionRecords
    return kind(0, PLACE, MemoryRecords(data))


def test_a_whole_batch_is_unpacked() -> None:
    assert [record.value for record in _records(_batch(b"abc")).take()] == [b"abc"]


def test_a_wrong_checksum_names_partition_and_offset_and_the_answer_is_dropped() -> None:
    data = bytearray(_batch(b"abc"))
    data[-2] ^= 1
    records = _records(bytes(data))
    with (
        pytest.raises(UnreadableError, match=r"the batch at offset 0 of ticks/3.*crc") as raised,
        translated("poll", "ticks"),
    ):
        records.take()
    assert raised.value.partition == 3
    assert raised.value.retriable
    assert "Operator action: if it lasts, the leader's copy is damaged" in str(raised.value)
    assert not records
