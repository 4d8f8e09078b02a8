"""Exactly once on a real Apache Kafka broker: killed, evicted, answered too late; read_committed sees all."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from kafka.errors import KafkaConnectionError

from consumers.transport.kafka_python import KafkaPythonTransport
from consumers.transport.seam import Membership, Outcome
from consumers.worker.state import WorkerState
from consumers.worker.worker import Worker
from core.kafka.records import Committed, OutgoingRecord
from core.model.settings import KafkaSettings
from deploy.kafka.broker import LocalKafka
from tests.support.doomed_worker import WHERE, worker_settings
from tests.support.fake_engine import FakeEngine, frame
from tests.support.kafka_broker import TEST_PARTITIONS
from tests.support.kafka_log import committed_offsets, event_ids, publish

pytestmark = [pytest.mark.integration, pytest.mark.slow]

CHECKOUT = Path(__file__).resolve().parents[2]
DEADLINE_S = 90.0
FRAMES = 30
"""A partition; one event each."""
EVENTS = FRAMES * TEST_PARTITIONS


def _fill(kafka: LocalKafka, *, first: int = 0) -> None:
    frames = [frame([number + 1], sequence=number) for number in range(first, first + FRAMES)]
    publish(kafka, dict.fromkeys(range(TEST_PARTITIONS), frames))


def _check(kafka: LocalKafka, group_id: str, *, rounds: int = 1) -> None:
    """Nothing is lost, nothing is doubled, and the offsets stand behind it."""
    ids = event_ids(kafka)
    assert len(set(ids)) == len(ids), "an event was doubled"
    assert len(ids) == rounds * EVENTS, "an event was lost"
    assert set(committed_offsets(kafka, group_id).values()) == {rounds * FRAMES}


class Held(KafkaPythonTransport):
    """A transport whose first transaction waits until the test lets it go on."""

    reached: threading.Event
    go_on: threading.Event

    def transact(
        self,
        sends: Sequence[OutgoingRecord],
        offsets: Mapping[int, Committed],
        membership: Membership | None,
        deadline_ms: int,
    ) -> Outcome:
        if sends and not self.reached.is_set():
            self.reached.set()
            assert self.go_on.wait(DEADLINE_S)
        return super().transact(sends, offsets, membership, deadline_ms)


@dataclass
class Running:
    """A worker on a thread of its own."""

    worker: Worker
    state: WorkerState = field(default_factory=WorkerState)
    error: list[BaseException] = field(default_factory=list)

    @property
    def held(self) -> set[int]:
        return set(self.state.tasks)


@contextmanager
def _running(
    kafka: LocalKafka,
    group_id: str,
    slot: str,
    kind: type[KafkaPythonTransport] = KafkaPythonTransport,
    **changes: object,
) -> Iterator[Running]:
    settings = worker_settings(group_id, slot=slot, **changes)
    reach = KafkaSettings(bootstrap_servers=kafka.bootstrap_servers, partitions=TEST_PARTITIONS)
    transport, state = kind(reach, settings), WorkerState()
    worker = Worker(
        transport, lambda p, _: FakeEngine(p, every=1), kafka=reach, settings=settings, state=state
    )
    running = Running(worker, state)

    def run() -> None:
        try:
            worker.run()
        except BaseException as error:
            running.error.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        worker.stop()
        thread.join(DEADLINE_S)
        assert running.error == []
        assert not thread.is_alive()


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _caught_up(*workers: Running) -> Callable[[], bool]:
    """All partitions are somebody's, and nothing is left to step or to commit."""

    def met() -> bool:
        tasks = [task for each in workers for task in list(each.state.tasks.values())]
        return len(tasks) == TEST_PARTITIONS and not any(
            task.outbox.dirty or task.lag_records or not task.ready for task in tasks
        )

    return met


@pytest.mark.parametrize("where", WHERE)
def test_killed_in_a_transaction_and_started_again(kafka_with_topics: LocalKafka, where: str) -> None:
    kafka, group_id = kafka_with_topics, f"killed-{where}"
    _fill(kafka)
    program = [sys.executable, "-m", "tests.support.doomed_worker", kafka.bootstrap_servers, group_id]
    killed = subprocess.run([*program, where, "2"], cwd=CHECKOUT, timeout=DEADLINE_S, check=False)
    assert killed.returncode == -signal.SIGKILL
    seen = len(event_ids(kafka, after_a_kill=True))
    assert 0 < seen < EVENTS, "it was killed at a time that proves nothing"
    with _running(kafka, group_id, "doomed") as again:
        _wait(_caught_up(again))
    _check(kafka, group_id)


def test_workers_share_the_partitions_come_and_go(kafka_with_topics: LocalKafka) -> None:
    kafka = kafka_with_topics
    _fill(kafka)
    with _running(kafka, "sharing", "a") as first:
        _wait(_caught_up(first))
        with _running(kafka, "sharing", "b") as second:
            _fill(kafka, first=FRAMES)
            _wait(lambda: len(first.held) == len(second.held) == TEST_PARTITIONS // 2)
            _fill(kafka, first=2 * FRAMES)
            _wait(_caught_up(first, second))
        _fill(kafka, first=3 * FRAMES)
        _wait(_caught_up(first))
    _check(kafka, "sharing", rounds=4)


def test_partitions_are_taken_away_in_the_middle_of_a_commit(kafka_with_topics: LocalKafka) -> None:
    """The one that commits is stuck until the group has given all it held to the other."""
    kafka = kafka_with_topics

    class Stuck(Held):
        reached, go_on = threading.Event(), threading.Event()

    with _running(kafka, "evicted", "a", Stuck, max_poll_interval_ms=3_000) as first:
        _fill(kafka)
        assert Stuck.reached.wait(DEADLINE_S)
        with _running(kafka, "evicted", "b", max_poll_interval_ms=3_000) as second:
            _wait(_caught_up(second))
            Stuck.go_on.set()
            _wait(lambda: first.state.counters.commits["fenced"] > 0)
            _fill(kafka, first=FRAMES)
            _wait(lambda: bool(first.held and second.held) and _caught_up(first, second)())
    _check(kafka, "evicted", rounds=2)


@pytest.mark.parametrize("in_truth", [True, False])
def test_a_commit_without_an_answer_is_looked_up(kafka_with_topics: LocalKafka, in_truth: bool) -> None:
    kafka, group_id = kafka_with_topics, f"no-answer-{in_truth}"

    class Unanswered(KafkaPythonTransport):
        lost = 0

        def rebuild_producer(self, deadline_ms: int) -> None:
            super().rebuild_producer(deadline_ms)
            producer = self._transactions.get()._producer
            commit = producer.commit_transaction

            def commit_transaction() -> None:
                if Unanswered.lost:
                    commit()
                    return
                Unanswered.lost += 1
                if in_truth:
                    commit()
                raise KafkaConnectionError("the answer is lost")

            producer.commit_transaction = commit_transaction

    with _running(kafka, group_id, "a", Unanswered) as worker:
        _fill(kafka)
        _wait(_caught_up(worker))
        assert worker.state.counters.commits["unknown"] == 1
        assert set(worker.state.counters.resolved) == {"committed" if in_truth else "aborted"}
    _check(kafka, group_id)
