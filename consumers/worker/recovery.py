"""Replaces engines that a step has spoilt."""

from __future__ import annotations

from collections.abc import Callable

from consumers.worker.assignment import QUESTION_MS, longer_question_ms
from consumers.worker.opener import Opener
from consumers.worker.state import WorkerState
from consumers.worker.trouble_log import TroubleLog
from consumers.worker.turns import Pace, next_after
from core.model.errors import TransportError


class Mender:
    """Brings spoilt partitions back, beside those that run.

    At most one question a turn, each partition in its turn: an answer that does not come must hold
    up neither the others nor the loop. A partition whose question had no answer is given more time.

    Args:
        opener: Restores.
        state: The tasks.
        trouble: Where failures are told.
        monotonic_ns: A clock that never steps back.
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

    def mend(self) -> set[int]:
        """Go one step further with each spoilt partition.

        Returns:
            Partitions that have an engine again: what was fetched for them before is worth nothing.

        Raises:
            SnapshotError: A partition cannot be brought back to where it was.
            TransportError: Not retriable.
        """
        spoilt = {each: task for each, task in self._state.tasks.items() if task.needs_engine}
        if not spoilt:
            self._question_ms.clear()
            return set()
        under_way = [partition for partition in spoilt if self._opener.is_restoring(partition)]
        mended = {partition for partition in under_way if self._go_on(partition)}
        unasked = spoilt.keys() - under_way
        if unasked and self._pace.may_ask:
            self._last_asked = next_after(self._last_asked, unasked)
            if self._go_on(self._last_asked):  # restored before we looked
                mended.add(self._last_asked)
        return mended

    def _go_on(self, partition: int) -> bool:
        question_ms = self._question_ms.get(partition, QUESTION_MS)
        self._pace.begin()
        try:
            mended = self._opener.restore(self._state.tasks[partition], question_ms)
        except TransportError as error:
            if not error.retriable:
                raise
            self._pace.unanswered()
            self._question_ms[partition] = longer_question_ms(question_ms)
            self._trouble.failed("engine waits for an answer", partition=partition, error=error.message)
            return False
        if mended:
            self._question_ms.pop(partition, None)
        return mended
