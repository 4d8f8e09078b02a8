"""A worker that ends in any way and starts again: the same events, the same bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from consumers.worker.state import WorkerState
from consumers.worker.worker import Worker
from core.model.errors import SnapshotError
from tests.support.fake_engine import FakeEngine, baseline
from tests.support.fake_transport import FakeBroker, FakeTransport
from tests.support.worker_in_memory import (
    bar_sequences,
    event_ids,
    fill,
    make_worker,
    run_to_the_end,
)


def test_a_second_run_has_nothing_to_say() -> None:
    broker = FakeBroker()
    fill(broker, 40)
    run_to_the_end(broker)
    published = list(broker.published)
    run_to_the_end(broker)
    assert broker.published == published


@pytest.mark.parametrize("killed_after", [1, 2, 5, 9, 30])
def test_killed_anywhere_and_restarted_gives_the_same_events(killed_after: int) -> None:
    """A kill is: turns taken, some of them committed, and then nothing more of that worker."""
    calm, killed = FakeBroker(), FakeBroker()
    for broker in (calm, killed):
        fill(broker, 16)
        broker.append(baseline(sequence=99))
        fill(broker, 40, seed=3)
    run_to_the_end(calm)
    worker, _, _ = make_worker(killed, FakeTransport(killed, poll_records=3), commit_interval_ms=0)
    worker.start()
    for _ in range(killed_after):
        worker.turn()
    run_to_the_end(killed)
    assert sorted(set(event_ids(killed.published))) == sorted(event_ids(calm.published))
    assert len(event_ids(calm.published)) == 28
    assert killed.committed[0].offset == calm.committed[0].offset
    assert sorted(set(bar_sequences(killed))) == bar_sequences(calm)


def test_repeats_after_a_kill_between_flush_and_commit_carry_the_same_ids_and_bytes() -> None:
    broker = FakeBroker()
    fill(broker, 40)
    transport = FakeTransport(broker)
    # Only the commit below may find the failure that waits, however slow the machine is.
    patient: dict[str, Any] = {"commit_interval_ms": 60_000, "eager_commit_interval_ms": 60_000}
    worker, state, _ = make_worker(broker, transport, **patient)
    transport.fail_next_commits = 1
    worker.start()
    worker.turn()
    worker.commit()
    assert state.commit_failures_in_a_row == 1
    first = list(broker.published)
    assert first
    run_to_the_end(broker)
    assert broker.published[len(first) :] == first
    assert transport.discarded == 0, "the records are in the log: only the offsets are not"


def test_restart_steps_from_the_baseline_with_its_output_suppressed() -> None:
    broker = FakeBroker()
    fill(broker, 8)
    at = broker.append(baseline(sequence=99))
    fill(broker, 8)
    run_to_the_end(broker)
    assert json.loads(broker.committed[0].metadata)["baseline"] == at
    published = len(broker.published)
    worker, state, (engine,) = _started_with_engine(broker)
    assert state.tasks[0].next_offset == at
    while state.tasks[0].next_offset < broker.committed[0].offset:
        assert not state.tasks[0].ready
        worker.turn()
    assert engine.trades == 40
    assert state.tasks[0].ready
    assert len(broker.published) == published


def _started_with_engine(broker: FakeBroker) -> tuple[Worker, WorkerState, list[FakeEngine]]:
    worker, state, engines = make_worker(broker, FakeTransport(broker, poll_records=2))
    worker.start()
    return worker, state, engines


def test_a_lost_baseline_stops_the_start() -> None:
    broker = FakeBroker()
    fill(broker, 8)
    run_to_the_end(broker)
    broker.begin = 3
    with pytest.raises(SnapshotError, match="the log starts at 3"):
        run_to_the_end(broker)
