"""Tracks revoked partitions until the group generation that reassigns them."""

from __future__ import annotations

from collections.abc import Callable


class HandingOver:
    """Expects another generation after one in which a member gave up partitions.

    That generation assigns them to their next owner. If the coordinator fails before it starts, the group is
    stable without it, and the partitions have no owner until a member joins or leaves.

    Args:
        monotonic_ns: Monotonic clock, ns.
    """

    def __init__(self, monotonic_ns: Callable[[], int]) -> None:
        self._monotonic_ns = monotonic_ns
        self._revoked = False
        self._generation: int | None = None
        self._awaited: int | None = None
        self._awaited_since_ns: int | None = None

    @property
    def awaited_since_ns(self) -> int | None:
        """Since when a generation has been expected, or None."""
        return self._awaited_since_ns

    def revoked(self) -> None:
        """Note that the group has revoked partitions; the generation is reported next."""
        self._revoked = True

    def member_in(self, generation: int) -> None:
        """Note that this is a stable member of a generation as of the last poll."""
        if self._revoked and self._generation is not None:
            # The generation after the last one revoked them; the one after that reassigns them.
            self._awaited = self._generation + 2
            self._awaited_since_ns = self._monotonic_ns()
        self._revoked = False
        self._generation = generation
        if self._awaited is not None and generation >= self._awaited:
            self._awaited = self._awaited_since_ns = None
