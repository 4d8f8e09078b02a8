"""Two workers under random disturbances publish the same as one undisturbed worker."""

from __future__ import annotations

import random
import time

import pytest

from consumers.snapshots.records import SNAPSHOTS_TOPIC
from consumers.transport.seam import Outcome, OutcomeKind
from consumers.worker.worker import Worker
from core.kafka.records import Committed
from tests.support.fake_transport import FakeBroker, FakeTransport
from tests.support.group_member import group_member
from tests.support.worker_in_memory import bar_sequences, event_ids, fill, run_to_the_end

ABORTED = Outcome(OutcomeKind.ABORTED, "a send expired")
UNKNOWN = Outcome(OutcomeKind.UNKNOWN, "no answer")
DEADLINE_S = 60.0


@pytest.mark.parametrize("seed", range(16))
def test_two_disturbed_workers_publish_the_same_as_one_undisturbed_worker(seed: int) -> None:
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
    """Two workers over one broker, and a group that disturbs them."""

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
        worker, _ = group_member(self.broker, self.transports[number], **self.changes)
        worker.start()
        return worker
