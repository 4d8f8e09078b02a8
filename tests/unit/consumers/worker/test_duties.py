"""The duties of the loop are isolated: one that fails forever does not block the others."""

from __future__ import annotations

import time
from typing import Any

import pytest
from structlog.testing import capture_logs

from consumers.metrics.health import Health
from core.kafka.records import Record
from core.model.errors import TransportError, UnreadableError
from tests.support.fake_engine import frame
from tests.support.fake_transport import FakeTransport
from tests.support.group_member import group_of, is_at_end, turn_until
from tests.support.worker_in_memory import event_ids, make_worker, worker_settings

DEADLINE_S = 20.0
SECOND_NS = 1_000_000_000
IN_A_GROUP: dict[str, Any] = {"delivery": "exactly_once", "membership": "dynamic"}


@pytest.mark.parametrize("method", ["answers", "end_seen", "position"])
def test_a_query_may_fail_forever(method: str) -> None:
    broker, transport = group_of()
    transport.raising = {method}
    worker, state, _ = make_worker(broker, transport, **IN_A_GROUP)
    if method == "answers":
        transport.raising = set()
        worker.start()
        transport.raising = {method}
    else:
        worker.start()
    turn_until(worker, lambda: is_at_end(state) and len(event_ids(broker.published)) == 8)
    assert state.counters.commits["committed"] > 0


def test_fetched_records_are_processed_and_committed_while_polls_fail_forever() -> None:
    broker, transport = group_of()
    worker, state, _ = make_worker(broker, transport, **IN_A_GROUP, commit_interval_ms=60_000)
    worker.start()
    turn_until(worker, lambda: is_at_end(state))
    broker.append(frame([7] * 10, sequence=99), 1)
    worker._intake.fetch(None)
    transport.raising = {"poll"}
    turn_until(worker, lambda: broker.committed.get(1) is not None and broker.committed[1].offset == 11)
    assert state.tasks[1].next_offset == 11


def test_a_failed_poll_still_reports_group_changes() -> None:
    class Failing(FakeTransport):
        def poll(self, timeout_ms: int, *, max_records: int | None = None) -> dict[int, list[Record]]:
            super().poll(timeout_ms, max_records=max_records)
            raise TransportError("the records were lost on their way")

    broker, transport = group_of()
    failing = Failing(broker)
    failing._script = transport._script
    worker, state, _ = make_worker(broker, failing, **IN_A_GROUP)
    worker.start()
    turn_until(worker, lambda: len(state.tasks) == 2)
    assert sorted(state.tasks) == [0, 1]


def test_a_batch_that_cannot_be_unpacked_makes_the_worker_unready_until_it_can() -> None:
    class Damaged(FakeTransport):
        damaged = False

        def poll(self, timeout_ms: int, *, max_records: int | None = None) -> dict[int, list[Record]]:
            if self.damaged:
                raise UnreadableError("the batch at offset 10 of ticks/1: crc", partition=1)
            return super().poll(timeout_ms, max_records=max_records)

    broker, transport = group_of()
    damaged = Damaged(broker)
    damaged._script = transport._script
    worker, state, _ = make_worker(broker, damaged, **IN_A_GROUP, failures_in_a_row_max=3)
    health = Health(state, worker_settings(failures_in_a_row_max=3))
    worker.start()
    turn_until(worker, lambda: is_at_end(state) and not health.why_not_ready())
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
    turn_until(worker, lambda: state.tasks[1].next_offset == 11)
    assert health.why_not_ready() == []


def test_no_record_is_lost_if_a_query_about_another_partition_fails() -> None:
    """Regression: what a poll gave was thrown away with the error, and the client had passed it."""

    class OnePartitionFails(FakeTransport):
        def end_seen(self, partition: int) -> int | None:
            if partition == 0:
                raise TransportError("no end of partition 0")
            return super().end_seen(partition)

    broker, transport = group_of()
    failing = OnePartitionFails(broker)
    failing._script = transport._script
    worker, state, engines = make_worker(broker, failing, **IN_A_GROUP)
    worker.start()
    turn_until(worker, lambda: is_at_end(state))
    assert [engine.steps for engine in engines] == [10, 10]


def test_a_seek_that_fails_after_the_outboxes_were_full_leaves_no_gap() -> None:
    broker, transport = group_of()
    transport.poll_records = 1
    worker, state, engines = make_worker(broker, transport, **IN_A_GROUP, outbox_max_bytes=1)
    worker.start()
    turn_until(worker, lambda: len(state.tasks) == 2)
    failures = 0
    deadline = time.monotonic() + DEADLINE_S
    while not is_at_end(state):
        assert time.monotonic() < deadline
        transport.raising = {"seek", "hold"} if failures % 3 else set()
        failures += 1
        worker.turn()
    assert [engine.steps for engine in engines] == [10, 10]


@pytest.mark.parametrize("method", ["rebuild_consumer", "transact", "end_offset"])
def test_a_failing_duty_does_not_stop_processing(method: str) -> None:
    now_ns = 0
    broker, transport = group_of()
    worker, state, _ = make_worker(
        broker, transport, **IN_A_GROUP, fetch_silence_ms=1_000, monotonic_ns=lambda: now_ns
    )
    worker.start()
    turn_until(worker, lambda: is_at_end(state))
    transport.raising = {method}
    for round_ in range(20):
        now_ns += 5_000_000_000
        broker.append(frame([7] * 10, sequence=100 + round_), 0)
        broker.append(frame([7] * 10, sequence=100 + round_), 1)
        worker.turn()
        worker.turn()
        assert is_at_end(state, 11 + round_)


@pytest.mark.parametrize("method", ["poll", "end_seen"])
def test_an_error_that_is_not_retriable_ends_the_worker(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    final = TransportError("not authorized")
    final.retriable = False

    def refuse(*_: object, **__: object) -> None:
        raise final

    broker, transport = group_of()
    worker, state, _ = make_worker(broker, transport, **IN_A_GROUP)
    worker.start()
    turn_until(worker, lambda: len(state.tasks) == 2)
    monkeypatch.setattr(transport, method, refuse)
    with pytest.raises(TransportError, match="not authorized"):
        worker.turn()
