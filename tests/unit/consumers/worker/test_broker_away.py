"""A broker that is away for any length of time, over a log in memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client import generate_latest
from structlog.testing import capture_logs

from consumers.metrics.exporter import WorkerCollector, make_registry
from consumers.metrics.health import Health
from consumers.transport.seam import Outcome, OutcomeKind
from consumers.worker.state import WorkerState
from consumers.worker.worker import Worker
from core.model.errors import TransportError
from core.model.settings import MetricsSettings
from tests.support.fake_transport import FakeBroker, FakeTransport
from tests.support.worker_in_memory import event_ids, fill, make_worker, worker_settings

DEADLINE_S = 20.0
WALL_S = 1_720_000_000.0
SECOND_NS = 1_000_000_000
IN_A_GROUP = {"delivery": "exactly_once", "membership": "dynamic"}
BY_HAND = {"delivery": "exactly_once", "membership": "manual"}


class Rig:
    """A caught-up worker of two partitions, its clock, and what is seen of it."""

    def __init__(self, **changes: Any) -> None:
        self.now_ns = 0
        self.broker = FakeBroker(partitions=2, generation=1)
        for partition in range(2):
            fill(self.broker, 8, partition=partition, seed=partition)
        self.transport = FakeTransport(self.broker)
        how: dict[str, Any] = IN_A_GROUP | changes
        if how["membership"] != "manual":
            self.transport.will(("assigned", [0, 1]), generation=1)
        self.worker: Worker
        self.state: WorkerState
        clock: Callable[[], int] = lambda: self.now_ns  # noqa: E731
        self.worker, self.state, _ = make_worker(self.broker, self.transport, monotonic_ns=clock, **how)
        settings = worker_settings(**how)
        self.health = Health(self.state, settings, monotonic_ns=clock)
        self.registry = make_registry(
            WorkerCollector(
                self.state, self.health, MetricsSettings(), version="1", wall_seconds=lambda: WALL_S
            )
        )
        self.worker.start()
        self.catch_up(10, 10)

    def catch_up(self, *ends: int) -> None:
        """Until both partitions are; they are restored on a thread."""
        deadline = time.monotonic() + DEADLINE_S
        while [task.next_offset for _, task in sorted(self.state.tasks.items())] != list(ends):
            assert time.monotonic() < deadline
            self.turn(1)

    def turn(self, count: int = 3) -> None:
        for _ in range(count):
            self.worker.turn()
            for thread in threading.enumerate():
                if thread.name == "rotascope-fresh-client":
                    thread.join(10)

    def after(self, seconds: float, *, step_s: float = 1.0) -> None:
        """Let time pass, with a turn a step."""
        end_ns = self.now_ns + int(seconds * SECOND_NS)
        while self.now_ns < end_ns:
            self.now_ns += int(step_s * SECOND_NS)
            self.turn(1)

    def shown(self, name: str) -> list[float]:
        lines = generate_latest(self.registry).decode().splitlines()
        return [float(line.rpartition(" ")[2]) for line in lines if line.startswith(name)]


@pytest.mark.parametrize("how", [IN_A_GROUP, BY_HAND])
def test_a_silent_broker_makes_a_worker_unready_and_never_dead(how: dict[str, str]) -> None:
    rig = Rig(**how)
    assert (rig.health.why_not_ready(), rig.shown("rotascope_worker_joined ")) == ([], [1])
    rig.transport.away = True
    rig.after(9)
    assert rig.health.why_not_ready() == []
    rig.after(600)
    assert rig.health.why_not_alive() is None
    assert rig.health.why_not_ready()[0] == f"no broker has answered for {609_000} ms"
    assert rig.shown("rotascope_worker_joined ") == [0]
    assert rig.shown("rotascope_worker_broker_answer_timestamp_seconds ") == [WALL_S - 609]
    assert rig.shown("rotascope_partition_lag_records") == []
    assert rig.shown("rotascope_partition_lag_seconds") == []
    assert rig.transport.rebuilt_consumers == 0


def test_no_lag_is_shown_while_the_loop_waits_for_a_broker_that_is_away() -> None:
    """Regression: /readyz knew of the silence and the lag did not, as long as the loop hung in a call."""
    rig = Rig()
    rig.now_ns += 10 * SECOND_NS  # without a turn
    assert rig.health.why_not_ready() == ["no broker has answered for 10000 ms"]
    assert rig.shown("rotascope_partition_lag_records") == []
    assert rig.shown("rotascope_worker_joined ") == [0]


def test_the_lag_is_shown_again_once_the_broker_has_reported_it() -> None:
    rig = Rig()
    rig.transport.away = True
    rig.after(35)
    fill(rig.broker, 8, partition=1, seed=9)
    rig.transport.away = False
    rig.transport.raising = {"end_offset"}
    rig.after(1)
    assert rig.health.why_not_ready() == []
    assert rig.shown("rotascope_partition_lag_records") == []
    rig.transport.raising = set()
    rig.after(3)
    assert rig.shown("rotascope_partition_lag_records") == [0, 0]
    assert rig.state.tasks[1].next_offset == 20


def test_an_outage_has_one_line_for_its_beginning_one_for_its_end_and_one_a_minute() -> None:
    rig = Rig()
    fill(rig.broker, 8, partition=1, seed=9)
    rig.turn(1)  # something to commit
    rig.transport.away = True
    rig.transport.raising = {"poll", "position", "end_seen"}
    with capture_logs() as lines:
        rig.after(180)
        rig.transport.away = False
        rig.transport.raising = set()
        rig.after(2)
    events = [line["event"] for line in lines if line["log_level"] != "debug"]
    assert events.count("no broker answers") == events.count("a broker answers again") == 1
    assert len(events) <= 2 + 4
    assert [line["away_ms"] for line in lines if line["event"] == "a broker answers again"] == [181_000]


@pytest.mark.parametrize("how", [IN_A_GROUP, BY_HAND])
def test_empty_responses_count_as_responses(how: dict[str, str]) -> None:
    """A quiet night: no record for ten hours."""
    rig = Rig(**how)
    rig.after(36_000, step_s=9.0)
    assert rig.health.why_not_ready() == []
    assert rig.shown("rotascope_partition_lag_records") == [0, 0]


def test_a_worker_that_fetches_nothing_sends_a_probe() -> None:
    rig = Rig(**BY_HAND)
    rig.transport.raising = {"poll"}
    rig.after(60)
    assert rig.health.why_not_ready() == []


def test_a_member_whose_join_waits_for_the_others_is_not_taken_for_unanswered() -> None:
    """It has no partition to ask about, and gets no answer to its join until the others have joined."""
    rig = Rig()
    rig.transport.will(("lost", [0, 1]), member=None, generation=1)
    rig.turn(1)
    assert not rig.state.tasks
    rig.transport.raising = {"poll"}
    rig.transport.fresh_answers = True
    rig.after(14)
    assert (rig.transport.rebuilt_consumers, rig.state.broker_away) == (0, False)


@pytest.mark.parametrize("how", [IN_A_GROUP, BY_HAND])
def test_an_unanswered_client_is_recreated_when_new_ones_are_answered(how: dict[str, str]) -> None:
    rig = Rig(**how)
    fill(rig.broker, 8, partition=1, seed=9)
    rig.transport.away = True
    rig.after(35)
    assert rig.transport.rebuilt_consumers == 0
    rig.transport.fresh_answers = True
    rig.after(15)
    assert (rig.transport.rebuilt_consumers, rig.state.counters.rejoins) == (1, 1)
    if how is IN_A_GROUP:
        rig.transport.will(("assigned", [0, 1]), member="again", generation=2)
        rig.broker.generation = 2
    rig.catch_up(10, 20)
    assert rig.health.why_not_ready() == []
    rig.worker.commit()
    ids = event_ids(rig.broker.published)
    assert len(ids) == len(set(ids)) == 12


def test_a_worker_is_dead_if_it_gets_no_responses_for_long_while_new_clients_do() -> None:
    rig = Rig(liveness_timeout_ms=60_000)
    rig.transport.away = True
    rig.after(3_600)
    rig.transport.fresh_answers = True
    rig.transport.raising = {"rebuild_consumer"}
    rig.after(59)
    assert rig.health.why_not_alive() is None, "the broker has been back for less than a minute"
    rig.after(10)
    assert "new clients have been answered for" in str(rig.health.why_not_alive())
    rig.transport.away = False
    rig.after(1)
    assert rig.health.why_not_alive() is None


def test_a_client_that_cannot_be_recreated_stays_in_use() -> None:
    """Regression: the old one was closed first, and then used forever."""
    rig = Rig(join_timeout_ms=1)
    rig.transport.will(member=None, generation=1)
    rig.turn(1)
    rig.transport.raising = {"rebuild_consumer"}
    tried_before = rig.state.counters.rejoins
    rig.after(60)
    assert (rig.transport.rebuilt_consumers, rig.state.counters.rejoins) == (0, tried_before)
    fill(rig.broker, 8, partition=1, seed=9)
    rig.transport.will(generation=1)
    rig.after(2)
    assert rig.state.tasks[1].next_offset == 20


def test_a_commit_of_unknown_outcome_is_looked_up_after_ten_minutes() -> None:
    rig = Rig(**BY_HAND)
    published = len(rig.broker.published)
    fill(rig.broker, 8, partition=1, seed=9)
    rig.transport.outcomes.append(Outcome(OutcomeKind.UNKNOWN, "no answer"))
    rig.transport.commits_behind_unknown = True
    for _ in range(5):
        if rig.transport.outcomes:
            rig.after(1)
    assert not rig.transport.outcomes
    rig.transport.away = True
    rig.after(600)
    rig.transport.away = False
    rig.after(10)
    assert rig.state.counters.resolved == {"committed": len(rig.state.tasks)}
    ids = event_ids(rig.broker.published)
    assert len(rig.broker.published) > published
    assert len(ids) == len(set(ids)) == 12


def test_a_partition_without_a_leader_after_an_outage_leaves_the_loop_its_time() -> None:
    """Regression: each turn asked where its log ends, and waited two seconds for no answer."""
    rig = Rig()
    rig.transport.away = True
    rig.after(12)
    rig.transport.away = False
    asked_ms: list[int] = []
    answer = rig.transport.end_offset

    def end_offset(partition: int, *, timeout_ms: int | None = None) -> int:
        if partition == 0:
            return answer(partition, timeout_ms=timeout_ms)
        asked_ms.append(timeout_ms or 0)
        rig.now_ns += (timeout_ms or 0) * 1_000_000
        raise TransportError("no leader")

    rig.transport.end_offset = end_offset  # type: ignore[method-assign]
    begun_ns = rig.now_ns
    rig.after(60, step_s=0.1)
    assert len(asked_ms) > 3
    assert 5 * sum(asked_ms) < (rig.now_ns - begun_ns) / 1_000_000
