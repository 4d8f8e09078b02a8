"""The loop's duties stand for themselves: one that fails for ever starves none of the others."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import pytest
from structlog.testing import capture_logs

from consumers.metrics.health import Health
from consumers.worker.assignment import QUESTION_MS
from consumers.worker.state import WorkerState
from consumers.worker.worker import Worker
from core.kafka.records import Committed, Record
from core.model.errors import TransportError, UnreadableError
from tests.support.fake_engine import POISON_PRICE, frame
from tests.support.fake_transport import FakeBroker, FakeTransport
from tests.support.worker_in_memory import event_ids, fill, make_worker, worker_settings

DEADLINE_S = 20.0
SECOND_NS = 1_000_000_000
IN_A_GROUP: dict[str, Any] = {"delivery": "exactly_once", "membership": "dynamic"}


def _group(partitions: int = 2) -> tuple[FakeBroker, FakeTransport]:
    broker = FakeBroker(partitions=partitions, generation=1)
    for partition in range(partitions):
        fill(broker, 8, partition=partition, seed=partition)
    transport = FakeTransport(broker)
    transport.will(("assigned", range(partitions)), generation=1)
    return broker, transport


def _turn_until(worker: Worker, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        worker.turn()


def _at_end(state: WorkerState, offset: int = 10) -> bool:
    return [task.next_offset for task in state.tasks.values()] == [offset] * 2


@pytest.mark.parametrize("method", ["answers", "end_seen", "position"])
def test_what_is_only_asked_may_fail_for_ever(method: str) -> None:
    broker, transport = _group()
    transport.raising = {method}
    worker, state, _ = make_worker(broker, transport, **IN_A_GROUP)
    if method == "answers":
        transport.raising = set()
        worker.start()
        transport.raising = {method}
    else:
        worker.start()
    _turn_until(worker, lambda: _at_end(state) and len(event_ids(broker.published)) == 8)
    assert state.counters.commits["committed"] > 0


def test_a_poll_that_fails_for_ever_leaves_what_was_fetched_to_be_stepped_and_committed() -> None:
    broker, transport = _group()
    worker, state, _ = make_worker(broker, transport, **IN_A_GROUP, commit_interval_ms=60_000)
    worker.start()
    _turn_until(worker, lambda: _at_end(state))
    broker.append(frame([7] * 10, sequence=99), 1)
    worker._intake.fetch(None)
    transport.raising = {"poll"}
    _turn_until(worker, lambda: broker.committed.get(1) is not None and broker.committed[1].offset == 11)
    assert state.tasks[1].next_offset == 11


def test_a_poll_that_fails_tells_what_it_had_learnt_of_the_group() -> None:
    class Failing(FakeTransport):
        def poll(self, timeout_ms: int, *, max_records: int | None = None) -> dict[int, list[Record]]:
            super().poll(timeout_ms, max_records=max_records)
            raise TransportError("the records were lost on their way")

    broker, transport = _group()
    failing = Failing(broker)
    failing._script = transport._script
    worker, state, _ = make_worker(broker, failing, **IN_A_GROUP)
    worker.start()
    _turn_until(worker, lambda: len(state.tasks) == 2)
    assert sorted(state.tasks) == [0, 1]


def test_a_batch_that_cannot_be_unpacked_makes_the_worker_unready_until_it_can() -> None:
    class Damaged(FakeTransport):
        damaged = False

        def poll(self, timeout_ms: int, *, max_records: int | None = None) -> dict[int, list[Record]]:
            if self.damaged:
                raise UnreadableError("the batch at offset 10 of ticks/1: crc", partition=1)
            return super().poll(timeout_ms, max_records=max_records)

    broker, transport = _group()
    damaged = Damaged(broker)
    damaged._script = transport._script
    worker, state, _ = make_worker(broker, damaged, **IN_A_GROUP, failures_in_a_row_max=3)
    health = Health(state, worker_settings(failures_in_a_row_max=3))
    worker.start()
    _turn_until(worker, lambda: _at_end(state) and not health.why_not_ready())
    damaged.damaged = True
    broker.append(frame([7] * 10, sequence=99), 1)
    with capture_logs() as lines:
        for _ in range(2):
            worker.turn()
        assert health.why_not_ready() == []
        for _ in range(3):
            worker.turn()
    assert health.why_not_ready() == [
        "partition 1: the batch at offset 10 cannot be unpacked, fetched 5 times"
    ]
    (line,) = [each for each in lines if each["event"] == "a batch of the log cannot be unpacked"]
    assert (line["partition"], line["next_offset"]) == (1, 10)
    assert "move the partition's leadership" in line["operator_action"]
    damaged.damaged = False
    _turn_until(worker, lambda: state.tasks[1].next_offset == 11)
    assert health.why_not_ready() == []


def test_no_record_is_lost_where_the_look_at_another_partition_fails() -> None:
    """Regression: what a poll gave was thrown away with the error, and the client had passed it."""

    class OnePartitionFails(FakeTransport):
        def end_seen(self, partition: int) -> int | None:
            if partition == 0:
                raise TransportError("no end of partition 0")
            return super().end_seen(partition)

    broker, transport = _group()
    failing = OnePartitionFails(broker)
    failing._script = transport._script
    worker, state, engines = make_worker(broker, failing, **IN_A_GROUP)
    worker.start()
    _turn_until(worker, lambda: _at_end(state))
    assert [engine.steps for engine in engines] == [10, 10]


def test_a_seek_that_fails_after_the_outboxes_were_full_leaves_no_hole() -> None:
    broker, transport = _group()
    transport.poll_records = 1
    worker, state, engines = make_worker(broker, transport, **IN_A_GROUP, outbox_max_bytes=1)
    worker.start()
    _turn_until(worker, lambda: len(state.tasks) == 2)
    failures = 0
    deadline = time.monotonic() + DEADLINE_S
    while not _at_end(state):
        assert time.monotonic() < deadline
        transport.raising = {"seek", "hold"} if failures % 3 else set()
        failures += 1
        worker.turn()
    assert [engine.steps for engine in engines] == [10, 10]


@pytest.mark.parametrize("method", ["rebuild_consumer", "transact", "end_offset"])
def test_what_cannot_be_done_does_not_stop_the_stepping(method: str) -> None:
    now_ns = 0
    broker, transport = _group()
    worker, state, _ = make_worker(
        broker, transport, **IN_A_GROUP, fetch_silence_ms=1_000, monotonic_ns=lambda: now_ns
    )
    worker.start()
    _turn_until(worker, lambda: _at_end(state))
    transport.raising = {method}
    for round_ in range(20):
        now_ns += 5_000_000_000
        broker.append(frame([7] * 10, sequence=100 + round_), 0)
        broker.append(frame([7] * 10, sequence=100 + round_), 1)
        worker.turn()
        worker.turn()
        assert _at_end(state, 11 + round_)


def test_a_spoilt_partition_without_answers_lets_others_open_and_is_given_more_time() -> None:
    """Regression: `open_next` had no turn in 200, and the question never had more than 200 ms."""

    class NoBegin(FakeTransport):
        def begin_offset(self, partition: int, *, timeout_ms: int | None = None) -> int:
            if partition == 0 and spoilt:
                asked_ms.append(timeout_ms or 0)
                raise TransportError("no answer within 200 ms")
            return super().begin_offset(partition, timeout_ms=timeout_ms)

    spoilt = False
    asked_ms: list[int] = []
    broker, _ = _group()
    transport = NoBegin(broker)
    transport.will(("assigned", [0]), generation=1)
    worker, state, _ = make_worker(broker, transport, **IN_A_GROUP)
    worker.start()
    _turn_until(worker, lambda: 0 in state.tasks and state.tasks[0].next_offset == 10)
    spoilt = True
    broker.append(frame([POISON_PRICE], sequence=99), 0)
    _turn_until(worker, lambda: state.tasks[0].needs_engine)
    transport.will(("assigned", [1]), generation=1)
    _turn_until(worker, lambda: 1 in state.tasks and state.tasks[1].next_offset == 10)
    _turn_until(worker, lambda: len(asked_ms) >= 6)
    assert asked_ms[:6] == [QUESTION_MS, 400, 800, 1_600, 2_000, 2_000]
    spoilt = False
    _turn_until(worker, lambda: not state.tasks[0].needs_engine and state.tasks[0].next_offset == 11)


def test_several_spoilt_partitions_ask_one_question_a_turn_each_in_its_turn() -> None:
    spoilt = False
    asked: list[int] = []

    class NoBegin(FakeTransport):
        def begin_offset(self, partition: int, *, timeout_ms: int | None = None) -> int:
            if spoilt:
                asked.append(partition)
                raise TransportError("no answer within 200 ms")
            return super().begin_offset(partition, timeout_ms=timeout_ms)

    broker, _ = _group(3)
    transport = NoBegin(broker)
    transport.will(("assigned", [0, 1, 2]), generation=1)
    worker, state, _ = make_worker(broker, transport, **IN_A_GROUP)
    worker.start()
    _turn_until(worker, lambda: len(state.tasks) == 3)
    spoilt = True
    for partition in range(3):
        broker.append(frame([POISON_PRICE], sequence=99), partition)
    _turn_until(worker, lambda: all(task.needs_engine for task in state.tasks.values()))
    asked.clear()
    for _ in range(6):
        worker.turn()
    assert len(asked) == 6
    assert sorted(asked[:3]) == sorted(asked[3:]) == [0, 1, 2]


@pytest.mark.parametrize("method", ["poll", "end_seen"])
def test_what_no_other_try_can_mend_ends_the_worker(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    final = TransportError("not authorized")
    final.retriable = False

    def refuse(*_: object, **__: object) -> None:
        raise final

    broker, transport = _group()
    worker, state, _ = make_worker(broker, transport, **IN_A_GROUP)
    worker.start()
    _turn_until(worker, lambda: len(state.tasks) == 2)
    monkeypatch.setattr(transport, method, refuse)
    with pytest.raises(TransportError, match="not authorized"):
        worker.turn()


def test_what_was_fetched_for_an_engine_that_is_replaced_at_once_is_given_up() -> None:
    """Regression: a restore that was over within the question left later records to be stepped first."""

    class AtOnce(ThreadPoolExecutor):
        def submit(self, *arguments: Any, **named: Any) -> Future[Any]:
            future = super().submit(*arguments, **named)
            wait([future])
            return future

    broker = FakeBroker()
    fill(broker, 8)
    broker.append(frame([1, 2, POISON_PRICE], sequence=500))
    fill(broker, 8, seed=9)
    worker, state, engines = make_worker(broker, step_slice_ms=1)
    worker._opener._restorer = AtOnce(1)
    worker.start()
    _turn_until(worker, lambda: len(engines) == 2 and state.tasks[0].next_offset == 21)
    assert engines[1].steps == 20, "all but the poison"


@pytest.mark.parametrize("spoilt", [False, True])
def test_a_partition_without_answers_has_no_more_than_half_of_the_loops_time(spoilt: bool) -> None:
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

    broker, _ = _group()
    leaderless = not spoilt
    transport = NoLeader(broker)
    how: dict[str, Any] = IN_A_GROUP | {"membership": "manual"}
    worker, state, _ = make_worker(broker, transport, monotonic_ns=lambda: now_ns, **how)
    worker.start()
    if spoilt:
        _turn_until(worker, lambda: _at_end(state))
        broker.append(frame([POISON_PRICE], sequence=99), 1)
        leaderless = True
    begun_ns, waited_ns = now_ns, 0
    for _ in range(200):
        now_ns += 100_000_000
        worker.turn()
    assert waited_ns > 5 * SECOND_NS
    assert waited_ns < 0.55 * (now_ns - begun_ns)
    leaderless = False
    now_ns += 2 * SECOND_NS
    _turn_until(worker, lambda: len(state.tasks) == 2 and not state.tasks[1].needs_engine)


def test_a_partition_without_a_leader_for_long_does_not_unseat_the_others_again_and_again() -> None:
    """Regression: the client was made anew every ten seconds, and all partitions restored each time."""
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

    broker, _ = _group()
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
    _turn_until(worker, lambda: len(state.tasks) == 2 and _at_end(state))
