"""Faults of a transaction: what is sent, asked or answered does not arrive, or not in time."""

from __future__ import annotations

import time
from typing import Final

from core.model.topics import MINUTE_BARS_TOPIC
from tests.chaos.arena import Arena, wait_until
from tests.chaos.cluster import BROKERS
from tests.chaos.control import Point
from tests.chaos.faults.base import Fault
from tests.chaos.fleet import Owner
from tests.chaos.proxy import Condition

HASTY: Final = {
    "ROTASCOPE_KAFKA__DELIVERY_TIMEOUT_MS": "1500",
    "ROTASCOPE_KAFKA__REQUEST_TIMEOUT_MS": "1000",
}
"""A send must fail before its whole transaction is given up."""
DEAF_S: Final = 4.0
PATIENT: Final = {
    "ROTASCOPE_WORKER__SESSION_TIMEOUT_MS": "60000",
    "ROTASCOPE_WORKER__MAX_POLL_INTERVAL_MS": "60000",
    "ROTASCOPE_WORKER__TRANSACTION_TIMEOUT_MS": "2000",
    "ROTASCOPE_WORKER__TRANSACTION_DEADLINE_MS": "2000",
}
"""The coordinator's patience ends before the group's."""
BROKER_STOPPED_S: Final = 6.0
"""Longer than the deadline of a transaction."""


def _send_expired(arena: Arena) -> None:
    """The broker that leads a worker's bars hears nothing of it for a while; the coordinators are others."""
    worker, owned = _replaced(arena, HASTY)
    coordinators = {
        arena.cluster.group_coordinator(arena.fleet.group_id),
        arena.cluster.transaction_of(arena.fleet.slot_name(worker.slot)).coordinator,
    }
    unheard = min(set(BROKERS) - coordinators)
    arena.cluster.let_lead(unheard, MINUTE_BARS_TOPIC, owned)
    # The first commit asks any broker for its coordinators: were it the deaf one, that alone would abort.
    worker.control.hold_at(Point.COMMITTED)
    worker.control.let_go(Point.COMMITTED)
    worker.control.hold_at(Point.PUBLISHING)
    arena.broken(owned)
    with worker.lines.losing(Condition.DEAF, [arena.cluster.kafka.port(unheard)]):
        worker.control.let_go(Point.PUBLISHING)
        time.sleep(DEAF_S)


def _coordinator_timed_out(arena: Arena) -> None:
    """The worker is frozen until the coordinator has aborted what it had begun; the group still waits."""
    worker, owned = _replaced(arena, PATIENT)
    name = arena.fleet.slot_name(worker.slot)
    worker.control.hold_at(Point.SENT)
    arena.broken(owned)
    worker.freeze()
    wait_until(
        lambda: arena.cluster.transaction_of(name).state != "Ongoing",
        "the coordinator aborts a transaction that takes too long",
    )
    worker.thaw()
    worker.control.let_go(Point.SENT)


def _commit_answer_lost(arena: Arena) -> None:
    """The commit happens; the worker never hears of it."""
    worker, owned = arena.any_owner()
    name = arena.fleet.slot_name(worker.slot)
    worker.control.hold_at(Point.COMMITTING)
    arena.broken(owned)
    with worker.lines.losing(Condition.MUTE):
        worker.control.let_go(Point.COMMITTING)
        wait_until(
            lambda: arena.cluster.transaction_of(name).state == "CompleteCommit",
            "the transaction is committed",
        )


def _commit_request_lost(arena: Arena) -> None:
    """The commit never happens; all the worker knows is that nobody answers."""
    worker, owned = arena.any_owner()
    worker.control.hold_at(Point.COMMITTING)
    arena.broken(owned)
    with worker.lines.losing(Condition.DEAF):
        worker.control.let_go(Point.COMMITTING)
        time.sleep(DEAF_S)


def _broker_stopped(arena: Arena) -> None:
    """The transaction's coordinator stands still while it is asked to commit, and wakes later."""
    worker = arena.any_owner().worker
    broker = arena.cluster.transaction_of(arena.fleet.slot_name(worker.slot)).coordinator
    worker.control.hold_at(Point.COMMITTING)
    arena.broken()
    arena.cluster.kafka.pause(broker)
    try:
        worker.control.let_go(Point.COMMITTING)
        time.sleep(BROKER_STOPPED_S)
    finally:
        arena.cluster.kafka.resume(broker)


def _replaced(arena: Arena, settings: dict[str, str]) -> Owner:
    """Run one worker of the fleet with other settings until the fault is over; it, and what it owns."""
    slot = arena.any_owner().worker.slot
    arena.fleet.leave(slot)
    worker = arena.fleet.start(slot, settings=settings, for_one_fault=True)
    return Owner(worker, arena.fleet.wait_until_all_work(len(arena.fleet.workers))[slot])


FAULTS: Final = (
    Fault(
        "send-expired",
        "records expire on their way to one broker; the coordinators would commit",
        _send_expired,
        short=True,
        inside=True,
    ),
    Fault(
        "coordinator-timed-out",
        "the coordinator aborts a transaction whose worker was frozen, and is still a member",
        _coordinator_timed_out,
    ),
    Fault(
        "commit-answer-lost",
        "the commit is made, its answer never arrives",
        _commit_answer_lost,
        short=True,
        inside=True,
    ),
    Fault(
        "commit-request-lost", "the commit is asked for, nobody hears it", _commit_request_lost, inside=True
    ),
    Fault(
        "broker-stopped-in-transaction",
        "SIGSTOP of the coordinator while it is asked to commit",
        _broker_stopped,
    ),
)
