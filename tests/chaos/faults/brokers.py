"""Faults of a broker: it is killed, or can write no more."""

from __future__ import annotations

from typing import Final

from tests.chaos.arena import Arena
from tests.chaos.cluster import TICKS
from tests.chaos.faults.base import Fault


def _leader_killed(arena: Arena) -> None:
    _killed(arena, arena.cluster.leader(TICKS, arena.any_partition()))


def _group_coordinator_killed(arena: Arena) -> None:
    _killed(arena, arena.cluster.group_coordinator(arena.fleet.group_id))


def _transaction_coordinator_killed(arena: Arena) -> None:
    slot = arena.any_owner().worker.slot
    _killed(arena, arena.cluster.transaction_of(arena.fleet.slot_name(slot)).coordinator)


def _killed(arena: Arena, broker: int) -> None:
    arena.broken()
    arena.cluster.kafka.kill(broker)
    arena.cluster.kafka.restart(broker)


def _disk_full(arena: Arena) -> None:
    """A broker that cannot write gives up; with room again, it comes back."""
    arena.broken()
    with arena.cluster.full_disk() as broker:
        arena.cluster.wait_until_ended(broker)
    arena.cluster.kafka.restart(broker)


FAULTS: Final = (
    Fault(
        "kill-leader", "kill -9 and restart of the broker that leads a partition of the ticks", _leader_killed
    ),
    Fault(
        "kill-group-coordinator",
        "kill -9 and restart of the broker that coordinates the group",
        _group_coordinator_killed,
        short=True,
    ),
    Fault(
        "kill-transaction-coordinator",
        "kill -9 and restart of the broker that coordinates a worker's transactions",
        _transaction_coordinator_killed,
    ),
    Fault("disk-full", "a broker's log folder is full; it ends, and is started with room again", _disk_full),
)
