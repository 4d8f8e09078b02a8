"""Changes of the assignment of a group that reads several topics, noted on kafka-python's I/O thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from kafka import ConsumerRebalanceListener, TopicPartition


class TakenPartitions(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """Only records what was taken away: no request may be made on the I/O thread."""

    def __init__(self) -> None:
        self._taken: deque[TopicPartition] = deque()

    def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        """Nothing to note: the client finds their places itself."""

    def on_partitions_revoked(self, revoked: Iterable[Any]) -> None:
        """Note partitions that go in good order."""
        self._taken.extend(revoked)

    def on_partitions_lost(self, lost: Iterable[Any]) -> None:
        """Note partitions that are gone already."""
        self._taken.extend(lost)

    def drain(self) -> set[TopicPartition]:
        """Return what was taken since the last call."""
        taken = set()
        while self._taken:
            taken.add(self._taken.popleft())
        return taken
