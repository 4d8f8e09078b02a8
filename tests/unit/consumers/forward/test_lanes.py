"""Order within a lane, freedom between lanes, waits, and partitions that go."""

from __future__ import annotations

import threading

from consumers.forward.attempts import Attempts, Policy
from consumers.forward.lanes import Lanes, PendingEvent
from consumers.forward.messages import HttpMessage
from consumers.forward.places import Places
from core.model.forward_settings import ForwardSettings

POLICY = Policy(ForwardSettings(), random=lambda: 1.0)


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def event(offset: int, part: str = "p") -> PendingEvent:
    return PendingEvent(part, offset, f"id-{offset}", HttpMessage({}, b""), b"", Attempts(POLICY))


def taken(lanes: Lanes) -> PendingEvent:
    """Take one in a thread, so that a test of an empty lane fails and does not hang."""
    found: list[PendingEvent | None] = []
    thread = threading.Thread(target=lambda: found.append(lanes.take()), daemon=True)
    thread.start()
    thread.join(5)
    assert found, "nothing is ready"
    assert found[0] is not None
    return found[0]


def is_idle(lanes: Lanes) -> bool:
    """Whether nothing may be posted now; the waiting thread ends with the lanes."""
    found: list[PendingEvent | None] = []
    thread = threading.Thread(target=lambda: found.append(lanes.take()), daemon=True)
    thread.start()
    thread.join(0.1)
    lanes.close()
    thread.join(5)
    return found == [None]


def test_a_lane_gives_its_next_event_only_when_the_one_before_is_done() -> None:
    lanes = Lanes()
    for offset in (1, 2):
        lanes.add(b"a", event(offset))
    lanes.add(b"b", event(3))
    first = taken(lanes)
    assert first.offset == 1
    assert taken(lanes).offset == 3
    assert lanes.done(first)
    assert taken(lanes).offset == 2
    assert is_idle(lanes)


def test_an_event_that_waits_holds_up_its_lane_and_no_other() -> None:
    clock = Clock()
    lanes = Lanes(monotonic_s=clock)
    for offset in (1, 2):
        lanes.add(b"a", event(offset))
    lanes.again(taken(lanes), 1_000)
    lanes.add(b"b", event(3))
    assert taken(lanes).offset == 3
    clock.now_s += 1.1
    assert taken(lanes).offset == 1
    assert is_idle(lanes)


def test_a_pause_holds_up_all() -> None:
    clock = Clock()
    lanes = Lanes(monotonic_s=clock)
    lanes.add(b"a", event(1))
    lanes.pause(5_000)
    lanes.pause(1_000)
    clock.now_s += 4
    assert is_idle(lanes)


def test_a_pause_ends() -> None:
    clock = Clock()
    lanes = Lanes(monotonic_s=clock)
    lanes.add(b"a", event(1))
    lanes.pause(5_000)
    clock.now_s += 5.1
    assert taken(lanes).offset == 1


def test_a_partition_that_goes_takes_its_events_along() -> None:
    lanes = Lanes()
    lanes.add(b"a", event(1))
    lanes.add(b"a", event(2))
    lanes.add(b"b", event(3))
    lanes.add(b"a", event(9, part="q"))
    under_way = taken(lanes)
    lanes.drop({"p"})
    assert not lanes.done(under_way)
    lanes.again(under_way, 0)
    assert taken(lanes).part == "q"
    lanes.add(b"a", event(1))  # it came back
    assert taken(lanes).offset == 1
    assert is_idle(lanes)


def test_empty_lanes_are_swept_and_others_stay() -> None:
    lanes = Lanes()
    lanes.add(b"a", event(1))
    lanes.add(b"b", event(2))
    assert lanes.done(taken(lanes))
    lanes.sweep()
    lanes.add(b"b", event(3))
    second = taken(lanes)
    assert second.offset == 2
    assert lanes.done(second)
    assert taken(lanes).offset == 3


def test_places_stay_before_the_first_event_that_is_not_done() -> None:
    places = Places[str]()
    for offset in (5, 6, 8):
        places.add("p", offset)
    places.done("p", 8)
    places.done("p", 6)
    assert (places.next_offset("p", position=10), places.pending()) == (5, 1)
    places.done("p", 5)
    assert (places.next_offset("p", position=10), places.pending()) == (10, 0)
    places.done("p", 5)  # done twice: the partition went and came back
    places.done("q", 1)
    assert places.pending() == 0
    places.add("p", 11)
    places.forget("p")
    places.done("p", 11)
    assert (places.next_offset("p", position=7), places.parts()) == (7, set())
