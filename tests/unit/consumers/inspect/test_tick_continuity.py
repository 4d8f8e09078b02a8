"""Takeovers, holes and repeats are in the headers of frames, and are told in words."""

from __future__ import annotations

import numpy as np
import pytest

from consumers.inspect.tick_continuity import Continuity
from core.kafka.log_marks import mark_frame
from core.kafka.records import Record
from core.model.frames import encode_frame
from core.model.records import TICK, TickKind


def record(epoch: int, sequence: int, *, partition: int = 0, source: int = 1) -> Record:
    value = encode_frame(np.zeros(1, TICK), source=source, epoch=epoch, sequence=sequence)
    return Record("rotascope.ticks.v1", partition, 0, None, value, (), 0)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ((7, 5), None),
        ((7, 4), "source alpaca: frame 4 is a repeat"),
        ((7, 8), "source alpaca: 3 frames are missing before frame 8"),
        ((8, 0), "source alpaca: another producer took over, epoch 7 to 8"),
        ((6, 9), "source alpaca: epoch 6 is older than 7"),
    ],
)
def test_each_break_is_named(after: tuple[int, int], expected: str | None) -> None:
    continuity = Continuity({1: "alpaca"})
    assert list(continuity.findings(record(7, 4))) == []
    found = list(continuity.findings(record(*after)))
    assert len(found) == (expected is not None)
    assert expected is None or found[0].startswith(expected)


def test_a_takeover_behind_its_first_frame_has_a_hole_too() -> None:
    continuity = Continuity({})
    list(continuity.findings(record(7, 4)))
    takeover, hole = continuity.findings(record(8, 2))
    assert takeover.startswith("source 1: another producer")
    assert hole == "source 1: 2 frames are missing before frame 2"


def test_no_price_is_lost_with_an_epoch_of_marks() -> None:
    continuity = Continuity({})
    mark = mark_frame(TickKind.ARTEFACTS, 7, source_id=1, ts_ns=1, epoch=7)
    assert list(continuity.findings(Record("rotascope.ticks.v1", 0, 0, None, mark, (), 0))) == []
    assert list(continuity.findings(record(8, 0))) == []
    assert len(list(continuity.findings(record(9, 0)))) == 1


def test_repeats_behind_an_outage_break_nothing() -> None:
    continuity = Continuity({})
    found = [list(continuity.findings(record(7, each))) for each in (1, 2, 3, 2, 3, 4)]
    assert [len(each) for each in found] == [0, 0, 0, 1, 1, 0]


def test_partitions_and_sources_are_kept_apart() -> None:
    continuity = Continuity({})
    places = [{"partition": 0}, {"partition": 1}, {"source": 2}]
    assert all(list(continuity.findings(record(7, 40, **place))) == [] for place in places)
    assert all(list(continuity.findings(record(7, 41, **place))) == [] for place in places)
