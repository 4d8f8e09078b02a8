"""Transactions are called after partitions or after the member, once, and alike for every client."""

from __future__ import annotations

import pytest

from consumers.transport.named_transactions import NamedTransactions
from core.model.errors import TransportError
from core.model.settings import WorkerSettings


class Made:
    def __init__(self, transactional_id: str) -> None:
        self.transactional_id = transactional_id
        self.closed = False

    def close(self) -> None:
        self.closed = True


def named(slot: str | None = None) -> NamedTransactions[Made]:
    return NamedTransactions(WorkerSettings(group_id="desk", slot=slot), Made)


def test_without_partitions_there_are_none() -> None:
    nothing = named()
    with pytest.raises(TransportError, match="assign or subscribe first"):
        nothing.get()
    nothing.close()
    nothing.of_member()
    assert not nothing.get().closed


def test_whoever_reads_the_same_partitions_bears_the_same_name() -> None:
    one = named("a")
    one.of_partitions("ticks", [10, 2])
    assert one.get().transactional_id == "desk/ticks/2-10"
    one.close()
    assert one.get().closed


def test_a_member_bears_its_slot_or_a_name_of_its_own() -> None:
    first, again, other = named("a"), named("a"), named()
    for each in (first, again, other):
        each.of_member()
    assert first.get().transactional_id == again.get().transactional_id == "desk/a"
    assert other.get().transactional_id.startswith("desk/")
    assert len(other.get().transactional_id) > len("desk/") + 16


def test_the_first_name_stays() -> None:
    """Guards a producer's open transaction: a second name would leave it to the coordinator."""
    one = named("a")
    one.of_partitions("ticks", [0])
    made = one.get()
    one.of_partitions("ticks", [0, 1])
    one.of_member()
    assert one.get() is made
