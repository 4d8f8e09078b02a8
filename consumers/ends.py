"""Where the log of each partition ends, asked anew once a broker is back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from consumers.assignment import QUESTION_MS, longer_question_ms
from consumers.transport import Transport
from consumers.turns import next_after
from consumers.worker_state import WorkerState
from core.errors import TransportError

_NS_PER_MS: Final = 1_000_000
_PAUSE_PER_QUESTION: Final = 9
"""A question without an answer is followed by so many times its length without one: the loop has work."""


class Ends:
    """Asks one partition a turn.

    During an outage nobody knows how much has been appended, and a client goes on reporting the end
    it saw before. Until a broker has said it again, a partition shows no lag.

    Args:
        transport: Answers.
        state: The tasks.
        monotonic_ns: A clock that never steps back.
    """

    def __init__(self, transport: Transport, state: WorkerState, *, monotonic_ns: Callable[[], int]) -> None:
        self._transport = transport
        self._state = state
        self._monotonic_ns = monotonic_ns
        self._not_before_ns = monotonic_ns()
        self._question_ms = QUESTION_MS
        self._last_asked = -1

    def forget(self) -> None:
        """What was known of the ends is no longer."""
        for task in self._state.tasks.values():
            task.end_known = False
        self._question_ms = QUESTION_MS
        self._not_before_ns = self._monotonic_ns()

    def ask_next(self) -> None:
        """Ask about one partition whose end is not known; without an answer the next has more time.

        Raises:
            TransportError: Not retriable.
        """
        unknown = {each: task for each, task in self._state.tasks.items() if not task.end_known}
        if not unknown or self._state.broker_away or self._monotonic_ns() < self._not_before_ns:
            return
        self._last_asked = next_after(self._last_asked, unknown)
        task = unknown[self._last_asked]
        try:
            end_offset = self._transport.end_offset(task.partition, timeout_ms=self._question_ms)
        except TransportError as error:
            if not error.retriable:
                raise
            pause_ns = _PAUSE_PER_QUESTION * self._question_ms * _NS_PER_MS
            self._not_before_ns = self._monotonic_ns() + pause_ns
            self._question_ms = longer_question_ms(self._question_ms)
            return
        self._question_ms = QUESTION_MS
        task.fetched([], end_offset)
        task.end_known = True
