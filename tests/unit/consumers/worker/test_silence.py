"""A client that gives nothing of a partition whose log has grown."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from consumers.snapshots.restore import open_partition
from consumers.worker.state import WorkerState
from consumers.worker.worker import Worker
from core.model.errors import TransportError
from tests.support.fake_engine import RAISING_PRICE, frame
from tests.support.fake_transport import FakeBroker, FakeTransport
from tests.support.worker_in_memory import fill, make_worker

SECOND_NS = 1_000_000_000
FRAMES = 8


class Rig:
    """A caught-up worker of two partitions, and its clock."""

    def __init__(self, **changes: object) -> None:
        self.now_ns = 0
        self.broker = FakeBroker(partitions=2, generation=1)
        for partition in range(2):
            fill(self.broker, FRAMES, partition=partition, seed=partition)
        self.transport = FakeTransport(self.broker)
        self.transport.will(("assigned", [0, 1]), generation=1)
        self.worker: Worker
        self.state: WorkerState
        self.worker, self.state, _ = make_worker(
            self.broker,
            self.transport,
            monotonic_ns=lambda: self.now_ns,
            **({"delivery": "exactly_once", "membership": "dynamic", "fetch_silence_ms": 5_000} | changes),  # type: ignore[arg-type]
        )
        self.worker.start()
        while len(self.state.tasks) < 2 or self.behind(0) or self.behind(1):
            self.worker.turn()

    def behind(self, partition: int) -> int:
        return len(self.broker.log[partition]) - self.state.tasks[partition].next_offset

    def grow(self, partition: int) -> None:
        self.broker.append(self.broker.log[partition][-1], partition)

    def after(self, seconds: float) -> None:
        """Let time pass, then turn often enough for a question about each partition."""
        self.now_ns += int(seconds * SECOND_NS)
        for _ in range(3):
            self.worker.turn()


def test_a_silent_partition_whose_log_has_grown_is_sought_again() -> None:
    """Guards a partition that stood still for minutes in a healthy member, with no lag to see."""
    rig = Rig()
    rig.transport.silent = {1: 0}
    rig.grow(1)
    rig.after(4.9)
    assert (rig.behind(1), rig.state.counters.refetches) == (1, 0)
    rig.after(0.2)
    assert (rig.behind(1), rig.state.counters.refetches) == (0, 1)
    assert rig.transport.rebuilt_consumers == 0


def test_where_seeking_does_not_help_the_client_is_recreated() -> None:
    rig = Rig()
    rig.transport.silent = {1: 9}
    rig.grow(1)
    rig.after(5.1)
    assert rig.transport.rebuilt_consumers == 0
    rig.after(5.1)
    assert (rig.transport.rebuilt_consumers, rig.state.counters.rejoins) == (1, 1)
    rig.transport.will(("assigned", [0, 1]), member="again", generation=2)
    rig.broker.generation = 2
    while len(rig.state.tasks) < 2 or rig.behind(1):
        rig.worker.turn()
    assert rig.state.counters.refetches == 2


def test_what_is_silent_by_right_is_left_alone() -> None:
    rig = Rig()
    for _ in range(20):
        rig.after(5.1)
    assert (rig.state.counters.refetches, rig.transport.rebuilt_consumers) == (0, 0)


def test_a_partition_with_records_again_does_not_count_against_the_client() -> None:
    rig = Rig()
    rig.transport.silent = {1: 0}
    rig.grow(1)
    rig.after(5.1)
    for _ in range(3):
        rig.after(1)
        rig.grow(1)
        rig.after(1)
    rig.transport.silent = {1: 0}
    rig.grow(1)
    rig.after(5.1)
    assert (rig.state.counters.refetches, rig.transport.rebuilt_consumers) == (2, 0)


def test_a_member_that_is_not_stable_asks_nothing() -> None:
    """Between two generations no member gets records, which is not the client's fault."""
    rig = Rig(join_timeout_ms=60_000)
    rig.transport.silent = {0: 9, 1: 9}
    rig.grow(1)
    rig.transport.will(generation=1, member=None)
    for _ in range(4):
        rig.after(5.1)
    assert rig.state.counters.refetches == 0


def test_a_broker_that_does_not_answer_is_asked_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig()
    rig.transport.silent = {1: 0}
    rig.grow(1)
    asked = []
    told = rig.transport.end_offset

    def no_answer(partition: int, *, timeout_ms: int | None = None) -> int:
        if timeout_ms is None:  # what polls report needs no question
            return told(partition)
        asked.append((partition, timeout_ms))
        raise TransportError("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(rig.transport, "end_offset", no_answer)
        rig.after(5.1)
    assert sorted(asked) == [(0, 200), (1, 200)]
    assert rig.state.counters.refetches == 0
    rig.after(5.1)
    assert (rig.behind(1), rig.state.counters.refetches) == (0, 1)


def test_a_client_without_a_usable_broker_is_recreated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards a partition without records whose leader got no response, forever."""
    rig = Rig()
    rig.transport.silent = {1: 9}
    rig.grow(1)
    told = rig.transport.end_offset
    asked = []

    def no_answer(partition: int, *, timeout_ms: int | None = None) -> int:
        if timeout_ms is None or partition == 0:
            return told(partition)
        asked.append(timeout_ms)
        raise TransportError("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(rig.transport, "end_offset", no_answer)
        rig.after(5.1)
        for _ in range(3):
            assert rig.transport.rebuilt_consumers == 0
            rig.after(1.4)
    assert rig.transport.rebuilt_consumers == 1
    assert asked == [200, 400, 800, 1_600]


def test_a_busy_neighbour_hides_no_silence() -> None:
    """Guards a partition that stood still for minutes beside one that always had something to step."""
    rig = Rig(step_slice_ms=0)
    rig.transport.silent = {1: 0}
    rig.grow(1)
    for _ in range(12):
        for _ in range(10):  # more than a turn steps
            rig.grow(0)
        rig.after(0.5)
    assert rig.state.counters.refetches == 1
    assert rig.transport.rebuilt_consumers == 0
    while rig.behind(0):
        rig.worker.turn()
    rig.worker.turn()
    assert rig.behind(1) == 0


def test_a_partition_whose_engine_is_replaced_is_silent_by_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: a long restore of one partition had the client recreated, and all partitions lost."""

    def at_leisure(*args: Any, **named: Any) -> Any:
        assert may_restore.wait(10)
        return open_partition(*args, **named)

    may_restore = threading.Event()
    rig = Rig()
    monkeypatch.setattr("consumers.worker.opener.open_partition", at_leisure)
    rig.broker.append(frame([RAISING_PRICE], sequence=99), 1)
    rig.grow(1)
    rig.after(0.1)
    try:
        for _ in range(4):
            rig.after(5.1)
        assert rig.state.tasks[1].needs_engine
        assert 1 in rig.transport.held
        assert (rig.transport.rebuilt_consumers, rig.state.counters.refetches) == (0, 0)
    finally:
        may_restore.set()
    while rig.behind(1):
        rig.worker.turn()
