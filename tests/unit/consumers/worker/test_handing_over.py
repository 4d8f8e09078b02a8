"""What a member hands over gets its next owner in the generation that follows."""

from __future__ import annotations

import pytest

from tests.support.fake_transport import FakeBroker, FakeTransport
from tests.support.worker_in_memory import fill, make_worker

SECOND_NS = 1_000_000_000


class Rig:
    """A member with two partitions, in generation 1, whose group waits three seconds and a join two."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.broker = FakeBroker(partitions=2, generation=1)
        for partition in range(2):
            fill(self.broker, 8, partition=partition, seed=partition)
        self.transport = FakeTransport(self.broker)
        self.transport.will(("assigned", [0, 1]), generation=1)
        self.worker, self.state, _ = make_worker(
            self.broker,
            self.transport,
            monotonic_ns=lambda: self.now_ns,
            delivery="exactly_once",
            membership="dynamic",
            max_poll_interval_ms=3_000,
            session_timeout_ms=3_000,
            join_timeout_ms=2_000,
        )
        self.worker.start()
        while len(self.state.tasks) < 2:
            self.worker.turn()

    def in_generation(self, generation: int, *revoked: int) -> None:
        """What the group does next, as the next poll tells it."""
        self.broker.generation = generation
        self.transport.will(*((("revoked", revoked),) if revoked else ()), generation=generation)
        self.worker.turn()

    def after(self, seconds: float) -> int:
        """Let time pass; how often the client has been recreated."""
        self.now_ns += int(seconds * SECOND_NS)
        self.worker.turn()
        return self.transport.rebuilt_consumers


def test_a_generation_that_never_follows_is_brought_about() -> None:
    """Guards a partition without an owner in a stable group, because its coordinator had died in between."""
    rig = Rig()
    rig.in_generation(2, 1)
    assert set(rig.state.tasks) == {0}
    assert rig.after(4.9) == 0
    assert rig.after(0.2) == 1
    assert rig.state.counters.rejoins == 1


@pytest.mark.parametrize("polls_between", [0, 1])
def test_where_it_follows_nothing_is_done(polls_between: int) -> None:
    rig = Rig()
    rig.in_generation(2, 1)
    for _ in range(polls_between):
        rig.worker.turn()
    rig.in_generation(3)
    assert rig.after(60) == 0


def test_two_generations_in_one_poll_are_both() -> None:
    rig = Rig()
    rig.in_generation(3, 1)
    assert rig.after(60) == 0


def test_a_member_that_was_recreated_expects_nothing() -> None:
    rig = Rig()
    rig.in_generation(2, 1)
    assert rig.after(5.1) == 1
    rig.broker.generation = 3
    rig.transport.will(("assigned", [0, 1]), member="again", generation=3)
    rig.worker.turn()
    assert rig.after(60) == 1
