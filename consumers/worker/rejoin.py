"""Recreates the client of a member that is stuck: not stable in its group, or without responses."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from consumers.worker.handing_over import HandingOver
from consumers.worker.reconnect import Reconnect
from core.model.settings import KafkaSettings, WorkerSettings

_LONGEST_PATIENCE: Final = 16
"""As a multiple of the request timeout; requests continue meanwhile and may be answered."""
_NS_PER_MS: Final = 1_000_000


class Rejoin:
    """Tracks since when a member is stuck, and recreates its client after a time limit.

    A join may last as long as the group waits for its slowest member, or for one that died. Leaving
    earlier would restart the wait of all others, and two such members would do so forever.

    Args:
        reconnect: Recreates the client.
        kafka: Timeout of requests.
        settings: Membership, and how long a join may take.
        monotonic_ns: Monotonic clock, ns.
    """

    def __init__(
        self,
        reconnect: Reconnect,
        *,
        kafka: KafkaSettings,
        settings: WorkerSettings,
        monotonic_ns: Callable[[], int],
    ) -> None:
        self._reconnect = reconnect
        self._kafka = kafka
        self._settings = settings
        self._monotonic_ns = monotonic_ns
        self._unstable_since_ns: int | None = None
        self._unanswered_since_ns: int | None = None
        self._handing_over = HandingOver(monotonic_ns)
        self._patience_ms = kafka.request_timeout_ms

    @property
    def in_group(self) -> bool:
        """Whether a group assigns the partitions."""
        return self._settings.membership != "manual"

    def joining(self) -> None:
        """Note that a join begins."""
        self._unstable_since_ns = self._monotonic_ns()

    def unstable(self) -> None:
        """Note that this is not a stable member."""
        if self._unstable_since_ns is None:
            self._unstable_since_ns = self._monotonic_ns()

    def stable(self, generation: int) -> None:
        """Note that this is a stable member of a generation."""
        self._unstable_since_ns = None
        self._handing_over.member_in(generation)

    def revoked(self) -> None:
        """Note that the group has revoked partitions."""
        self._handing_over.revoked()

    def unanswered(self) -> None:
        """Note a request about a partition without a response."""
        if self._unanswered_since_ns is None and self.in_group:
            self._unanswered_since_ns = self._monotonic_ns()

    def answered(self) -> None:
        """Note a response about a partition, or that no request is open."""
        self._unanswered_since_ns = None

    def all_open(self) -> None:
        """Note that no partition is waiting to be opened."""
        self._patience_ms = self._kafka.request_timeout_ms

    def broker_is_back(self) -> None:
        """Restart all time limits: waiting time during an outage does not count."""
        if self._unstable_since_ns is not None:
            self._unstable_since_ns = self._monotonic_ns()
        self._unanswered_since_ns = None
        self._patience_ms = self._kafka.request_timeout_ms
        self._handing_over = HandingOver(self._monotonic_ns)
        self._reconnect.at_once()

    def if_stuck(self, waiting: Collection[int]) -> bool:
        """Recreate the client if it has not become a stable member, or gets no responses, for too long.

        Args:
            waiting: Unopened partitions, for the log.

        Returns:
            Whether it was recreated.
        """
        if self._silent_for_ms(self._unanswered_since_ns) >= self._patience_ms:
            if not self.attempt("cannot resolve the offset of a partition: rejoining", waiting):
                return False
            # A rejoin also resets all other partitions, and a partition may be without a leader for long.
            self._patience_ms = min(2 * self._patience_ms, _LONGEST_PATIENCE * self._kafka.request_timeout_ms)
            return True
        settings = self._settings
        group_waits_ms = max(settings.max_poll_interval_ms, settings.session_timeout_ms)
        patience_ms = group_waits_ms + settings.join_timeout_ms
        if self._silent_for_ms(self._handing_over.awaited_since_ns) >= patience_ms:
            return self.attempt("handed-over partitions have no new owner: rejoining", waiting)
        if self._silent_for_ms(self._unstable_since_ns) < patience_ms:
            return False
        return self.attempt("not a stable member: rejoining", waiting)

    def attempt(self, why: str, waiting: Collection[int], *, although_away: bool = False) -> bool:
        """Recreate the client; see `Reconnect.attempt`."""
        if not self._reconnect.attempt(why, waiting=list(waiting), although_away=although_away):
            return False
        self._unanswered_since_ns = None
        self._handing_over = HandingOver(self._monotonic_ns)
        if self.in_group:
            self._unstable_since_ns = self._monotonic_ns()
        return True

    def _silent_for_ms(self, since_ns: int | None) -> int:
        return -1 if since_ns is None else (self._monotonic_ns() - since_ns) // _NS_PER_MS
