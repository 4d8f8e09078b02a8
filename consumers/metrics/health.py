"""Liveness and readiness of a worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from consumers.worker.phase import PartitionPhase
from consumers.worker.state import WorkerState
from core.model.settings import WorkerSettings

_NS_PER_MS = 1_000_000
_NS_PER_SECOND = 1_000_000_000


class Health:
    """Evaluates /livez and /readyz.

    Alive means that the loop turns, also during hours of replay or of an outage; a supervisor restarts
    a worker that is not alive. A worker also counts as dead if its client gets no responses while new
    clients of the same process do, because a restart then helps.
    Ready means that every assigned partition has reached the end of the log seen when it
    was opened, and that records are valid and output is being published. A member
    without assigned partitions is a standby and is also ready.

    Args:
        state: Externally visible state of the worker.
        settings: The bounds.
        monotonic_ns: Monotonic clock, ns.
    """

    def __init__(
        self,
        state: WorkerState,
        settings: WorkerSettings,
        *,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._state = state
        self._settings = settings
        self._monotonic_ns = monotonic_ns

    def why_not_alive(self) -> str | None:
        """Return None if alive; otherwise the reason."""
        last_turn_ns = self._state.last_turn_ns
        if last_turn_ns is None:
            return None
        limit_ms = self._settings.liveness_timeout_ms
        still_ms = self._ms_since(last_turn_ns)
        if still_ms > limit_ms:
            return f"the loop has not turned for {still_ms} ms"
        fresh_since_ns, answered_ns = self._state.fresh_answers_since_ns, self._state.answered_ns
        if fresh_since_ns is None or answered_ns is None or self._ms_since(fresh_since_ns) <= limit_ms:
            return None
        return (
            f"no broker has answered this worker's client for {self._ms_since(answered_ns)} ms, and "
            "new clients "
            f"have been answered for {self._ms_since(fresh_since_ns)} ms"
        )

    def broker_silence_s(self) -> float | None:
        """Time since the last response of a broker, s; None before the first."""
        answered_ns = self._state.answered_ns
        return None if answered_ns is None else max(0, self._monotonic_ns() - answered_ns) / _NS_PER_SECOND

    @property
    def is_answered(self) -> bool:
        """Whether a broker has responded recently; up to date even while the loop waits for one."""
        answered_ns = self._state.answered_ns
        return (
            answered_ns is not None
            and not self._state.broker_away
            and self._ms_since(answered_ns) < self._settings.broker_silence_ms
        )

    def why_not_ready(self) -> list[str]:
        """Return the reasons why the worker is not ready; empty if it is."""
        return list(self._reasons())

    def _reasons(self) -> Iterator[str]:
        most = self._settings.failures_in_a_row_max
        answered_ns = self._state.answered_ns
        if answered_ns is None:
            yield "no broker has answered yet"
            return
        if not self.is_answered:
            yield f"no broker has answered for {self._ms_since(answered_ns)} ms"
        if self._state.joined is False:
            yield "not a stable member of the group"
        elif not self._state.tasks and not self._state.opening and not self._state.joined:
            yield "no partition is open"
        for partition in self._state.opening:
            yield f"partition {partition}: waiting to be opened"
        # A copy, because partitions may be added or removed meanwhile.
        for task in list(self._state.tasks.values()):
            if task.phase is PartitionPhase.RESTORING:
                yield f"partition {task.partition}: restoring, {task.restore_ratio:.0%} done"
            elif not task.ready:
                yield f"partition {task.partition}: catching up, {task.lag_records} records behind"
            if task.failures_in_a_row >= most:
                count = task.failures_in_a_row
                yield f"partition {task.partition}: {count} consecutive records could not be processed"
            if task.unreadable_in_a_row >= most:
                yield (
                    f"partition {task.partition}: the batch at offset {task.next_offset} cannot be unpacked, "
                    f"fetched {task.unreadable_in_a_row} times"
                )
        if self._state.commit_failures_in_a_row >= most:
            yield f"{self._state.commit_failures_in_a_row} consecutive commits failed"

    def _ms_since(self, then_ns: int) -> int:
        return (self._monotonic_ns() - then_ns) // _NS_PER_MS
