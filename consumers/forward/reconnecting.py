"""Connects to Kafka, and recreates a client that is stuck; waits as long as it takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import structlog

from consumers.forward.group_reader import RECONNECT_MS, GroupReader
from consumers.forward.state import ForwardState
from core.kafka.security_files import SecurityFiles
from core.model.errors import AccessRefusedError, TransportError
from core.model.forward_settings import ForwardSettings
from core.model.settings import KafkaSettings
from core.runtime.backoff import GrowingWait
from core.runtime.line_budget import LineBudget

_NOT_JOINED_S: Final = 60.0
"""A rebalance ends within its time-out; after that a new member gets further."""
_FIRST_WAIT_MS: Final = 500
_LONGEST_WAIT_MS: Final = 5_000


class Reconnecting:
    """Decides when the client is made anew.

    Args:
        reader: Its client.
        kafka: Addresses and files.
        settings: Time limits.
        state: Whether a broker answers.
        wait: Whether to wait for a broker at the start, in place of an error.
        random: Returns a number in [0, 1).
        monotonic_s: Monotonic clock, s.
    """

    def __init__(
        self,
        reader: GroupReader,
        kafka: KafkaSettings,
        settings: ForwardSettings,
        state: ForwardState,
        *,
        wait: bool,
        random: Callable[[], float],
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reader = reader
        self._kafka = kafka
        self._settings = settings
        self._state = state
        self._waits = wait
        self._monotonic_s = monotonic_s
        self._files = SecurityFiles(kafka.security, monotonic_ns=time.monotonic_ns)
        self._wait = GrowingWait(_FIRST_WAIT_MS, _LONGEST_WAIT_MS, random=random, least_share=0.5)
        self._budget = LineBudget()
        self._log = structlog.get_logger("rotascope.forward")
        self._connected = False
        self._not_before_s = 0.0
        self._answers = 0
        self._joined_s = monotonic_s()
        self.failures = 0
        """Failures since the last answer that were not logged."""

    @property
    def connected(self) -> bool:
        """Whether there has been a client."""
        return self._connected

    def first(self) -> bool:
        """Try to connect for the first time.

        Returns:
            Whether it is connected.

        Raises:
            TransportError: Not retriable; or no broker answers, and none is waited for.
        """
        timeout_ms = RECONNECT_MS if self._waits else self._kafka.bootstrap_timeout_ms
        return self._tried(timeout_ms, fatal=not self._waits)

    def stuck(self, behind_since_s: float | None) -> str | None:
        """Say why the client should be made anew; None if it works.

        Args:
            behind_since_s: Since when nothing has come although the log has more; None if that is not so.
        """
        now_s, state = self._monotonic_s(), self._state
        if (answers := self._reader.answers()) != self._answers:
            self._answers, state.answered_s = answers, now_s
            if state.away:
                state.away = False
                self._log.info("a broker answers again", bootstrap_servers=self._kafka.bootstrap_servers)
                self._budget.renew()
        silent_s = now_s - (state.answered_s or now_s)
        if silent_s * 1000 > self._settings.broker_silence_ms:
            if not state.away:
                state.away = True
                self.note("no broker answers", silent_s=round(silent_s))
            return "no broker answers this client"
        if self._reader.joined:
            self._joined_s = now_s
        if now_s - self._joined_s > _NOT_JOINED_S:
            return "the group does not become stable"
        if behind_since_s is not None and (now_s - behind_since_s) * 1000 > self._settings.fetch_silence_ms:
            return "nothing is fetched although the log has more"
        return "certificates or secrets were replaced" if self._files.due() else None

    def renew(self, why: str) -> bool:
        """Make the client anew, unless the last try was a moment ago.

        Args:
            why: For the log.

        Returns:
            Whether it was.

        Raises:
            TransportError: Not retriable.
        """
        if self._monotonic_s() < self._not_before_s or not self._tried(RECONNECT_MS, fatal=False):
            return False
        self._log.warning("the Kafka client was recreated", reason=why)
        return True

    def note(self, event: str, **fields: object) -> None:
        """Log a failure, at most once a minute."""
        if self._budget.take(self._monotonic_s()):
            self._log.warning(event, **fields)

    def refused(self, error: TransportError) -> bool:
        """Whether a failure ends the command; a refusal may be over with what is in the files now."""
        if error.retriable:
            return False
        return not (isinstance(error, AccessRefusedError) and self._files.changed())

    def _tried(self, timeout_ms: int, *, fatal: bool) -> bool:
        now_s = self._monotonic_s()
        self._files.making()
        try:
            self._reader.connect(timeout_ms)
        except TransportError as error:
            if fatal or self.refused(error):
                raise
            self._not_before_s = now_s + self._wait.next_ms() / 1000
            self.note("waiting for Kafka", error=error.message)
            return False
        self._files.taken()
        self._wait.reset()
        self._connected = True
        self._joined_s = self._monotonic_s()
        return True

    def wait_s(self) -> float:
        """Time until the next try, s."""
        return max(0.0, self._not_before_s - self._monotonic_s())
