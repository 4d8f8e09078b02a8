"""Faults of a worker's process: it is killed at a chosen moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.chaos.arena import Arena
from tests.chaos.control import Point
from tests.chaos.faults.base import Fault
from tests.chaos.fleet import FLEET_SIZE


def _killed_at_rest(arena: Arena) -> None:
    worker = arena.fleet.owner_of(arena.any_partition())
    arena.broken(worker.ready_partitions())
    arena.fleet.kill(worker.slot)
    arena.fleet.restore(FLEET_SIZE)


def _killed_at(point: Point) -> Callable[[Arena], None]:
    def strike(arena: Arena) -> None:
        worker = arena.fleet.owner_of(arena.any_partition())
        owned = worker.ready_partitions()
        worker.control.ask(point)
        worker.control.wait_for(point)
        arena.broken(owned)
        arena.fleet.kill(worker.slot)
        arena.fleet.restore(FLEET_SIZE)

    return strike


FAULTS: Final = (
    Fault("kill-at-rest", "kill -9 of a worker between two commits", _killed_at_rest, short=True),
    Fault(
        "kill-between-send-and-commit",
        "kill -9 when the records are in the log and their offsets are not committed",
        _killed_at(Point.SENT),
        short=True,
    ),
    Fault(
        "kill-after-commit",
        "kill -9 when the commit is made and the worker has not heard of it",
        _killed_at(Point.COMMITTED),
        short=True,
    ),
)
