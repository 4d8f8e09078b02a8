"""Faults of the whole cluster: no broker answers for a while, or there is none at the start.

Recovery is measured from when all brokers are back. Until then no worker may die or call itself
ready, and none may fill its log; afterwards each must read what is sent then, not only what waited.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from tests.chaos.arena import FLEET_SIZE, Arena
from tests.chaos.cluster import BROKERS, Way
from tests.chaos.control import Point
from tests.chaos.faults.base import Fault
from tests.chaos.feed import Feed
from tests.chaos.fleet import ChaosWorker
from tests.chaos.live_feed import ChaosProducer
from tests.chaos.witness import Witness

LENGTHS_S: Final = (5, 35, 120, 600)
NO_BROKER_S: Final = 10
"""Longer than a client looks for its first broker."""

Held = tuple[ChaosWorker, Point]
"""A worker that stands at a point until the brokers are gone."""


@dataclass(frozen=True)
class Moment:
    """What is going on when the cluster goes away.

    Args:
        name: For the fault's name.
        told: For its summary.
        hold: Brings a worker there, if it takes one.
        short: Its shortest outage is part of the short form.
        live: A producer writes meanwhile.
    """

    name: str
    told: str
    hold: Callable[[Arena], Held | None]
    short: bool = False
    live: bool = False


def _nothing_held(arena: Arena) -> None:
    del arena


def _in_restore(arena: Arena) -> Held:
    """The only worker, in the place of one that was killed."""
    arena.fleet.restore(1)
    arena.fleet.wait_until_ready()
    arena.fleet.kill(0)
    worker = arena.fleet.start(0, held_at=[Point.RESTORING])
    worker.control.wait_for(Point.RESTORING)
    return worker, Point.RESTORING


def _in_transaction(arena: Arena) -> Held:
    """Its records are in the log; the offsets may be sent, and nothing is committed."""
    worker = arena.any_owner().worker
    point = arena.random.choice((Point.SENT, Point.COMMITTING))
    worker.control.hold_at(point)
    return worker, point


MOMENTS: Final = (
    Moment("at-rest", "between two commits", _nothing_held),
    Moment("in-restore", "while the only worker restores", _in_restore),
    Moment("in-transaction", "while a worker has a transaction open", _in_transaction, short=True),
    Moment("under-load", "while a producer writes", _nothing_held, live=True),
)


def _outage(seconds: int, moment: Moment) -> Callable[[Arena], None]:
    def strike(arena: Arena) -> None:
        way = arena.random.choice(tuple(Way))
        held = moment.hold(arena)
        workers = [each for each in arena.fleet.workers.values() if each.lives]
        with _witnessed(arena, workers, _producers(arena)) as witness:
            arena.broken()
            try:
                _take_away(arena, way)
                witness.away()
                if held is not None:
                    worker, point = held
                    worker.control.let_go(point)
                time.sleep(seconds)
            finally:
                witness.returning()
                _bring_back(arena)
            witness.back()
            arena.broken()

    return strike


def _no_broker_at_start(arena: Arena) -> None:
    """Workers are started, and find nobody."""
    for slot in sorted(arena.fleet.workers):
        arena.fleet.leave(slot)
    try:
        _take_away(arena, Way.STOPPED)
        arena.broken()
        workers = [arena.fleet.start(slot) for slot in range(FLEET_SIZE)]
        for worker in workers:
            worker.logged("serving metrics")
        with _witnessed(arena, workers) as witness:
            time.sleep(NO_BROKER_S)
            witness.returning()
            _bring_back(arena)
            witness.back()
            arena.broken()
    finally:
        _bring_back(arena)


def _no_broker_at_a_producers_start(arena: Arena) -> None:
    """The producer is killed and its stand-by started, while workers and vendor go on without a broker."""
    live = arena.live
    epoch = live.newest_epoch
    live.producers[-1].process.kill()
    with _witnessed(arena, list(arena.fleet.workers.values())) as witness:
        try:
            _take_away(arena, Way.KILLED)
            witness.away()
            arena.broken()
            witness.started(live.start_producer())
            time.sleep(NO_BROKER_S)
        finally:
            witness.returning()
            _bring_back(arena)
        witness.back()
        arena.broken()
        live.wait_for_epoch_after(epoch)


def _rolling_restart(arena: Arena) -> None:
    """As an upgrade does it: each broker in order, the next one when all replicas are in sync again."""
    brokers = list(BROKERS)
    arena.random.shuffle(brokers)
    workers = list(arena.fleet.workers.values())
    with _witnessed(arena, workers, _producers(arena), goes_away=False) as witness:
        for broker in brokers:
            arena.broken()
            arena.cluster.kafka.shut_down(broker)
            arena.cluster.kafka.restart(broker)
            arena.cluster.wait_until_whole()
        witness.back()


@contextmanager
def _witnessed(
    arena: Arena,
    workers: Sequence[ChaosWorker],
    producers: Sequence[ChaosProducer] = (),
    *,
    goes_away: bool = True,
) -> Iterator[Witness]:
    """Watch during the body, then until the workers have recovered and read on.

    Raises:
        AssertionError: Of everything that was wrong.
    """
    problems = []
    with Witness(workers, producers, goes_away=goes_away) as witness:
        yield witness
        try:
            arena.wait_until_recovered()
        except AssertionError as error:
            problems.append(f"{error}; {arena.fleet.told()}")
    problems += witness.problems()
    assert not problems, "; ".join(problems)


def _producers(arena: Arena) -> list[ChaosProducer]:
    """The one that writes, in a round that has one."""
    return [] if isinstance(arena.feed, Feed) else arena.feed.producers[-1:]


def _take_away(arena: Arena, way: Way) -> None:
    arena.cluster.take_away(way)
    if way is not Way.FROZEN:
        arena.fleet.refuse()


def _bring_back(arena: Arena) -> None:
    arena.cluster.revive()
    arena.fleet.accept()


def _told(seconds: int) -> str:
    return f"{seconds} s" if seconds < 300 else f"{seconds // 60} minutes"


FAULTS: Final = (
    *(
        Fault(
            f"outage-{seconds}s-{moment.name}",
            f"all brokers are away for {_told(seconds)}, {moment.told}",
            _outage(seconds, moment),
            short=moment.short and seconds == LENGTHS_S[0],
            live=moment.live,
            away_s=seconds,
        )
        for seconds in LENGTHS_S
        for moment in MOMENTS
    ),
    Fault(
        "no-broker-at-start",
        f"workers start {NO_BROKER_S} s before there is a broker",
        _no_broker_at_start,
        once_a_round=True,
    ),
    Fault(
        "no-broker-at-a-producers-start",
        f"all brokers are away, and a producer starts {NO_BROKER_S} s before they are back",
        _no_broker_at_a_producers_start,
        live=True,
        once_a_round=True,
    ),
    Fault(
        "rolling-restart",
        "every broker is restarted in order, one when the other's replicas are in sync",
        _rolling_restart,
        once_a_round=True,
    ),
)
