"""Transactions and a group over a log in memory: every record is published once, under any disturbance."""

from __future__ import annotations

import pytest

from consumers.transport.seam import ChangeKind, Outcome, OutcomeKind
from consumers.worker.state import Until
from core.kafka.records import OutgoingRecord
from core.model.errors import TransportError
from tests.support.fake_transport import FakeBroker, FakeTransport
from tests.support.group_member import group_member, stepped_member
from tests.support.worker_in_memory import event_ids, fill, run_to_the_end

ABORTED = Outcome(OutcomeKind.ABORTED, "a send expired")
UNKNOWN = Outcome(OutcomeKind.UNKNOWN, "no answer")
DEADLINE_S = 60.0


def test_a_member_publishes_every_event_once_and_commits_with_it() -> None:
    broker = FakeBroker(partitions=3, generation=4)
    for partition in range(3):
        fill(broker, 12, partition=partition, seed=partition)
    transport = FakeTransport(broker)
    transport.will(generation=3, member=None)
    transport.will(("assigned", [0, 1, 2]), generation=4)
    worker, state = group_member(broker, transport)
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
    broker, transport, worker, state = stepped_member()
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
    broker, transport, worker, _ = stepped_member(shutdown_timeout_ms=20)
    transport.will(generation=2, member=None)
    worker.turn()
    worker.stop()
    worker._finish()
    assert broker.published == []
    assert broker.committed == {}
    assert "stopped during a rebalance" in "".join(capsys.readouterr())


def test_a_stop_without_an_answer_is_an_error_even_in_a_group() -> None:
    broker, transport, worker, _ = stepped_member(shutdown_timeout_ms=20)
    transport.outcomes.extend([ABORTED] * 1000)
    worker.stop()
    with pytest.raises(TransportError, match="6 records unpublished"):
        worker._finish()
    assert broker.committed == {}


@pytest.mark.parametrize("in_truth", [True, False])
def test_an_unknown_outcome_is_looked_up_and_nothing_is_published_twice(in_truth: bool) -> None:
    broker, transport, worker, state = stepped_member()
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
    broker, transport, worker, state = stepped_member()
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
def test_commits_of_one_offset_are_distinguished(in_truth: bool) -> None:
    """Guards a look-up by offset alone.

    With records that move no offset it takes every abort for a success, and an event is missing.
    """
    broker, transport, worker, state = stepped_member()
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
    broker, transport, worker, state = stepped_member()
    transport.outcomes.append(UNKNOWN)
    assert not worker.commit()
    transport.fail_next_rebuilds = transport.fail_next_questions = 1
    assert not worker.commit()
    assert not worker.commit()
    assert broker.published == []
    assert worker.commit()
    assert len(broker.published) == 6
    assert state.counters.commits == {"unknown": 3, "committed": 1}


def test_a_partition_that_another_member_has_committed_is_overtaken() -> None:
    """What was in doubt is dropped, and the partition begins again from what stands committed."""
    broker, transport, worker, state = stepped_member()
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
    broker, transport, worker, state = stepped_member()
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
    broker, transport, worker, _ = stepped_member()
    broker.generation = 2
    assert not worker.commit()
    transport.will(generation=2)
    worker.turn()
    assert worker.commit()
    assert len(broker.published) == 6


def test_an_error_that_is_not_retriable_ends_the_worker() -> None:
    _, transport, worker, _ = stepped_member()
    final = TransportError("fenced by another producer", operator_action="give it a slot")
    final.retriable = False
    transport.fail_next_transaction = final
    with pytest.raises(TransportError, match="fenced by another producer"):
        worker.commit()


def test_the_timeout_of_an_unanswered_request_is_doubled_up_to_two_seconds() -> None:
    """Guards a partition that was looked up for 90 s on a starved machine, 200 ms at a time."""
    broker = FakeBroker(generation=1)
    fill(broker, 8)
    transport = FakeTransport(broker)
    transport.will(("assigned", [0]), generation=1)
    worker, state = group_member(broker, transport)
    worker.start()
    transport.fail_next_questions = 5
    while 0 not in state.tasks:
        worker.turn()
    assert transport.questions_ms == [200, 400, 800, 1_600, 2_000, 2_000]
