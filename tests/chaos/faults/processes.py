"""Faults of a worker's process: it is killed, frozen, or does not get on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.chaos.arena import FLEET_SIZE, Arena, wait_until
from tests.chaos.control import Point
from tests.chaos.faults.base import Fault

TAKEN_OVER_DEADLINE_S: Final = 90.0


def _killed_at_rest(arena: Arena) -> None:
    worker, owned = arena.any_owner()
    arena.broken(owned)
    arena.fleet.kill(worker.slot)
    arena.fleet.restore(FLEET_SIZE)


def _killed_at(point: Point) -> Callable[[Arena], None]:
    def strike(arena: Arena) -> None:
        worker, owned = arena.any_owner()
        worker.control.hold_at(point)
        arena.broken(owned)
        arena.fleet.kill(worker.slot)
        arena.fleet.restore(FLEET_SIZE)

    return strike


def _killed_in_a_restore(arena: Arena) -> None:
    """The last worker is killed, so that its place is taken by one that must restore."""
    arena.fleet.restore(1)
    arena.fleet.wait_until_ready()
    worker = arena.fleet.workers[0]
    arena.fleet.kill(worker.slot)
    again = arena.fleet.start(worker.slot, held_at=[Point.RESTORING])
    again.control.wait_for(Point.RESTORING)
    arena.broken()
    arena.fleet.kill(again.slot)
    arena.fleet.restore(FLEET_SIZE)


def _frozen_past_its_session(arena: Arena) -> None:
    """The worker wakes in the order that does harm: first its heartbeat, then its commit."""
    worker, owned = arena.any_owner()
    worker.control.hold_at(Point.PUBLISHING)
    worker.control.forget(Point.EXPELLED)
    arena.broken(owned)
    worker.freeze()
    wait_until(
        lambda: owned <= {p for own in arena.fleet.owned().values() for p in own},
        "the others take over what a frozen worker had",
        TAKEN_OVER_DEADLINE_S,
    )
    worker.thaw()
    wait_until(
        lambda: worker.control.has_passed(Point.EXPELLED),
        "the woken worker's heartbeat tells it that it is no member any more",
        TAKEN_OVER_DEADLINE_S,
    )
    worker.control.let_go(Point.PUBLISHING)


def _stuck(arena: Arena) -> None:
    """Its heartbeats go on; only the poll interval can tell that it does not."""
    worker, owned = arena.any_owner()
    others = [each for each in arena.fleet.workers.values() if each is not worker]
    worker.control.hold_at(Point.STEPPING)
    arena.broken(owned)
    try:
        wait_until(
            lambda: owned <= {p for each in others for p in each.ready_partitions()},
            "the others take over what a stuck worker had",
            TAKEN_OVER_DEADLINE_S,
        )
    finally:
        worker.control.let_go(Point.STEPPING)


FAULTS: Final = (
    Fault("kill-at-rest", "kill -9 of a worker between two commits", _killed_at_rest),
    Fault(
        "kill-in-open-transaction",
        "kill -9 when the records are in the log and the commit has not been asked for",
        _killed_at(Point.SENT),
        short=True,
    ),
    Fault(
        "kill-before-commit",
        "kill -9 when records and offsets are sent, and nothing is committed",
        _killed_at(Point.COMMITTING),
    ),
    Fault(
        "kill-after-commit",
        "kill -9 when the commit is made and the worker has not heard of it",
        _killed_at(Point.COMMITTED),
    ),
    Fault(
        "kill-in-restore",
        "kill -9 of the only worker, and of the one in its place while it restores",
        _killed_in_a_restore,
    ),
    Fault(
        "frozen-past-its-session",
        "SIGSTOP before a commit until the others have taken over; woken, its heartbeat comes first",
        _frozen_past_its_session,
        short=True,
        inside=True,
    ),
    Fault("stuck-main-thread", "the main thread hangs past the poll interval, heartbeats go on", _stuck),
)
