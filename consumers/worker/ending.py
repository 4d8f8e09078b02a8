"""Detects the end of a worker that was started with --until."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from consumers.transport.seam import Transport
from consumers.worker.assignment import Assignment
from consumers.worker.state import Until, WorkerState

_NS_PER_MS: Final = 1_000_000


class Ending:
    """Checks once per turn whether the end is reached.

    Args:
        until: The end condition.
        transport: Returns the end of the log.
        assignment: Reports whether a partition is still waiting to be opened.
        state: The tasks.
        monotonic_ns: Monotonic clock, ns.
    """

    def __init__(
        self,
        until: Until,
        transport: Transport,
        assignment: Assignment,
        state: WorkerState,
        *,
        monotonic_ns: Callable[[], int],
    ) -> None:
        self._until = until
        self._transport = transport
        self._assignment = assignment
        self._state = state
        self._monotonic_ns = monotonic_ns
        self._idle_since_ns: int | None = None
        self.reached = False

    def look(self, *, busy: bool) -> None:
        """Update `reached`.

        Args:
            busy: Whether records are waiting to be processed.

        Raises:
            TransportError: The broker does not return the end of the log.
        """
        until, tasks = self._until, self._state.tasks.values()
        awaited = self._assignment.opening or any(task.needs_engine for task in tasks)
        if self._state.joined is False or awaited:
            self._idle_since_ns = None
            return
        if (
            tasks
            and until.event_time_ns is not None
            and all(task.engine.clock_ns >= until.event_time_ns for task in tasks)
        ):
            self.reached = True
            return
        if until.idle_ms is None or busy or any(task.lag_records for task in tasks):
            self._idle_since_ns = None
            return
        now_ns = self._monotonic_ns()
        if self._idle_since_ns is None:
            self._idle_since_ns = now_ns
        if now_ns - self._idle_since_ns >= until.idle_ms * _NS_PER_MS:
            self.reached = all(
                task.next_offset >= self._transport.end_offset(task.partition) for task in tasks
            )
