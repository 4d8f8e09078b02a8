"""Which place of each partition may be committed: before the first record that is not done."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

Part = TypeVar("Part")


class Places(Generic[Part]):
    """Offsets that were read and are not done yet, by partition.

    Example:
        >>> places = Places[str]()
        >>> for offset in (4, 5, 7):
        ...     places.add("p", offset)
        >>> places.done("p", 5)
        >>> places.next_offset("p", position=9)
        4
        >>> places.done("p", 4)
        >>> places.done("p", 7)
        >>> places.next_offset("p", position=9)
        9
    """

    def __init__(self) -> None:
        self._open: dict[Part, deque[int]] = {}
        self._done: dict[Part, set[int]] = {}

    def add(self, part: Part, offset: int) -> None:
        """Note a record that was read; in order within a partition."""
        self._open.setdefault(part, deque()).append(offset)
        self._done.setdefault(part, set())

    def done(self, part: Part, offset: int) -> None:
        """Note that a record needs no more work; nothing for a partition that was forgotten."""
        waiting, done = self._open.get(part), self._done.get(part)
        if not waiting or done is None or offset < waiting[0]:
            return
        done.add(offset)
        while waiting and waiting[0] in done:
            done.remove(waiting.popleft())

    def next_offset(self, part: Part, *, position: int) -> int:
        """Return the offset to commit.

        Args:
            part: The partition.
            position: Where the reader goes on: past aborted records and markers of transactions.
        """
        waiting = self._open.get(part)
        return waiting[0] if waiting else position

    def pending(self) -> int:
        """Number of records that are not done."""
        return sum(len(waiting) for waiting in self._open.values()) - sum(map(len, self._done.values()))

    def parts(self) -> set[Part]:
        """Partitions of which something was read."""
        return set(self._open)

    def forget(self, part: Part) -> None:
        """Drop a partition that is no longer ours."""
        self._open.pop(part, None)
        self._done.pop(part, None)
