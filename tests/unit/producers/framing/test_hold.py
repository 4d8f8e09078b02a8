"""Records that wait for the broker keep their order; what is dropped leaves one gap mark behind the rest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.model.frames import decode_frame, encode_frame
from core.model.records import NO_INSTRUMENT, TICK, GapCause, TickKind
from producers.framing.held import OVERHEAD_BYTES, Held
from producers.framing.hold import Hold, Line
from producers.framing.outlet import SIDE

FRAME_BYTES = OVERHEAD_BYTES + 32 + 48 * 3


def ticks(second: int, *kinds: TickKind, instrument: int = 1) -> NDArray[np.void]:
    records = np.zeros(len(kinds), TICK)
    records["ts_event"], records["kind"], records["source"] = second * 10**9, kinds, 1
    whole = np.isin(records["kind"], [TickKind.CLOCK, TickKind.GAP])
    records["instrument_id"] = np.where(whole, NO_INSTRUMENT, instrument)
    return records


def frame(sequence: int, *, slot: int = 0, kinds: Sequence[TickKind] = (), since_s: float = 0.0) -> Held:
    """A mark at the frame's second and two trades, unless other kinds are named."""
    records = ticks(sequence, *(kinds or (TickKind.CLOCK, TickKind.TRADE, TickKind.TRADE)))
    payload = encode_frame(records, source=1, epoch=7, sequence=sequence)
    return Held(slot, "ticks", None, payload, [], slot, since_s)


def sequences(held: Sequence[Held]) -> list[int]:
    return [decode_frame(each.payload())[0].sequence for each in held]


def line_of(count: int, **rest: float) -> Line:
    line = Line(0)
    for number in range(count):
        line.add(frame(number, since_s=number))
    return line


def test_records_go_out_in_order_up_to_the_bytes_in_flight() -> None:
    line = line_of(5)
    first = list(line.take(2 * FRAME_BYTES))
    assert sequences(first) == [0, 1]
    assert line.in_flight_bytes == 2 * FRAME_BYTES
    assert list(line.take(2 * FRAME_BYTES)) == []
    line.acknowledge(first[0])
    assert sequences(list(line.take(2 * FRAME_BYTES))) == [2]
    assert (len(line), line.bytes) == (4, 4 * FRAME_BYTES)


def test_a_record_larger_than_the_bytes_in_flight_goes_out_alone() -> None:
    line = line_of(2)
    assert sequences(list(line.take(1))) == [0]


def test_after_a_failure_the_same_bytes_go_out_again_from_the_oldest() -> None:
    line = line_of(4)
    sent = list(line.take(3 * FRAME_BYTES))
    line.acknowledge(sent[0])
    assert line.rewind() == 2
    assert line.in_flight_bytes == 0
    again = list(line.take(9 * FRAME_BYTES))
    assert sequences(again) == [1, 2, 3]
    assert again[0].payload() is sent[1].payload()


def test_side_records_are_acknowledged_in_any_order_and_sent_again_only_where_they_were_not() -> None:
    line = Line(SIDE)
    for number in range(3):
        line.add(Held(SIDE, "letters", b"k", bytes([number]), [], None, 0.0))
    sent = list(line.take(10**6))
    line.acknowledge(sent[1])
    assert line.rewind() == 2
    assert [each.value for each in line.take(10**6)] == [b"\x00", b"\x02"]


def test_a_drop_takes_the_oldest_that_waits_and_leaves_a_gap_before_the_clock() -> None:
    hold = Hold(8 * FRAME_BYTES, 10**6, 10**6)
    line = hold.of(0)
    for number in range(3):
        line.add(frame(number))
    in_flight = list(line.take(2 * FRAME_BYTES))
    for number in range(3, 9):
        line.add(frame(number))
    dropped = hold.trim(now_s=0.0)
    assert sum(each.stretches for each in dropped) == 1
    assert sum(each.ticks for each in dropped) == 2 * len(dropped)
    assert line.bytes <= 7 * FRAME_BYTES
    for each in in_flight:
        line.acknowledge(each)
    stretch, *rest = line.take(10**9)
    header, records = decode_frame(stretch.payload())
    last = 1 + len(dropped)
    assert (header.epoch, header.sequence, header.source) == (7, last, 1)
    assert records["kind"].tolist() == [TickKind.GAP, TickKind.CLOCK]
    assert records["trade_id"][0] == GapCause.HOLD_OVERFLOW
    assert records["ts_event"].tolist() == [2 * 10**9, last * 10**9]
    assert sequences(rest) == list(range(last + 1, 9))


def test_a_stretch_within_one_second_has_no_mark_because_that_second_has_had_its_own() -> None:
    line = Line(0)
    line.add(frame(0))
    line.add(frame(1, kinds=[TickKind.TRADE, TickKind.TRADE]))
    line.add(frame(2, kinds=[TickKind.TRADE, TickKind.TRADE]))
    list(line.take(1))
    line.drop()
    stretch, behind = line.take(10**9)
    kinds = [decode_frame(each.payload())[1]["kind"].tolist() for each in (stretch, behind)]
    assert kinds == [[TickKind.GAP], [TickKind.TRADE, TickKind.TRADE]]


def test_a_second_drop_goes_into_the_stretch_that_still_waits() -> None:
    line = line_of(4)
    assert [line.drop().stretches for _ in range(3)] == [1, 0, 0]
    assert sequences(list(line.take(10**9))) == [2, 3]


def test_a_drop_behind_a_stretch_in_flight_makes_another() -> None:
    line = line_of(4)
    line.drop()
    list(line.take(1))
    assert line.drop().stretches == 1
    assert sequences(list(line.take(10**9))) == [1, 2, 3]


def test_two_stretches_that_become_one_are_counted_once() -> None:
    line = Line(0)
    for number in range(4):
        line.add(frame(number, kinds=[TickKind.STATUS, TickKind.TRADE, TickKind.CLOCK]))
    dropped = [line.drop()]
    list(line.take(1))
    dropped.append(line.drop())
    line.rewind()
    dropped += [line.drop(), line.drop()]
    assert sum(each.records for each in dropped) == 3
    assert sum(each.ticks for each in dropped) == 6
    stretch, last = line.take(10**9)
    assert sequences([stretch, last]) == [2, 3]
    _, records = decode_frame(stretch.payload())
    assert records["kind"].tolist() == [TickKind.GAP, TickKind.STATUS, TickKind.CLOCK]


def test_a_halt_outlives_the_stretch_it_was_told_in() -> None:
    line = Line(0)
    line.add(frame(0, kinds=[TickKind.STATUS, TickKind.TRADE, TickKind.CLOCK]))
    line.add(frame(1, kinds=[TickKind.STATUS, TickKind.TRADE]))
    line.drop()
    line.drop()
    (stretch,) = line.take(10**9)
    _, records = decode_frame(stretch.payload())
    assert records["kind"].tolist() == [TickKind.GAP, TickKind.STATUS, TickKind.CLOCK]
    assert records["ts_event"][1] == 10**9


def test_the_oldest_goes_first_whatever_its_partition() -> None:
    hold = Hold(8 * FRAME_BYTES, 10**6, 10**6)
    for number in range(9):
        hold.of(number % 3).add(frame(number // 3, slot=number % 3, since_s=float(number)))
    assert [each.slot for each in hold.trim(now_s=9.0)][:3] == [0, 1, 2]


def test_a_record_that_waits_for_too_long_goes_although_there_is_room() -> None:
    hold = Hold(10**9, max_age_s=80.0, side_max_bytes=10**6)
    for number in range(10):
        hold.of(0).add(frame(number, since_s=10.0 * number))
    assert hold.trim(now_s=80.0) == []
    assert len(hold.trim(now_s=91.0)) == 3  # held since 0, 10 and 20 s: longer than 70 s


def test_dead_letters_have_a_bound_of_their_own_and_no_gap_mark() -> None:
    hold = Hold(10**9, 10**6, side_max_bytes=2 * (OVERHEAD_BYTES + 1))
    for number in range(4):
        hold.of(SIDE).add(Held(SIDE, "letters", b"k", bytes([number]), [], None, 0.0))
    assert [(each.slot, each.stretches) for each in hold.trim(0.0)] == [(SIDE, 0)] * 2
    assert [each.value for each in hold.of(SIDE).take(10**6)] == [b"\x02", b"\x03"]


@given(
    st.lists(st.sampled_from(["add", "take", "acknowledge", "fail", "trim"]), max_size=120),
    st.integers(3, 12),
)
def test_a_worker_sees_every_frame_or_a_gap_in_its_place(steps: list[str], room: int) -> None:
    """Whatever happens: in the log's order, a frame that is missing has a gap mark before what follows."""
    hold = Hold(room * FRAME_BYTES, 10**6, 10**6)
    line = hold.of(0)
    added, log, in_flight = 0, [], []
    for step in [*steps, "fail", "take", *["acknowledge"] * 200]:
        if step == "add":
            line.add(frame(added))
            added += 1
        elif step == "take":
            taken = list(line.take(2 * FRAME_BYTES if step in steps else 10**9))
            in_flight += taken
            log += [each.payload() for each in taken]
        elif step == "acknowledge" and in_flight:
            line.acknowledge(in_flight.pop(0))
            if not in_flight:
                taken = list(line.take(2 * FRAME_BYTES))
                in_flight += taken
                log += [each.payload() for each in taken]
        elif step == "fail":
            line.rewind()
            in_flight = []
        elif step == "trim":
            hold.trim(0.0)
            assert line.bytes <= max(room, 4) * FRAME_BYTES
    assert len(line) == 0
    expected = 0
    for payload in log:
        header, records = decode_frame(payload)
        if header.sequence < expected:
            continue
        if header.sequence > expected:
            assert records["kind"][0] == TickKind.GAP
        expected = header.sequence + 1
    assert expected == added
    assert line.bytes == line.in_flight_bytes == 0


@pytest.mark.parametrize("count", [0, 3])
def test_figures_of_the_whole(count: int) -> None:
    hold = Hold(10**9, 10**6, 10**6)
    for number in range(count):
        hold.of(number).add(frame(0, slot=number, since_s=number + 5.0))
    assert (hold.records, hold.bytes) == (count, count * FRAME_BYTES)
    assert hold.oldest_s == (5.0 if count else None)
