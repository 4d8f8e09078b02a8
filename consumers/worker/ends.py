"""End offsets of partitions, queried again once a broker is back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from consumers.transport.seam import Transport
from consumers.worker.assignment import QUESTION_MS, longer_question_ms
from consumers.worker.state import WorkerState
from consumers.worker.turns import Pace, next_after
from core.model.errors import TransportError

_REST: Final = 9
"""Only the displayed lag depends on the response, so one tenth of the loop's time is enough."""


class Ends:
    """Queries one partition per turn.

    During an outage the log's end is unknown, and a client keeps reporting the last known end. A partition
    shows no lag until a broker has reported the end again.

    Args:
        transport: Returns end offsets.
        state: The tasks.
        monotonic_ns: Monotonic clock, ns.
    """

    def __init__(self, transport: Transport, state: WorkerState, *, monotonic_ns: Callable[[], int]) -> None:
        self._transport = transport
        self._state = state
        self._pace = Pace(monotonic_ns, rest=_REST)
        self._question_ms = QUESTION_MS
        self._last_asked = -1

    def forget(self) -> None:
        """Discard the known ends."""
        for task in self._state.tasks.values():
            task.end_known = False
        self._question_ms = QUESTION_MS
        self._pace.forget()

    def ask_next(self) -> None:
        """Query one partition whose end is unknown; without a response the next query gets more time.

        Raises:
            TransportError: Not retriable.
        """
        unknown = {each: task for each, task in self._state.tasks.items() if not task.end_known}
        if not unknown or self._state.broker_away or not self._pace.may_ask:
            return
        self._last_asked = next_after(self._last_asked, unknown)
        task = unknown[self._last_asked]
        self._pace.begin()
        try:
            end_offset = self._transport.end_offset(task.partition, timeout_ms=self._question_ms)
        except TransportError as error:
            if not error.retriable:
                raise
            self._pace.unanswered()
            self._question_ms = longer_question_ms(self._question_ms)
            return
        self._question_ms = QUESTION_MS
        task.fetched([], end_offset)
        task.end_known = True
