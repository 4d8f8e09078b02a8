"""The worker's loop over a log in memory: nothing lost, nothing repeated in silence."""

from __future__ import annotations

from typing import Any

import pytest

from consumers.worker.state import Until, WorkerState
from consumers.worker.worker import Worker
from core.kafka.records import Record
from core.model.errors import ConfigurationError, TransportError
from core.model.settings import KafkaSettings
from tests.support.fake_engine import FakeEngine, frame
from tests.support.fake_transport import FakeBroker, FakeTransport
from tests.support.worker_in_memory import (
    IDLE,
    bar_sequences,
    event_ids,
    fill,
    make_worker,
    run_to_the_end,
    worker_settings,
)


def test_every_event_is_published_once_and_the_offset_committed() -> None:
    broker = FakeBroker()
    fill(broker, 40)
    state = run_to_the_end(broker)
    ids = event_ids(broker.published)
    assert len(ids) == len(set(ids)) == 20
    assert broker.committed[0].offset == 50
    assert state.counters.events["every_nth", "opened"] == 20
    assert bar_sequences(broker) == list(range(10))


def test_a_failed_send_keeps_the_outbox_and_offset_and_all_of_it_is_sent_again() -> None:
    broker = FakeBroker()
    fill(broker, 8)
    transport = FakeTransport(broker)
    transport.fail_next_sends = 1
    # Only the commits below may find the failure that waits, however slow the machine is.
    patient: dict[str, Any] = {"commit_interval_ms": 60_000, "eager_commit_interval_ms": 60_000}
    worker, state, _ = make_worker(broker, transport, **patient)
    worker.start()
    worker.turn()
    waiting = state.tasks[0].outbox.records
    assert waiting == 6
    assert not worker.commit()
    assert state.tasks[0].outbox.records == waiting
    assert broker.committed == {}
    assert worker.commit()
    assert (state.tasks[0].outbox.records, state.tasks[0].outbox.bytes) == (0, 0)
    assert state.counters.commits == {"failed": 1, "committed": 1}
    assert transport.discarded == 1, "what is on its way would arrive behind what is sent again"
    assert len(set(event_ids(broker.published))) == 4


def test_an_outbox_that_is_full_stops_the_stepping_and_loses_nothing() -> None:
    broker = FakeBroker()
    fill(broker, 8)
    transport = FakeTransport(broker, poll_records=1)
    transport.fail_next_commits = 10**9
    worker, state, _ = make_worker(broker, transport, outbox_max_bytes=1)
    worker.start()
    for _ in range(30):
        worker.turn()
    stopped_at = state.tasks[0].next_offset
    assert stopped_at < 10
    assert state.commit_failures_in_a_row > 0
    transport.fail_next_commits = 0
    while state.tasks[0].lag_records:
        worker.turn()
    worker.commit()
    assert len(set(event_ids(broker.published))) == 4


def test_a_broker_that_fails_for_a_while_is_waited_for() -> None:
    broker = FakeBroker()
    fill(broker, 8)
    transport = FakeTransport(broker)
    transport.fail_next_polls = 3
    worker, _, _ = make_worker(broker, transport)
    worker.run(IDLE)
    assert len(event_ids(broker.published)) == 4


def test_what_cannot_be_published_at_the_end_is_a_named_error_and_stays_uncommitted() -> None:
    broker = FakeBroker()
    fill(broker, 8)
    transport = FakeTransport(broker)
    transport.fail_next_commits = 10**9
    worker, _, _ = make_worker(broker, transport, shutdown_timeout_ms=5)
    with pytest.raises(TransportError, match="6 records unpublished") as raised:
        worker.run(IDLE)
    assert raised.value.operator_action is not None
    assert broker.committed == {}
    assert transport.closed


def test_partitions_do_not_mix() -> None:
    broker = FakeBroker(partitions=4)
    for partition in range(4):
        fill(broker, 8 + 4 * partition, partition=partition)
    run_to_the_end(broker)
    ids = event_ids(broker.published)
    assert len(ids) == len(set(ids)) == 4 + 6 + 8 + 10
    assert {partition: position.offset for partition, position in broker.committed.items()} == {
        0: 10,
        1: 15,
        2: 20,
        3: 25,
    }


def test_only_assigned_partitions_are_read() -> None:
    broker = FakeBroker(partitions=4)
    for partition in range(4):
        fill(broker, 8, partition=partition)
    run_to_the_end(broker, assigned=(1, 3))
    assert set(broker.committed) == {1, 3}


@pytest.mark.parametrize(("partitions", "assigned"), [(3, None), (4, (4,)), (4, ())])
def test_a_wrong_number_of_partitions_is_refused(partitions: int, assigned: tuple[int, ...] | None) -> None:
    broker = FakeBroker(partitions=4)
    worker = Worker(
        FakeTransport(broker),
        lambda partition, _: FakeEngine(partition),
        kafka=KafkaSettings(partitions=partitions),
        settings=worker_settings(assigned=assigned),
        state=WorkerState(),
    )
    with pytest.raises(ConfigurationError, match="partitions"):
        worker.run(IDLE)


def test_ends_when_every_clock_has_reached_the_event_time() -> None:
    broker = FakeBroker(partitions=2)
    for partition in range(2):
        fill(broker, 40, partition=partition)
    worker, _, engines = make_worker(broker, FakeTransport(broker, poll_records=1))
    worker.run(Until(event_time_ns=12))
    assert all(12 <= engine.clock_ns < 40 for engine in engines)
    assert all(position.offset < 50 for position in broker.committed.values())


def test_stop_finishes_publishes_and_closes() -> None:
    class StoppingTransport(FakeTransport):
        def poll(self, timeout_ms: int, *, max_records: int | None = None) -> dict[int, list[Record]]:
            worker.stop()
            return super().poll(timeout_ms, max_records=max_records)

    broker = FakeBroker()
    fill(broker, 8)
    transport = StoppingTransport(broker, poll_records=5)
    worker, state, _ = make_worker(broker, transport)
    worker.run()
    assert transport.closed
    assert state.tasks == {}
    assert broker.committed[0].offset == 5
    assert len(event_ids(broker.published)) == 2


def test_control_records_are_passed_and_do_not_hold_up_readiness() -> None:
    """A transactional producer's markers take offsets that no poll returns."""
    broker = FakeBroker()
    fill(broker, 4)
    broker.append(None)
    broker.append(None)
    worker, state, _ = make_worker(broker)
    worker.start()
    worker.turn()
    worker.turn()
    assert state.tasks[0].next_offset == 7
    assert state.tasks[0].ready
    worker.commit()
    assert broker.committed[0].offset == 7


def test_caught_up_output_does_not_wait_for_the_commit_interval() -> None:
    broker = FakeBroker()
    worker, _, _ = make_worker(broker, commit_interval_ms=60_000, eager_commit_interval_ms=0)
    worker.start()
    worker.turn()
    broker.append(frame([7] * 10, sequence=0))
    worker.turn()
    worker.turn()
    assert len(event_ids(broker.published)) == 1


def test_output_of_a_steady_stream_does_not_wait_for_the_commit_interval_either() -> None:
    """Guards against taking the one record that is always on its way for being behind."""
    broker = FakeBroker()
    transport = FakeTransport(broker, poll_records=1)
    worker, state, _ = make_worker(broker, transport, commit_interval_ms=60_000, eager_commit_interval_ms=0)
    broker.append(frame([1] * 10, sequence=0))
    worker.start()
    for sequence in range(1, 20):
        broker.append(frame([7] * 10, sequence=sequence))
        worker.turn()
        assert state.tasks[0].lag_records > 0
    assert len(event_ids(broker.published)) > 10


def test_output_of_a_worker_far_behind_waits_for_the_commit_interval() -> None:
    broker = FakeBroker()
    fill(broker, 40)
    transport = FakeTransport(broker, poll_records=10)
    worker, state, _ = make_worker(
        broker, transport, commit_interval_ms=60_000, eager_commit_interval_ms=0, poll_max_records=10
    )
    worker.start()
    worker.turn()
    assert state.tasks[0].outbox.records > 0
    assert broker.published == []
