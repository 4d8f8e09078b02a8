"""Schedules commits: soon when caught up, less often when behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from consumers.worker.committer import Committer
from consumers.worker.state import WorkerState
from core.model.settings import WorkerSettings

_NS_PER_MS: Final = 1_000_000


class CommitWait:
    """Determines when the next commit is due.

    When behind, commits cost throughput; when caught up, waiting only delays events.

    Args:
        committer: Time of the last attempt and of the next permitted one.
        settings: Commit intervals.
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

    def left_ms(self, *, full: bool) -> int | None:
        """Return the time until the next commit is due.

        Args:
            full: The outboxes are full: commit at once.

        Returns:
            ms; None while there is nothing to publish or commit, or a commit is not possible.
        """
        tasks = self._state.tasks.values()
        # During an outage an attempt would only block the loop until its deadline.
        if self._state.broker_away or self._committer.blocked or not any(task.outbox.dirty for task in tasks):
            return None
        settings = self._settings
        # A steady stream always has records in flight, so a lag of up to one poll counts as caught up.
        caught_up = sum(task.lag_records for task in tasks) <= settings.poll_max_records
        has_output = any(task.outbox.records for task in tasks)
        eager = caught_up and has_output
        interval_ms = settings.eager_commit_interval_ms if eager else settings.commit_interval_ms
        if full:
            interval_ms = 0
        due_ns = max(
            self._committer.last_attempt_ns + interval_ms * _NS_PER_MS, self._committer.not_before_ns
        )
        return max(0, -(-(due_ns - self._monotonic_ns()) // _NS_PER_MS))
