"""Faults of the group: workers come and go, and partitions with them."""

from __future__ import annotations

from typing import Final

from tests.chaos.arena import FLEET_SIZE, Arena, wait_until
from tests.chaos.control import Point
from tests.chaos.faults.base import Fault

REVOKE_DEADLINE_S: Final = 4.0
"""Shorter than the deadline of a transaction: the commit that is held must still be possible."""

REBALANCE_DEADLINE_S: Final = 30.0
STOPS_IN_REBALANCE: Final = 3

PACES: Final = (
    {"COMMIT_INTERVAL_MS": "50", "EAGER_COMMIT_INTERVAL_MS": "5", "POLL_MAX_RECORDS": "50"},
    {"COMMIT_INTERVAL_MS": "900", "EAGER_COMMIT_INTERVAL_MS": "300", "STEP_SLICE_MS": "5"},
)


def _scaled(arena: Arena) -> None:
    """One worker, then three, then two."""
    arena.broken()
    arena.fleet.restore(1)
    arena.fleet.wait_until_ready()
    arena.fleet.restore(3)
    arena.fleet.wait_until_all_work(3)
    arena.fleet.restore(2)
    arena.fleet.wait_until_ready()


def _revoked_in_mid_commit(arena: Arena) -> None:
    newcomer = arena.fleet.start(FLEET_SIZE, held_at=[Point.JOINING])
    newcomer.control.wait_for(Point.JOINING)
    worker = arena.any_owner().worker
    worker.control.hold_at(Point.COMMITTING)
    arena.broken()
    newcomer.control.let_go(Point.JOINING)
    wait_until(
        lambda: arena.cluster.group_state(arena.fleet.group_id) != "Stable",
        "a rebalance begins",
        REVOKE_DEADLINE_S,
    )
    worker.control.let_go(Point.COMMITTING)
    arena.fleet.wait_until_all_work(FLEET_SIZE + 1)


def _stopped_in_rebalance(arena: Arena) -> None:
    """A worker is told to end just as another joins: it owns partitions and has no stable generation."""
    arena.broken()
    for _ in range(STOPS_IN_REBALANCE):
        for slot in sorted(arena.fleet.workers):
            arena.fleet.leave(slot)
        arena.fleet.restore(FLEET_SIZE)
        wait_until(
            lambda: bool(arena.fleet.workers[0].ready_partitions()),
            "the first has partitions",
            REBALANCE_DEADLINE_S,
        )


def _settings_changed(arena: Arena) -> None:
    """Every worker is replaced by one that polls, steps and commits at another pace."""
    # Later faults find them: whatever the pace, they must be borne.
    arena.broken()
    pace = {f"ROTASCOPE_WORKER__{name}": value for name, value in arena.random.choice(PACES).items()}
    for slot in range(FLEET_SIZE):
        arena.fleet.leave(slot)
        arena.fleet.start(slot, settings=pace)
        arena.fleet.wait_until_all_work(FLEET_SIZE)


FAULTS: Final = (
    Fault(
        "stopped-in-a-rebalance",
        "a worker is told to end while another joins: it ends with 0, whoever produces its output",
        _stopped_in_rebalance,
    ),
    Fault("scale-1-3-2", "the fleet shrinks to one worker, grows to three, shrinks to two", _scaled),
    Fault(
        "revoke-in-mid-commit",
        "a third worker joins while a commit is on its way",
        _revoked_in_mid_commit,
        short=True,
    ),
    Fault(
        "settings-changed-while-rolling",
        "one worker after the other is replaced by one of another pace",
        _settings_changed,
    ),
)
