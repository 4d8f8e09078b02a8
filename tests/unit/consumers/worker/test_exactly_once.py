"""Transactions and a group over a log in memory: whatever happens, every record is published once."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest

from consumers.snapshots.records import SNAPSHOTS_TOPIC
from consumers.transport.seam import ChangeKind, Outcome, OutcomeKind
from consumers.worker.state import Until, WorkerState
from consumers.worker.worker import Worker
from core.kafka.records import Committed, OutgoingRecord
from core.model.errors import TransportError
from tests.support.fake_transport import FakeBroker, FakeTransport
from tests.support.worker_in_memory import bar_sequences, event_ids, fill, make_worker, run_to_the_end

EXACTLY_ONCE = {"delivery": "exactly_once", "membership": "dynamic"}
ABORTED = Outcome(OutcomeKind.ABORTED, "a send expired")
UNKNOWN = Outcome(OutcomeKind.UNKNOWN, "no answer")
DEADLINE_S = 60.0
PATIENT = {"commit_interval_ms": 60_000, "eager_commit_interval_ms": 60_000}
"""Only a test's own call commits."""


def _member(broker: FakeBroker, transport: FakeTransport, **changes: Any) -> tuple[Worker, WorkerState]:
    worker, state, _ = make_worker(broker, transport, **(EXACTLY_ONCE | changes))
    return worker, state


def _stepped(frames: int = 8, **changes: object) -> tuple[FakeBroker, FakeTransport, Worker, WorkerState]:
    """A member with one partition, stepped to the end of the log, nothing committed."""
    broker = FakeBroker(generation=1)
    fill(broker, frames)
    transport = FakeTransport(broker)
    transport.will(("assigned", [0]), generation=1)
    worker, state = _member(broker, transport, **(PATIENT | changes))
    worker.start()
    while 0 not in state.tasks or state.tasks[0].lag_records:
        worker.turn()
    assert not broker.published
    return broker, transport, worker, state


def test_a_member_publishes_every_event_once_and_commits_with_it() -> None:
    broker = FakeBroker(partitions=3, generation=4)
    for partition in range(3):
        fill(broker, 12, partition=partition, seed=partition)
    transport = FakeTransport(broker)
    transport.will(generation=3, member=None)
    transport.will(("assigned", [0, 1, 2]), generation=4)
    worker, state = _member(broker, transport)
    worker.run(Until(idle_ms=0))
    ids = event_ids(broker.published)
    assert len(ids) == len(set(ids)) == 18
    assert {partition: committed.offset for partition, committed in broker.committed.items()} == {
        0: 15, 1: 15, 2: 15,
    }  # fmt: skip
    assert set(state.counters.commits) == {"committed"}
    assert transport.rebuilt_producers == 1, "what an earlier run left open ends at the start"
    wanted = {"rotascope.events.divergence", "rotascope.bars.1m", "rotascope.snapshots.v1"}
    assert wanted < set(transport.announced)


def test_an_aborted_transaction_is_sent_again_whole() -> None:
    broker, transport, worker, state = _stepped()
    transport.outcomes.append(ABORTED)
    assert not worker.commit()
    assert (broker.published, broker.committed) == ([], {})
    assert state.tasks[0].outbox.records == 6
    assert worker.commit()
    assert len(broker.published) == 6
    assert state.counters.commits == {"aborted": 1, "committed": 1}


def test_a_stop_during_a_rebalance_leaves_its_output_to_the_next_owner(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Guards the exit status of a rolling restart: it was 1 when a stop met a rebalance that did not end."""
    broker, transport, worker, _ = _stepped(shutdown_timeout_ms=20)
    transport.will(generation=2, member=None)
    worker.turn()
    worker.stop()
    worker._finish()
    assert broker.published == []
    assert broker.committed == {}
    assert "stopped during a rebalance" in capsys.readouterr().out


def test_a_stop_without_an_answer_is_an_error_even_in_a_group() -> None:
    broker, transport, worker, _ = _stepped(shutdown_timeout_ms=20)
    transport.outcomes.extend([ABORTED] * 1000)
    worker.stop()
    with pytest.raises(TransportError, match="6 records unpublished"):
        worker._finish()
    assert broker.committed == {}


@pytest.mark.parametrize("in_truth", [True, False])
def test_an_unknown_outcome_is_looked_up_and_nothing_is_said_twice(in_truth: bool) -> None:
    broker, transport, worker, state = _stepped()
    transport.outcomes.append(UNKNOWN)
    transport.commits_behind_unknown = in_truth
    assert not worker.commit()
    rebuilt = transport.rebuilt_producers
    assert worker.commit()
    assert transport.rebuilt_producers == rebuilt + 1, "only then the outcome is final"
    assert len(broker.published) == 6
    assert broker.committed[0].offset == 10
    assert state.counters.resolved == {"committed" if in_truth else "aborted": 1}


@pytest.mark.parametrize("in_truth", [True, False])
def test_bytes_that_a_client_gives_back_behind_a_position_do_not_look_like_another_commit(
    in_truth: bool,
) -> None:
    broker, transport, worker, state = _stepped()
    assert worker.commit()
    transport.behind_metadata = "\x01rest"
    state.tasks[0].outbox.add([OutgoingRecord("more", None, b"x", ())], next_offset=11)
    transport.outcomes.append(UNKNOWN)
    transport.commits_behind_unknown = in_truth
    assert not worker.commit()
    assert worker.commit()
    assert [record.value for record in broker.published].count(b"x") == 1
    assert state.counters.resolved == {"committed" if in_truth else "aborted": 1}


@pytest.mark.parametrize("in_truth", [True, False])
def test_commits_of_one_offset_are_told_apart(in_truth: bool) -> None:
    """Guards a look-up by offset alone.

    With records that move no offset it takes every abort for a success, and an event is missing.
    """
    broker, transport, worker, state = _stepped()
    assert worker.commit()
    outbox = state.tasks[0].outbox
    outbox.add([OutgoingRecord("more", None, b"x", ())], next_offset=10)
    transport.outcomes.append(UNKNOWN)
    transport.commits_behind_unknown = in_truth
    assert not worker.commit()
    assert worker.commit()
    assert [record.value for record in broker.published].count(b"x") == 1
    assert outbox.records == 0


def test_a_look_up_that_fails_is_tried_again_before_anything_is_sent() -> None:
    broker, transport, worker, state = _stepped()
    transport.outcomes.append(UNKNOWN)
    assert not worker.commit()
    transport.fail_next_rebuilds = transport.fail_next_questions = 1
    assert not worker.commit()
    assert not worker.commit()
    assert broker.published == []
    assert worker.commit()
    assert len(broker.published) == 6
    assert state.counters.commits == {"unknown": 3, "committed": 1}


def test_somebody_else_has_committed_meanwhile() -> None:
    """What was in doubt is dropped, and the partition begins anew from what stands committed."""
    broker, transport, worker, state = _stepped()
    fill(broker, 4)
    other = FakeBroker(log=broker.log)
    run_to_the_end(other)
    transport.outcomes.append(UNKNOWN)
    assert not worker.commit()
    broker.committed[0], broker.published = other.committed[0], list(other.published)
    assert not worker.commit()
    assert state.tasks == {}
    assert state.counters.resolved == {"overtaken": 1}
    assert state.counters.dropped_records == {"overtaken": 6}
    while 0 not in state.tasks or state.tasks[0].lag_records:
        worker.turn()
    assert worker.commit()
    assert broker.published == other.published


def test_a_fenced_commit_is_not_tried_again_under_the_same_membership() -> None:
    """eos.md 1: a woken zombie must not commit; what it has said goes with the partition."""
    broker, transport, worker, state = _stepped()
    broker.generation = 2
    assert not worker.commit()
    assert not worker.commit()
    assert state.counters.commits == {"fenced": 1}, "the second try was none"
    transport.will(("lost", [0]), member="me again", generation=2)
    worker.turn()
    assert state.tasks == {}
    assert worker.commit()
    assert broker.published == []
    assert state.counters.dropped_records == {ChangeKind.LOST: 6}


def test_after_a_rebalance_what_is_kept_is_committed_under_the_new_generation() -> None:
    broker, transport, worker, _ = _stepped()
    broker.generation = 2
    assert not worker.commit()
    transport.will(generation=2)
    worker.turn()
    assert worker.commit()
    assert len(broker.published) == 6


def test_while_not_stable_nothing_is_tried_and_nothing_counts_as_failed() -> None:
    broker, transport, worker, state = _stepped()
    transport.will(generation=1, member=None)
    worker.turn()
    assert not worker.commit()
    assert state.counters.commits == {}
    assert state.commit_failures_in_a_row == 0
    assert state.joined is False
    transport.will(generation=1)
    worker.turn()
    assert worker.commit()
    assert len(broker.published) == 6


def test_another_member_id_means_that_everything_held_is_lost() -> None:
    """Guards a client that was thrown out, came back, and told nobody.

    The partition may have been somebody else's in between.
    """
    broker, transport, worker, state = _stepped()
    transport.will(generation=1, member="another")
    worker.turn()
    worker.turn()
    assert state.counters.dropped_records == {"new_member": 6}
    while 0 not in state.tasks or state.tasks[0].lag_records:
        worker.turn()
    assert worker.commit()
    assert len(broker.published) == 6


def test_a_partition_without_an_answer_holds_up_no_other() -> None:
    broker = FakeBroker(partitions=2, generation=1)
    for partition in range(2):
        fill(broker, 8, partition=partition)
    transport = FakeTransport(broker)
    transport.will(("assigned", [0, 1]), generation=1)
    worker, state = _member(broker, transport)
    worker.start()
    transport.fail_next_questions = 1
    worker.turn()
    assert (state.tasks, state.opening) == ({}, (0, 1))
    while 1 not in state.tasks:
        worker.turn()
    while 0 not in state.tasks:
        worker.turn()


def test_a_client_that_becomes_no_stable_member_is_made_anew() -> None:
    broker = FakeBroker()
    transport = FakeTransport(broker)
    never = {"join_timeout_ms": 0, "max_poll_interval_ms": 0, "session_timeout_ms": 0}
    worker, state = _member(broker, transport, **never)
    worker.start()
    worker.turn()
    assert transport.rebuilt_consumers == 1
    assert state.counters.rejoins == 1


def test_a_client_that_gives_no_answers_is_made_anew() -> None:
    """Guards a partition that was nobody's for minutes: its owner's client had lost the way to one broker."""
    broker = FakeBroker(generation=1)
    fill(broker, 8)
    transport = FakeTransport(broker)
    transport.will(("assigned", [0]), generation=1)
    now_ns = [0]
    worker, state, _ = make_worker(broker, transport, monotonic_ns=lambda: now_ns[0], **EXACTLY_ONCE)  # type: ignore[arg-type]
    worker.start()
    transport.fail_next_questions = 3
    for seconds, rebuilt in ((0, 0), (9, 0), (10, 1)):
        now_ns[0] = seconds * 1_000_000_000
        worker.turn()
        assert transport.rebuilt_consumers == rebuilt
    assert state.counters.rejoins == 1
    transport.will(("assigned", [0]), member="again", generation=2)
    while 0 not in state.tasks:
        worker.turn()
    assert transport.rebuilt_consumers == 1


@pytest.mark.parametrize("waits_for", ["max_poll_interval_ms", "session_timeout_ms"])
def test_a_join_may_last_as_long_as_the_group_waits(waits_for: str) -> None:
    """Guards two members that began anew in turn, every 5 s, while the group waited for a dead third.

    Each left the join that the other was in, and the group had nobody for 70 s.
    """
    broker = FakeBroker()
    transport = FakeTransport(broker)
    waits = {"join_timeout_ms": 0, "max_poll_interval_ms": 0, "session_timeout_ms": 0, waits_for: 60_000}
    worker, _ = _member(broker, transport, **waits)
    worker.start()
    worker.turn()
    assert transport.rebuilt_consumers == 0


def test_a_slow_worker_polls_between_its_slices() -> None:
    """Guards a loop that steps a whole poll's records before it polls again.

    On a slow machine the group gives its partitions away, and it begins anew, for ever.
    """
    broker = FakeBroker(generation=1)
    fill(broker, 40)
    transport = FakeTransport(broker)
    transport.will(("assigned", [0]), generation=1)
    worker, state = _member(broker, transport, step_slice_ms=0)
    worker.start()
    while not state.tasks:
        worker.turn()
    worker.turn()
    polls = transport.polls
    for _ in range(10):
        worker.turn()
    assert transport.polls == polls + 10
    assert state.tasks[0].next_offset < 40


def test_an_error_that_no_other_try_can_mend_ends_the_worker() -> None:
    _, transport, worker, _ = _stepped()
    final = TransportError("fenced by another producer", operator_action="give it a slot")
    final.retriable = False
    transport.fail_next_transaction = final
    with pytest.raises(TransportError, match="fenced by another producer"):
        worker.commit()


@pytest.mark.parametrize("seed", range(16))
def test_two_workers_under_any_disturbance_publish_what_one_publishes_in_peace(seed: int) -> None:
    """Moves, evictions, aborts, lost answers and restarts, drawn from a seed; every other with snapshots."""
    calm, broker = FakeBroker(partitions=3), FakeBroker(partitions=3)
    for each in (calm, broker):
        for partition in range(3):
            fill(each, 40, partition=partition, seed=partition)
    run_to_the_end(calm)
    _Fleet(broker, random.Random(seed), snapshots=bool(seed % 2)).run()
    broker.published = [each for each in broker.published if each.topic != SNAPSHOTS_TOPIC]
    assert sorted(event_ids(broker.published)) == sorted(event_ids(calm.published))
    assert len(broker.published) == len(calm.published)
    assert sorted(bar_sequences(broker)) == sorted(bar_sequences(calm))
    assert _offsets(broker.committed) == _offsets(calm.committed)


def _offsets(committed: dict[int, Committed]) -> dict[int, int]:
    return {partition: each.offset for partition, each in committed.items()}


class _Fleet:
    """Two workers over one broker, and a group that treats them badly."""

    def __init__(self, broker: FakeBroker, draw: random.Random, *, snapshots: bool) -> None:
        self.broker, self.draw = broker, draw
        self.changes: dict[str, object] = {"commit_interval_ms": 0, "eager_commit_interval_ms": 0}
        if snapshots:
            self.changes |= {"snapshots": True, "snapshot_interval_ms": 1}
        self.owner = dict.fromkeys(range(broker.partitions), 0)
        self.names = 0
        self.transports: list[FakeTransport] = [self._connect(), self._connect()]
        self.members = [self._start(number) for number in range(2)]
        self._give(0, list(self.owner))

    def run(self) -> None:
        disturbances = (self.move, self.evict, self.restart, self.abort, self.lose_an_answer)
        for _ in range(60):
            if self.draw.random() < 0.3:
                self.draw.choice(disturbances)()
            self.draw.choice(self.members).turn()
        for transport in self.transports:
            transport.outcomes.clear()
        deadline = time.monotonic() + DEADLINE_S
        while _offsets(self.broker.committed) != {p: len(log) for p, log in self.broker.log.items()}:
            assert time.monotonic() < deadline
            for member in self.members:
                member.turn()

    def move(self) -> None:
        """In good order: revoked in one generation, assigned in the next."""
        partition = self.draw.choice(list(self.owner))
        giver = self.owner[partition]
        self.broker.generation += 1
        self.transports[giver].will(
            ("revoked", [partition]), member=self._name(giver), generation=self.broker.generation
        )
        self._give(1 - giver, [partition])

    def evict(self) -> None:
        """All of one worker's partitions go to the other; it learns of that at its next poll."""
        loser = self.draw.randrange(2)
        lost = [partition for partition, owner in self.owner.items() if owner == loser]
        self.transports[loser].name = self._new_name()
        self.transports[loser].will(
            ("lost", lost), member=self._name(loser), generation=self.broker.generation + 1
        )
        self._give(1 - loser, lost)

    def restart(self) -> None:
        """One is killed between two turns, and comes back with what it had."""
        number = self.draw.randrange(2)
        held = [partition for partition, owner in self.owner.items() if owner == number]
        self.transports[number] = self._connect()
        self.members[number] = self._start(number)
        self._give(number, held)

    def abort(self) -> None:
        self.draw.choice(self.transports).outcomes.append(ABORTED)

    def lose_an_answer(self) -> None:
        transport = self.draw.choice(self.transports)
        transport.commits_behind_unknown = self.draw.random() < 0.5
        transport.outcomes.append(UNKNOWN)

    def _give(self, taker: int, partitions: list[int]) -> None:
        self.broker.generation += 1
        self.owner |= dict.fromkeys(partitions, taker)
        for number, transport in enumerate(self.transports):
            news = [("assigned", partitions)] if number == taker and partitions else []
            transport.will(*news, member=self._name(number), generation=self.broker.generation)

    def _name(self, number: int) -> str:
        return self.transports[number].name

    def _new_name(self) -> str:
        self.names += 1
        return f"member {self.names}"

    def _connect(self) -> FakeTransport:
        transport = FakeTransport(self.broker, poll_records=5)
        transport.name = self._new_name()
        return transport

    def _start(self, number: int) -> Worker:
        worker, _ = _member(self.broker, self.transports[number], **self.changes)
        worker.start()
        return worker


def test_an_unanswered_question_is_given_twice_the_time_up_to_two_seconds() -> None:
    """Guards a partition that was looked up for 90 s on a starved machine, 200 ms at a time."""
    broker = FakeBroker(generation=1)
    fill(broker, 8)
    transport = FakeTransport(broker)
    transport.will(("assigned", [0]), generation=1)
    worker, state = _member(broker, transport)
    worker.start()
    transport.fail_next_questions = 5
    while 0 not in state.tasks:
        worker.turn()
    assert transport.questions_ms == [200, 400, 800, 1_600, 2_000, 2_000]
