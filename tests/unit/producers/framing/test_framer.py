"""Every tick reaches its partitions, in order, in numbered frames."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.model.errors import ConfigurationError
from core.model.frames import decode_frame
from core.model.instruments import Universe
from core.model.records import NO_INSTRUMENT, TICK, TickKind
from core.model.routing import routes
from producers.framing.framer import DENSE_IDS, Frame, Framer
from tests.support.feed_samples import INSTRUMENTS, UNIVERSE, instrument

IDS = [each.instrument_id for each in INSTRUMENTS]
FAR = replace(UNIVERSE, instruments=(*INSTRUMENTS, instrument(DENSE_IDS + 5, "FAR")))


def ticks(instruments: list[int]) -> NDArray[np.void]:
    """Ticks of these instruments, numbered; NO_INSTRUMENT makes a mark."""
    records = np.zeros(len(instruments), TICK)
    records["instrument_id"] = instruments
    records["trade_id"] = np.arange(len(instruments))
    records["kind"] = np.where(records["instrument_id"] == NO_INSTRUMENT, TickKind.CLOCK, TickKind.TRADE)
    return records


def framer(universe: Universe = UNIVERSE, partitions: int = 4, flush: int = 512, age_ms: float = 8) -> Framer:
    return Framer(
        universe, partitions=partitions, source_id=1, epoch=42, flush_records=flush, max_age_ms=age_ms
    )


def by_partition(frames: list[Frame]) -> dict[int, list[int]]:
    """Numbers of the ticks per partition; checks headers on the way."""
    numbers: dict[int, list[int]] = defaultdict(list)
    sequences: dict[int, int] = defaultdict(int)
    for frame in frames:
        header, records = decode_frame(frame.payload)
        assert (header.source, header.epoch, header.sequence) == (1, 42, sequences[frame.partition])
        sequences[frame.partition] += 1
        numbers[frame.partition] += [int(number) for number in records["trade_id"]]
    return dict(numbers)


@given(
    st.lists(st.sampled_from([*IDS, NO_INSTRUMENT, DENSE_IDS + 5]), max_size=120),
    st.integers(1, 13),
    st.integers(1, 40),
    st.integers(1, 30),
)
def test_it_routes_as_one_tick_at_a_time_would(
    instruments: list[int], partitions: int, flush: int, cut: int
) -> None:
    universe = FAR if DENSE_IDS + 5 in instruments else UNIVERSE
    subject = framer(universe, partitions, flush)
    everything = ticks(instruments)
    frames: list[Frame] = []
    for start in range(0, len(everything), cut):
        frames += subject.add(everything[start : start + cut], 0.0)
    assert all(len(decode_frame(frame.payload)[1]) == flush for frame in frames)
    frames += subject.flush()
    assert subject.flush() == []

    targets = routes(universe, partitions) | {NO_INSTRUMENT: tuple(range(partitions))}
    expected: dict[int, list[int]] = defaultdict(list)
    for number, of in enumerate(instruments):
        for partition in targets[of]:
            expected[partition].append(number)
    assert by_partition(frames) == dict(expected)


def test_records_arrive_as_they_were() -> None:
    records = np.zeros(3, TICK)
    records["instrument_id"] = IDS[0]
    for name in ("ts_event", "ts_recv", "price", "size", "trade_id"):
        records[name] = [1, 2**40, 2**62]
    records["update"], records["kind"], records["source"] = 31, 2, 65_535
    subject = framer(partitions=1)
    assert subject.add(records, 0.0) == []
    (frame,) = subject.flush()
    assert decode_frame(frame.payload)[1].tolist() == records.tolist()


def test_a_frame_is_cut_when_its_oldest_tick_has_waited() -> None:
    subject = framer(age_ms=8)
    subject.add(ticks([1]), 100.0)
    subject.add(ticks([1, 7]), 105.0)
    assert subject.next_due_ms() == 108.0
    assert subject.due(107.9) == []
    assert by_partition(subject.due(108.0)) == {1: [0, 0]}
    assert subject.next_due_ms() == 113.0
    assert by_partition(subject.due(113.0)) == {3: [1]}
    assert subject.next_due_ms() is None


def test_a_frame_holds_no_more_than_a_frame_may() -> None:
    with pytest.raises(ConfigurationError, match="1 to 1024"):
        framer(flush=1025)
