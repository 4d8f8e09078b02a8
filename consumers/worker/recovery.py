"""Recovers partitions whose engine has failed in a step."""

from __future__ import annotations

from collections.abc import Callable

from consumers.worker.assignment import QUESTION_MS, longer_question_ms
from consumers.worker.opener import Opener
from consumers.worker.state import WorkerState
from consumers.worker.trouble_log import TroubleLog
from consumers.worker.turns import Pace, next_after
from core.model.errors import TransportError


class Recovery:
    """Recovers failed partitions while others keep running.

    Sends at most one request per turn, round-robin, so that a missing response delays neither the other
    partitions nor the loop. After a request without a response a partition gets a longer timeout.

    Args:
        opener: Restores engines.
        state: The tasks.
        trouble: Where failures are reported.
        monotonic_ns: Monotonic clock, ns.
    """

    def __init__(
        self,
        opener: Opener,
        state: WorkerState,
        trouble: TroubleLog,
        *,
        monotonic_ns: Callable[[], int],
    ) -> None:
        self._opener = opener
        self._state = state
        self._trouble = trouble
        self._question_ms: dict[int, int] = {}
        self._last_asked = -1
        self._pace = Pace(monotonic_ns)

    def advance(self) -> set[int]:
        """Advance the recovery of each failed partition.

        Returns:
            Recovered partitions, whose previously fetched records must be discarded.

        Raises:
            SnapshotError: A partition's state cannot be restored.
            TransportError: Not retriable.
        """
        failed = {each: task for each, task in self._state.tasks.items() if task.needs_engine}
        if not failed:
            self._question_ms.clear()
            return set()
        under_way = [partition for partition in failed if self._opener.is_restoring(partition)]
        recovered = {partition for partition in under_way if self._advance_one(partition)}
        unasked = failed.keys() - under_way
        if unasked and self._pace.may_ask:
            self._last_asked = next_after(self._last_asked, unasked)
            if self._advance_one(self._last_asked):  # already restored
                recovered.add(self._last_asked)
        return recovered

    def _advance_one(self, partition: int) -> bool:
        question_ms = self._question_ms.get(partition, QUESTION_MS)
        self._pace.begin()
        try:
            recovered = self._opener.restore(self._state.tasks[partition], question_ms)
        except TransportError as error:
            if not error.retriable:
                raise
            self._pace.unanswered()
            self._question_ms[partition] = longer_question_ms(question_ms)
            self._trouble.failed(
                "recovery is waiting for a response", partition=partition, error=error.message
            )
            return False
        if recovered:
            self._question_ms.pop(partition, None)
        return recovered
