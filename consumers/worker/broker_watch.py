"""Detects broker outages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from consumers.transport.seam import Transport
from consumers.worker.fresh_client import FreshClient
from consumers.worker.retry_wait import retry_wait
from consumers.worker.state import WorkerState
from consumers.worker.trouble_log import TroubleLog
from core.model.errors import TransportError
from core.model.settings import KafkaSettings, WorkerSettings

_NS_PER_MS: Final = 1_000_000
_QUESTION_MS: Final = 200
_ASK_EVERY_NS: Final = 1_000 * _NS_PER_MS
_LONG_TURN_NS: Final = 1_000 * _NS_PER_MS
"""A response counted after such a long turn may have arrived at its start: a commit waits for seconds."""
_OWN_CHANCE_NS: Final = 3_000 * _NS_PER_MS
"""Grace period of the worker's client after a first response to another client. It tries to connect once a
second, and is back sooner than a new one, which has to join the group."""


class BrokerWatch:
    """Records responses of the broker, and logs the start and the end of an outage.

    Any response counts, including an empty one: a quiet night is not an outage. Without requests, for
    example while the outboxes of manually assigned partitions are full, there are no responses either,
    so a probe is sent after half the time limit.

    Args:
        transport: Counts the responses.
        kafka: Addresses, for the log.
        settings: Time limits.
        state: Holds the time of the last response.
        trouble: Where outages are reported.
        monotonic_ns: Monotonic clock, ns.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        kafka: KafkaSettings,
        settings: WorkerSettings,
        state: WorkerState,
        trouble: TroubleLog,
        monotonic_ns: Callable[[], int],
    ) -> None:
        self._transport = transport
        self._servers = kafka.bootstrap_servers
        self._limit_ns = settings.broker_silence_ms * _NS_PER_MS
        self._state = state
        self._trouble = trouble
        self._monotonic_ns = monotonic_ns
        self._answers = 0
        self._looked_ns: int | None = None
        self._asked_ns: int | None = None
        wait = retry_wait(settings)
        self._fresh = FreshClient(transport.fresh_client_answers, wait=wait, monotonic_ns=monotonic_ns)

    @property
    def own_client_is_unanswered(self) -> bool:
        """Whether new clients have had responses for long enough, and ours has not."""
        since_ns = self._state.fresh_answers_since_ns
        return (
            self._state.broker_away
            and since_ns is not None
            and self._monotonic_ns() - since_ns >= _OWN_CHANCE_NS
        )

    def look(self) -> bool:
        """Check for responses since the last turn.

        Returns:
            Whether an outage has just ended.

        Raises:
            TransportError: Not retriable.
        """
        state, now_ns = self._state, self._monotonic_ns()
        answers = self._transport.answers()
        looked_ns, self._looked_ns = self._looked_ns, now_ns
        if answers != self._answers:
            self._answers = answers
            was_long = looked_ns is not None and now_ns - looked_ns > _LONG_TURN_NS
            return self._note_answer(looked_ns if was_long and looked_ns is not None else now_ns)
        if state.answered_ns is None:
            return False
        silent_ns = now_ns - state.answered_ns
        if 2 * silent_ns >= self._limit_ns and self._is_answered(now_ns):
            return self._note_answer(now_ns)
        if silent_ns >= self._limit_ns:
            if not state.broker_away:
                state.broker_away = True
                self._trouble.began(
                    "no broker answers", silent_ms=silent_ns // _NS_PER_MS, bootstrap_servers=self._servers
                )
            state.fresh_answers_since_ns = self._fresh.look()
        return False

    def _note_answer(self, now_ns: int) -> bool:
        state = self._state
        answered_before_ns, state.answered_ns = state.answered_ns, now_ns
        if not state.broker_away:
            return False
        state.broker_away = False
        state.fresh_answers_since_ns = None
        self._fresh.forget()
        away_ms = None if answered_before_ns is None else (now_ns - answered_before_ns) // _NS_PER_MS
        self._trouble.ended("a broker answers again", away_ms=away_ms)
        return True

    def _is_answered(self, now_ns: int) -> bool:
        """Send a probe, at most once a second.

        A worker without partitions asks about the first one: a member whose join waits for others gets no
        other response, and must not be taken for disconnected.
        """
        if self._asked_ns is not None and now_ns - self._asked_ns < _ASK_EVERY_NS:
            return False
        self._asked_ns = now_ns
        try:
            self._transport.end_offset(next(iter(self._state.tasks), 0), timeout_ms=_QUESTION_MS)
        except TransportError as error:  # reported as an outage by the caller
            if not error.retriable:
                raise
            return False
        return True
