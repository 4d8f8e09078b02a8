"""A member of a group: stability, a changed member id, joins, and a client without responses."""

from __future__ import annotations

import pytest

from tests.support.fake_transport import FakeBroker, FakeTransport
from tests.support.group_member import EXACTLY_ONCE, group_member, stepped_member
from tests.support.worker_in_memory import fill, make_worker


def test_no_commit_is_attempted_or_counted_as_failed_while_not_stable() -> None:
    broker, transport, worker, state = stepped_member()
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


def test_a_changed_member_id_drops_all_partitions() -> None:
    """Guards a client that was thrown out, came back without a notification.

    The partition may have been somebody else's in between.
    """
    broker, transport, worker, state = stepped_member()
    transport.will(generation=1, member="another")
    worker.turn()
    worker.turn()
    assert state.counters.dropped_records == {"new_member": 6}
    while 0 not in state.tasks or state.tasks[0].lag_records:
        worker.turn()
    assert worker.commit()
    assert len(broker.published) == 6


def test_a_partition_without_an_answer_does_not_block_others() -> None:
    broker = FakeBroker(partitions=2, generation=1)
    for partition in range(2):
        fill(broker, 8, partition=partition)
    transport = FakeTransport(broker)
    transport.will(("assigned", [0, 1]), generation=1)
    worker, state = group_member(broker, transport)
    worker.start()
    transport.fail_next_questions = 1
    worker.turn()
    assert (state.tasks, state.opening) == ({}, (0, 1))
    while 1 not in state.tasks:
        worker.turn()
    while 0 not in state.tasks:
        worker.turn()


def test_a_client_that_does_not_become_a_stable_member_is_recreated() -> None:
    broker = FakeBroker()
    transport = FakeTransport(broker)
    never = {"join_timeout_ms": 0, "max_poll_interval_ms": 0, "session_timeout_ms": 0}
    worker, state = group_member(broker, transport, **never)
    worker.start()
    worker.turn()
    assert transport.rebuilt_consumers == 1
    assert state.counters.rejoins == 1


def test_a_client_without_responses_is_recreated() -> None:
    """Guards a partition without an owner for minutes: its owner's client had lost the way to one broker."""
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
    """Guards two members that began again in turn, every 5 s, while the group waited for a dead third.

    Each left the join that the other was in, and the group had no member for 70 s.
    """
    broker = FakeBroker()
    transport = FakeTransport(broker)
    waits = {"join_timeout_ms": 0, "max_poll_interval_ms": 0, "session_timeout_ms": 0, waits_for: 60_000}
    worker, _ = group_member(broker, transport, **waits)
    worker.start()
    worker.turn()
    assert transport.rebuilt_consumers == 0


def test_a_slow_worker_polls_between_its_slices() -> None:
    """Guards a loop that steps a whole poll's records before it polls again.

    On a slow machine the group gives its partitions away, and it begins again, forever.
    """
    broker = FakeBroker(generation=1)
    fill(broker, 40)
    transport = FakeTransport(broker)
    transport.will(("assigned", [0]), generation=1)
    worker, state = group_member(broker, transport, step_slice_ms=0)
    worker.start()
    while not state.tasks:
        worker.turn()
    worker.turn()
    polls = transport.polls
    for _ in range(10):
        worker.turn()
    assert transport.polls == polls + 10
    assert state.tasks[0].next_offset < 40
