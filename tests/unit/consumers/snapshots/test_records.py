"""consumers.snapshots.records: bytes cut into records, and put together again or refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumers.snapshots.records import (
    CHUNK_BYTES,
    ID_HEADER,
    SLOTS,
    Manifest,
    SnapshotName,
    assemble,
    decode_manifest,
    snapshot_records,
)
from core.model.errors import SnapshotError
from deploy.kafka.topics import MAX_MESSAGE_BYTES, load_topics

Chunks = dict[int, tuple[bytes, bytes]]


def cut(data: bytes, *, number: int = 4, next_offset: int = 77) -> tuple[SnapshotName, Manifest, Chunks]:
    name, records = snapshot_records(
        data, {"pairs": "1", "definition/x": "ab"}, partition=7, number=number, next_offset=next_offset
    )
    chunks = {
        int((record.key or b"").split(b"/")[2]): (dict(record.headers)[ID_HEADER], record.value)
        for record in records[:-1]
    }
    return name, decode_manifest(records[-1].value), chunks


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 3 * CHUNK_BYTES + 5))
def test_what_was_cut_comes_back(length: int) -> None:
    data = (b"0123456789abcdef" * (length // 16 + 1))[:length]
    name, manifest, chunks = cut(data)
    assert manifest.name == name
    assert name.chunks == len(chunks) == -(-length // CHUNK_BYTES)
    assert assemble(manifest, chunks) == data


def test_every_record_fits_a_batch_of_its_topic() -> None:
    _, records = snapshot_records(b"x" * (CHUNK_BYTES + 1), {}, partition=7, number=4, next_offset=77)
    (topic,) = {record.topic for record in records}
    (wanted,) = (each for each in load_topics() if each.name == topic)
    assert wanted.generation_bound
    assert wanted.config["cleanup.policy"] == "compact"
    assert max(len(record.value) for record in records) <= CHUNK_BYTES < MAX_MESSAGE_BYTES
    assert {record.partition for record in records} == {7}


def test_keys_are_partition_slot_and_chunk_and_the_manifest_comes_last() -> None:
    _, records = snapshot_records(b"x" * (CHUNK_BYTES + 1), {"a": "1"}, partition=7, number=5, next_offset=9)
    assert [record.key for record in records] == [b"7/2/0", b"7/2/1", b"7/2/manifest"]
    manifest = json.loads(records[-1].value)
    assert manifest["name"] == {"number": 5, "next_offset": 9, "chunks": 2}
    assert manifest["sections"] == {"a": "1"}


def test_a_slot_is_used_again_after_two_others() -> None:
    names = [cut(b"x", number=number)[0] for number in range(5)]
    assert [name.slot for name in names] == [0, 1, 2, 0, 1]
    assert SLOTS == 3


def test_a_missing_chunk_is_noticed() -> None:
    _, manifest, chunks = cut(b"x" * (2 * CHUNK_BYTES))
    del chunks[1]
    with pytest.raises(SnapshotError, match="chunk 1 of 2 is missing"):
        assemble(manifest, chunks)


def test_a_chunk_of_an_older_turn_of_the_slot_is_noticed() -> None:
    _, manifest, chunks = cut(b"x" * (2 * CHUNK_BYTES), number=4)
    _, _, older = cut(b"x" * (2 * CHUNK_BYTES), number=1)
    with pytest.raises(SnapshotError, match="chunk 1 of 2 belongs to another snapshot"):
        assemble(manifest, {**chunks, 1: older[1]})


def test_more_chunks_than_wanted_are_left_over_from_a_larger_snapshot() -> None:
    _, manifest, chunks = cut(b"x" * 10, number=4)
    _, _, older = cut(b"y" * (2 * CHUNK_BYTES), number=1)
    assert assemble(manifest, {**older, **chunks}) == b"x" * 10


@pytest.mark.parametrize("damage", [b"", b"x" * 9, b"x" * 9 + b"y", b"x" * 11])
def test_a_damaged_chunk_is_noticed(damage: bytes) -> None:
    _, manifest, chunks = cut(b"x" * 10)
    with pytest.raises(SnapshotError, match="do not match"):
        assemble(manifest, {0: (chunks[0][0], damage)})


@pytest.mark.parametrize("value", [b"", b"{}", b"[1]", b"\xff"])
def test_a_manifest_that_is_none(value: bytes) -> None:
    with pytest.raises(SnapshotError, match="cannot be read"):
        decode_manifest(value)


def test_a_manifest_of_another_version() -> None:
    _, records = snapshot_records(b"x", {}, partition=7, number=4, next_offset=9)
    content = json.loads(records[-1].value) | {"version": 99}
    with pytest.raises(SnapshotError, match="version is 99"):
        decode_manifest(json.dumps(content).encode())


def test_another_generation_writes_to_a_topic_of_its_own() -> None:
    topic = "rotascope.snapshots.v2"
    _, records = snapshot_records(b"x", {}, partition=7, number=4, next_offset=9, topic=topic)
    assert {record.topic for record in records} == {topic}
