"""Frames of values: shards, marks, and that the same step gives the same bytes."""

from __future__ import annotations

import numpy as np
import pytest

from core.model.frames import MAX_RECORDS, FrameHeader, decode_frame
from core.model.records import NO_INSTRUMENT, VALUE, ValueFlag
from core.model.value_frames import ValueBatch, ValueFrame, value_frames

T_NS = 1_720_728_000 * 10**9
SESSION = 19_915


def batch(ids: list[int], *, final: bool = False, complete: bool = True, block: int = 0) -> ValueBatch:
    records = np.zeros(len(ids), VALUE)
    records["instrument_id"] = ids
    records["return_pct"] = np.arange(len(ids))
    return ValueBatch(T_NS, SESSION, block, records["instrument_id"].copy(), records, final, complete)


def frames(*batches: ValueBatch, shards: int = 1, offset: int = 7) -> list[ValueFrame]:
    return list(value_frames(list(batches), partition=3, offset=offset, shards=shards))


def decoded(found: list[ValueFrame]) -> list[tuple[int, FrameHeader, np.ndarray]]:
    return [(shard, *decode_frame(payload, VALUE)) for shard, payload in found]


def test_a_minute_is_a_frame_that_ends_with_its_mark() -> None:
    ((shard, header, values),) = decoded(frames(batch([4, 5, 9])))
    assert shard == 0
    assert (header.source, header.epoch) == (3, T_NS)
    assert values["instrument_id"].tolist() == [4, 5, 9, NO_INSTRUMENT]
    mark = values[-1]
    assert (int(mark["price"]), int(mark["volume"]), int(mark["session"])) == (T_NS, 3, SESSION)
    assert int(mark["flags"]) == ValueFlag.MARK
    assert np.isnan(mark["return_pct"])
    assert np.isnan(mark["rsi"])


@pytest.mark.parametrize("shards", [1, 2, 3, 7])
def test_every_pair_is_in_one_shard_and_every_shard_has_the_mark(shards: int) -> None:
    ids = [1, 2, 3, 14, 15, 2**31 - 1]
    seen: dict[int, list[int]] = {}
    for shard, _, values in decoded(frames(batch(ids), shards=shards)):
        seen.setdefault(shard, []).extend(values["instrument_id"].tolist())
        mark = values[-1]
        assert int(mark["flags"]) & ValueFlag.MARK
        assert int(mark["volume"]) == len(values) - 1
    assert sorted(seen) == list(range(shards))
    for shard, found in seen.items():
        assert found == [*(number for number in ids if number % shards == shard), NO_INSTRUMENT]


def test_nothing_that_is_sent_says_that_it_is_a_copy() -> None:
    for _, _, values in decoded(frames(batch([1, 2, 3], final=True), batch([1, 2, 3]), shards=2)):
        assert not (values["flags"] & int(ValueFlag.COPY)).any()


@pytest.mark.parametrize("count", [0, 1, MAX_RECORDS - 1, MAX_RECORDS, 2 * MAX_RECORDS, 10_000])
def test_a_large_partition_takes_several_frames_and_the_last_ends_with_the_mark(count: int) -> None:
    found = decoded(frames(batch(list(range(count)))))
    values = np.concatenate([part for _, _, part in found])
    assert len(values) == count + 1
    assert (values["flags"] & int(ValueFlag.MARK)).nonzero()[0].tolist() == [count]
    sequences = [header.sequence for _, header, _ in found]
    assert sequences == sorted(set(sequences))
    assert len(found) == -(-(count + 1) // MAX_RECORDS)


def test_a_part_of_a_session_has_no_mark_and_an_empty_part_no_frame() -> None:
    ((_, _, values),) = decoded(frames(batch([4], final=True, complete=False)))
    assert values["instrument_id"].tolist() == [4]
    assert frames(batch([], final=True, complete=False)) == []
    ((_, _, mark),) = decoded(frames(batch([], final=True)))
    assert int(mark["flags"][0]) == ValueFlag.MARK | ValueFlag.FINAL


def test_sequences_grow_within_a_shard_from_step_to_step() -> None:
    many = batch(list(range(3 * MAX_RECORDS)))
    steps = [frames(many, many, offset=offset, shards=2) for offset in (7, 8)]
    for shard in (0, 1):
        sequences = [header.sequence for step in steps for at, header, _ in decoded(step) if at == shard]
        assert sequences == sorted(set(sequences))


def test_the_same_step_gives_the_same_bytes() -> None:
    made = [frames(batch([4, 5, 9], block=2), shards=2, offset=11) for _ in range(2)]
    assert made[0] == made[1]
    assert made[0] != frames(batch([4, 5, 9], block=2), shards=2, offset=12)
