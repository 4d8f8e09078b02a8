"""consumers.snapshots.store: the named snapshot first, then what came before it."""

from __future__ import annotations

import pytest

from consumers.snapshots.records import CHUNK_BYTES, SnapshotName
from consumers.snapshots.store import SnapshotStore
from tests.support.snapshot_topic import PARTITION, MemoryLog, write


def three() -> tuple[MemoryLog, list[SnapshotName]]:
    """Three snapshots of two chunks each, with transactions' ends between them."""
    log = MemoryLog()
    names = []
    for number in range(3):
        names.append(write(log, bytes([number]) * (CHUNK_BYTES + 1), number=number, next_offset=10 * number))
        log.marker()
    return log, names


def found(log: MemoryLog, named: SnapshotName) -> tuple[list[int], list[str]]:
    problems: list[str] = []
    candidates = list(SnapshotStore(log).candidates(PARTITION, named, problems))
    for candidate in candidates:
        assert candidate.data == bytes([candidate.name.number]) * (CHUNK_BYTES + 1)
    return [candidate.name.number for candidate in candidates], problems


def test_newest_first() -> None:
    log, names = three()
    assert found(log, names[2]) == ([2, 1, 0], [])
    log.compact()
    assert found(log, names[2]) == ([2, 1, 0], [])


def test_one_that_is_not_named_yet_is_passed_over() -> None:
    """Its manifest may be in the log while the commit that names it is not."""
    log, names = three()
    assert found(log, names[1]) == ([1, 0], [])


def test_a_good_snapshot_costs_a_look_at_the_end_of_the_log() -> None:
    log, names = three()
    store = SnapshotStore(log)
    assert next(store.candidates(PARTITION, names[2], [])).name == names[2]
    assert log.reads == [12]


def test_a_snapshot_far_behind_the_end_is_found() -> None:
    log, names = three()
    for _ in range(20):
        write(log, b"unfinished", number=4, next_offset=40)
        log.compact()
        log.marker()
    store = SnapshotStore(log)
    assert next(store.candidates(PARTITION, names[2], [])).name == names[2]


def test_a_slot_that_is_being_written_does_not_hide_the_named_one() -> None:
    log, names = three()
    write(log, b"3" * (2 * CHUNK_BYTES), number=3, next_offset=30)
    log.records.pop()  # the manifest
    numbers, problems = found(log, names[2])
    assert numbers == [2, 1]
    assert problems == ["snapshot 0 at offset 0: chunk 0 of 2 belongs to another snapshot"]


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        (b"3/2/1", None, "chunk 1 of 2 is missing"),
        (b"3/2/1", b"", "chunk 1 of 2 is missing"),
        (b"3/2/1", b"?", "bytes do not match the manifest's length and CRC32C"),
        (b"3/2/manifest", None, "its manifest is missing"),
        (b"3/2/manifest", b"", "its manifest is missing"),
        (b"3/2/manifest", b"?", "the manifest cannot be read"),
    ],
)
def test_a_damaged_one_is_passed_over_with_its_reason(key: bytes, value: bytes | None, problem: str) -> None:
    log, names = three()
    log.change(key, value)
    numbers, problems = found(log, names[2])
    assert numbers == [1, 0]
    assert len(problems) == 1
    assert problems[0].startswith("snapshot 2 at offset 20: ")
    assert problem in problems[0]


def test_an_empty_topic() -> None:
    name = SnapshotName(number=5, next_offset=7, chunks=1)
    assert found(MemoryLog(), name) == ([], ["snapshot 5 at offset 7: its slot is empty"])


def test_a_slot_that_holds_another_one() -> None:
    log, names = three()
    named = SnapshotName(number=5, next_offset=50, chunks=2)
    numbers, problems = found(log, named)
    assert numbers == [2, 1, 0]
    assert problems == ["snapshot 5 at offset 50: its slot contains another one"]
    assert names[2].slot == named.slot


def test_strange_keys_are_none_of_ours() -> None:
    log, names = three()
    for record in list(log.records[:3]):
        for key in (None, b"", b"3/x/0", b"3/2/other", b"\xff/\xff", b"3"):
            log.records.append(type(record)(record.topic, PARTITION, 99, key, b"?", (), 0))
    assert found(log, names[2]) == ([2, 1, 0], [])
