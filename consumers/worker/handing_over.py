"""Partitions that were handed over, and the generation of the group that gives them out again."""

from __future__ import annotations

from collections.abc import Callable


class HandingOver:
    """Expects another generation after one in which a member handed partitions over.

    It names their next owner. When its beginning is lost, with the group's coordinator, the group
    is stable without it, and they are nobody's for as long as nobody joins or leaves.

    Args:
        monotonic_ns: A clock that never steps back.
    """

    def __init__(self, monotonic_ns: Callable[[], int]) -> None:
        self._monotonic_ns = monotonic_ns
        self._revoked = False
        self._generation: int | None = None
        self._awaited: int | None = None
        self._awaited_since_ns: int | None = None

    @property
    def awaited_since_ns(self) -> int | None:
        """Since when a generation has been expected; None: none is."""
        return self._awaited_since_ns

    def revoked(self) -> None:
        """The group has taken partitions away, by a generation that is told next."""
        self._revoked = True

    def member_in(self, generation: int) -> None:
        """The last poll leaves a stable member of a generation behind."""
        if self._revoked and self._generation is not None:
            # The generation behind the last one took them away; the one after that gives them out.
            self._awaited = self._generation + 2
            self._awaited_since_ns = self._monotonic_ns()
        self._revoked = False
        self._generation = generation
        if self._awaited is not None and generation >= self._awaited:
            self._awaited = self._awaited_since_ns = None
