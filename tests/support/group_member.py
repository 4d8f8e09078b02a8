"""A worker in a group, with transactions, over a log in memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from consumers.worker.state import WorkerState
from consumers.worker.worker import Worker
from tests.support.fake_transport import FakeBroker, FakeTransport
from tests.support.worker_in_memory import fill, make_worker

DEADLINE_S = 20.0
EXACTLY_ONCE = {"delivery": "exactly_once", "membership": "dynamic"}
PATIENT = {"commit_interval_ms": 60_000, "eager_commit_interval_ms": 60_000}
"""Commit only when called."""


def group_member(broker: FakeBroker, transport: FakeTransport, **changes: Any) -> tuple[Worker, WorkerState]:
    """Make a worker of a group that commits in transactions."""
    worker, state, _ = make_worker(broker, transport, **(EXACTLY_ONCE | changes))
    return worker, state


def stepped_member(
    frames: int = 8, **changes: object
) -> tuple[FakeBroker, FakeTransport, Worker, WorkerState]:
    """Make a member with one partition that has processed its log and committed nothing."""
    broker = FakeBroker(generation=1)
    fill(broker, frames)
    transport = FakeTransport(broker)
    transport.will(("assigned", [0]), generation=1)
    worker, state = group_member(broker, transport, **(PATIENT | changes))
    worker.start()
    while 0 not in state.tasks or state.tasks[0].lag_records:
        worker.turn()
    assert not broker.published
    return broker, transport, worker, state


def group_of(partitions: int = 2) -> tuple[FakeBroker, FakeTransport]:
    """Make a broker with eight frames per partition, and a group that assigns all of them."""
    broker = FakeBroker(partitions=partitions, generation=1)
    for partition in range(partitions):
        fill(broker, 8, partition=partition, seed=partition)
    transport = FakeTransport(broker)
    transport.will(("assigned", range(partitions)), generation=1)
    return broker, transport


def turn_until(worker: Worker, condition: Callable[[], bool]) -> None:
    """Turn the loop until a condition holds."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        worker.turn()


def is_at_end(state: WorkerState, offset: int = 10) -> bool:
    """Whether both partitions are processed up to an offset."""
    return [task.next_offset for task in state.tasks.values()] == [offset] * 2
