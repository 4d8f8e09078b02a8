"""Creates a transport's transactions once their transactional id is known."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from core.model.errors import TransportError
from core.model.settings import WorkerSettings


class Closable(Protocol):
    """What the clients' transactions have in common."""

    def close(self) -> None:
        """Give the producer up, with whatever it has not sent."""


TransactionsT = TypeVar("TransactionsT", bound=Closable)


class NamedTransactions(Generic[TransactionsT]):
    """Gives transactions the same transactional id with every client, so that producers fence each other.

    Args:
        worker: Group and slot.
        make: Gives the client's transactions under a transactional id.
    """

    def __init__(self, worker: WorkerSettings, make: Callable[[str], TransactionsT]) -> None:
        self._group_id = worker.group_id
        self._slot = worker.slot or uuid.uuid4().hex
        self._make = make
        self._made: TransactionsT | None = None

    def of_partitions(self, topic: str, partitions: Sequence[int]) -> None:
        """Call them after the partitions that are read, unless they have a name already.

        No generation is checked here: another reader of these partitions is fenced by their numbers.
        """
        numbers = "-".join(map(str, sorted(partitions)))
        self._call(f"{self._group_id}/{topic}/{numbers}")

    def of_member(self) -> None:
        """Call them after the member's slot, unless they have a name already."""
        self._call(f"{self._group_id}/{self._slot}")

    def get(self) -> TransactionsT:
        """Give the client's transactions.

        Raises:
            TransportError: They have no name yet.
        """
        if self._made is None:
            raise TransportError("transactions need partitions: assign or subscribe first")
        return self._made

    def close(self) -> None:
        """Give the producer up, with whatever it has not sent."""
        if self._made is not None:
            self._made.close()

    def _call(self, transactional_id: str) -> None:
        if self._made is None:
            self._made = self._make(transactional_id)
