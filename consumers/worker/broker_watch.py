"""How long no broker has answered, and what follows from it."""

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
"""An answer counted after so long a turn may have come at its beginning: a commit waits for seconds."""
_OWN_CHANCE_NS: Final = 3_000 * _NS_PER_MS
"""The own client tries to connect once a second. It comes back sooner than a new one, which has to join
the group: so it has this long after a first answer to another client."""


class BrokerWatch:
    """Notes answers of the broker, tells of their absence once and of their return.

    Any answer counts, an empty one included: a quiet night is no outage. Who is asked nothing, as
    an operator's partitions whose outboxes are full, hears nothing either; so after half the time
    a question is asked for its own sake.

    Args:
        transport: Counts the answers.
        kafka: The addresses, for the log.
        settings: The bounds.
        state: Where the silence can be seen from outside.
        trouble: Where it is told.
        monotonic_ns: A clock that never steps back.
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
    def own_client_is_deaf(self) -> bool:
        """Whether new clients have been answered long enough, and ours is not."""
        since_ns = self._state.fresh_answers_since_ns
        return (
            self._state.broker_away
            and since_ns is not None
            and self._monotonic_ns() - since_ns >= _OWN_CHANCE_NS
        )

    def look(self) -> bool:
        """Note what has been heard since the last turn.

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
            return self._heard(looked_ns if was_long and looked_ns is not None else now_ns)
        if state.heard_ns is None:
            return False
        silent_ns = now_ns - state.heard_ns
        if 2 * silent_ns >= self._limit_ns and self._is_answered(now_ns):
            return self._heard(now_ns)
        if silent_ns >= self._limit_ns:
            if not state.broker_away:
                state.broker_away = True
                self._trouble.began(
                    "no broker answers", silent_ms=silent_ns // _NS_PER_MS, bootstrap_servers=self._servers
                )
            state.fresh_answers_since_ns = self._fresh.look()
        return False

    def _heard(self, now_ns: int) -> bool:
        state = self._state
        heard_before_ns, state.heard_ns = state.heard_ns, now_ns
        if not state.broker_away:
            return False
        state.broker_away = False
        state.fresh_answers_since_ns = None
        self._fresh.forget()
        away_ms = None if heard_before_ns is None else (now_ns - heard_before_ns) // _NS_PER_MS
        self._trouble.ended("a broker answers again", away_ms=away_ms)
        return True

    def _is_answered(self, now_ns: int) -> bool:
        """Ask a question for its own sake, at most once a second.

        Without a partition of its own the worker asks about the first one: a member whose join waits for
        the others gets no other answer, and must not be taken for deaf.
        """
        if self._asked_ns is not None and now_ns - self._asked_ns < _ASK_EVERY_NS:
            return False
        self._asked_ns = now_ns
        try:
            self._transport.end_offset(next(iter(self._state.tasks), 0), timeout_ms=_QUESTION_MS)
        except TransportError as error:  # no answer is what is looked for, and is told as such
            if not error.retriable:
                raise
            return False
        return True
