"""Publishes and commits the remaining output of a worker that stops."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import structlog

from consumers.worker.committer import Committer
from consumers.worker.state import WorkerState
from core.model.errors import TransportError
from core.model.settings import WorkerSettings

_NS_PER_MS: Final = 1_000_000
_GROUP_PATIENCE_MS: Final = 5_000
"""How long a stop waits for a rebalance to end, so that it can commit. A join takes under a second once
every member has requested it."""


class LastCommit:
    """Retries the commit of a stop for a limited time.

    A group in a rebalance does not accept commits. The next owner of the partitions produces the same
    output from the committed offsets, so a stop does not wait long for it.

    Args:
        committer: Whether commits are blocked by the group.
        settings: Membership, time limit and wait between attempts.
        state: The tasks, and whether a broker answers.
        monotonic_ns: Monotonic clock, ns.
    """

    def __init__(
        self,
        committer: Committer,
        settings: WorkerSettings,
        state: WorkerState,
        *,
        monotonic_ns: Callable[[], int],
    ) -> None:
        self._committer = committer
        self._settings = settings
        self._state = state
        self._monotonic_ns = monotonic_ns
        self._log = structlog.get_logger("rotascope.worker")

    def make(self, commit: Callable[[], bool], poll: Callable[[], None]) -> None:
        """Publish and commit the output of the last slice; unprocessed records stay in the log.

        Args:
            commit: Publishes and commits; returns whether nothing is left.
            poll: Follows group changes between attempts.

        Raises:
            TransportError: The output could not be published in time, or a failure is not retriable.
        """
        started_ns = self._monotonic_ns()
        while not commit():
            waited_ms = (self._monotonic_ns() - started_ns) // _NS_PER_MS
            waiting = sum(task.outbox.records for task in self._state.tasks.values())
            patience_ms = min(_GROUP_PATIENCE_MS, self._settings.shutdown_timeout_ms)
            if self._is_left_to_the_group() and waited_ms >= patience_ms:
                self._log.warning(
                    "stopped during a rebalance: the next owner of the partitions produces the "
                    "remaining output",
                    records=waiting,
                )
                return
            if waited_ms >= self._settings.shutdown_timeout_ms:
                raise TransportError(
                    f"stopped with {waiting} records unpublished and their offsets uncommitted",
                    operator_action="nothing is lost: start the worker again once the broker answers",
                )
            time.sleep(self._settings.backoff_initial_ms / 1000)
            poll()

    def _is_left_to_the_group(self) -> bool:
        """Whether only the group's state prevents a commit, while brokers answer."""
        by_group = self._settings.membership != "manual"
        return by_group and self._committer.blocked and not self._state.broker_away
