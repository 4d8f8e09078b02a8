"""Partitions whose requests get no response: neither the loop nor other partitions wait for them."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import pytest

from consumers.worker.assignment import QUESTION_MS
from core.kafka.records import Committed
from core.model.errors import TransportError
from tests.support.fake_engine import RAISING_PRICE, frame
from tests.support.fake_transport import FakeBroker, FakeTransport
from tests.support.group_member import group_of, is_at_end, turn_until
from tests.support.worker_in_memory import fill, make_worker

SECOND_NS = 1_000_000_000
IN_A_GROUP: dict[str, Any] = {"delivery": "exactly_once", "membership": "dynamic"}


def test_a_failed_partition_without_responses_lets_others_open_and_gets_more_time() -> None:
    """Regression: `open_next` had no turn in 200, and the question never had more than 200 ms."""

    class NoBegin(FakeTransport):
        def begin_offset(self, partition: int, *, timeout_ms: int | None = None) -> int:
            if partition == 0 and spoilt:
                asked_ms.append(timeout_ms or 0)
                raise TransportError("no answer within 200 ms")
            return super().begin_offset(partition, timeout_ms=timeout_ms)

    spoilt = False
    asked_ms: list[int] = []
    broker, _ = group_of()
    transport = NoBegin(broker)
    transport.will(("assigned", [0]), generation=1)
    worker, state, _ = make_worker(broker, transport, **IN_A_GROUP)
    worker.start()
    turn_until(worker, lambda: 0 in state.tasks and state.tasks[0].next_offset == 10)
    spoilt = True
    broker.append(frame([RAISING_PRICE], sequence=99), 0)
    turn_until(worker, lambda: state.tasks[0].needs_engine)
    transport.will(("assigned", [1]), generation=1)
    turn_until(worker, lambda: 1 in state.tasks and state.tasks[1].next_offset == 10)
    turn_until(worker, lambda: len(asked_ms) >= 6)
    assert asked_ms[:6] == [QUESTION_MS, 400, 800, 1_600, 2_000, 2_000]
    spoilt = False
    turn_until(worker, lambda: not state.tasks[0].needs_engine and state.tasks[0].next_offset == 11)


def test_several_failed_partitions_send_one_request_per_turn_round_robin() -> None:
    spoilt = False
    asked: list[int] = []

    class NoBegin(FakeTransport):
        def begin_offset(self, partition: int, *, timeout_ms: int | None = None) -> int:
            if spoilt:
                asked.append(partition)
                raise TransportError("no answer within 200 ms")
            return super().begin_offset(partition, timeout_ms=timeout_ms)

    broker, _ = group_of(3)
    transport = NoBegin(broker)
    transport.will(("assigned", [0, 1, 2]), generation=1)
    worker, state, _ = make_worker(broker, transport, **IN_A_GROUP)
    worker.start()
    turn_until(worker, lambda: len(state.tasks) == 3)
    spoilt = True
    for partition in range(3):
        broker.append(frame([RAISING_PRICE], sequence=99), partition)
    turn_until(worker, lambda: all(task.needs_engine for task in state.tasks.values()))
    asked.clear()
    for _ in range(6):
        worker.turn()
    assert len(asked) == 6
    assert sorted(asked[:3]) == sorted(asked[3:]) == [0, 1, 2]


def test_records_fetched_for_an_engine_that_is_replaced_are_discarded() -> None:
    """Regression: a restore that was over within the question left later records to be stepped first."""

    class AtOnce(ThreadPoolExecutor):
        def submit(self, *arguments: Any, **named: Any) -> Future[Any]:
            future = super().submit(*arguments, **named)
            wait([future])
            return future

    broker = FakeBroker()
    fill(broker, 8)
    broker.append(frame([1, 2, RAISING_PRICE], sequence=500))
    fill(broker, 8, seed=9)
    worker, state, engines = make_worker(broker, step_slice_ms=1)
    worker._opener._restorer = AtOnce(1)
    worker.start()
    turn_until(worker, lambda: len(engines) == 2 and state.tasks[0].next_offset == 21)
    assert engines[1].steps == 20, "all but the quarantined record"


@pytest.mark.parametrize("spoilt", [False, True])
def test_a_partition_without_responses_takes_at_most_half_of_the_loops_time(spoilt: bool) -> None:
    """Regression: nineteen twentieths of it went into waiting for the answers of one partition."""
    now_ns = waited_ns = 0

    class NoLeader(FakeTransport):
        def begin_offset(self, partition: int, *, timeout_ms: int | None = None) -> int:
            nonlocal now_ns, waited_ns
            if partition == 1 and leaderless:
                taken_ns = (timeout_ms or 10_000) * 1_000_000
                now_ns, waited_ns = now_ns + taken_ns, waited_ns + taken_ns
                raise TransportError("no leader")
            return super().begin_offset(partition, timeout_ms=timeout_ms)

    broker, _ = group_of()
    leaderless = not spoilt
    transport = NoLeader(broker)
    how: dict[str, Any] = IN_A_GROUP | {"membership": "manual"}
    worker, state, _ = make_worker(broker, transport, monotonic_ns=lambda: now_ns, **how)
    worker.start()
    if spoilt:
        turn_until(worker, lambda: is_at_end(state))
        broker.append(frame([RAISING_PRICE], sequence=99), 1)
        leaderless = True
    begun_ns, waited_ns = now_ns, 0
    for _ in range(200):
        now_ns += 100_000_000
        worker.turn()
    assert waited_ns > 5 * SECOND_NS
    assert waited_ns < 0.55 * (now_ns - begun_ns)
    leaderless = False
    now_ns += 2 * SECOND_NS
    turn_until(worker, lambda: len(state.tasks) == 2 and not state.tasks[1].needs_engine)


def test_a_partition_without_a_leader_does_not_reset_the_others_repeatedly() -> None:
    """Regression: the client was recreated every ten seconds, and all partitions restored each time."""
    now_ns, leaderless = 0, True

    class NoLeader(FakeTransport):
        def committed(self, partition: int, *, timeout_ms: int | None = None) -> Committed | None:
            nonlocal now_ns
            if partition == 1 and leaderless:
                now_ns += (timeout_ms or 0) * 1_000_000
                raise TransportError("no leader")
            return super().committed(partition, timeout_ms=timeout_ms)

        def rebuild_consumer(self) -> None:
            super().rebuild_consumer()
            broker.generation += 1
            name = f"member-{broker.generation}"
            self.will(("assigned", [0, 1]), member=name, generation=broker.generation)

    broker, _ = group_of()
    transport = NoLeader(broker)
    transport.will(("assigned", [0, 1]), generation=1)
    worker, state, _ = make_worker(broker, transport, monotonic_ns=lambda: now_ns, **IN_A_GROUP)
    worker.start()
    while now_ns < 600 * SECOND_NS:
        now_ns += SECOND_NS // 10
        worker.turn()
        time.sleep(0.0002)  # for the thread that restores
    assert 1 <= transport.rebuilt_consumers <= 6
    leaderless = False
    now_ns += 2 * SECOND_NS
    turn_until(worker, lambda: len(state.tasks) == 2 and is_at_end(state))
