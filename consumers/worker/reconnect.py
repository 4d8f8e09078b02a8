"""Recreates the consumer client, at a rate suitable for outages of any length."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from consumers.transport.seam import Transport
from consumers.worker.retry_wait import retry_wait
from consumers.worker.state import WorkerState
from consumers.worker.trouble_log import TroubleLog
from core.kafka.security_files import SecurityFiles
from core.model.errors import TransportError
from core.model.settings import WorkerSettings

_NS_PER_MS: Final = 1_000_000


class Reconnect:
    """Retries after a growing wait; the old client stays in use until a new one gets a response.

    Args:
        transport: The transport whose client is recreated.
        settings: Waits between attempts.
        files: Updated when a client is created.
        state: Whether a broker answers, and the counters.
        trouble: Where failures are reported.
        monotonic_ns: Monotonic clock, ns.
    """

    def __init__(
        self,
        transport: Transport,
        settings: WorkerSettings,
        files: SecurityFiles,
        state: WorkerState,
        trouble: TroubleLog,
        *,
        monotonic_ns: Callable[[], int],
    ) -> None:
        self._transport = transport
        self._files = files
        self._state = state
        self._trouble = trouble
        self._monotonic_ns = monotonic_ns
        self._wait = retry_wait(settings)
        self._not_before_ns = 0
        self._log = structlog.get_logger("rotascope.worker")

    def attempt(self, why: str, *, waiting: list[int], although_away: bool) -> bool:
        """Recreate the client, unless the last attempt was too recent.

        Args:
            why: Reason, for the log.
            waiting: Unopened partitions, for the log.
            although_away: Also try while no broker answers the current client.

        Returns:
            Whether it was recreated.

        Raises:
            TransportError: Not retriable.
        """
        now_ns = self._monotonic_ns()
        if now_ns < self._not_before_ns or (self._state.broker_away and not although_away):
            return False
        self._files.making()
        try:
            self._transport.rebuild_consumer()
        except TransportError as error:
            if not error.retriable:
                raise
            self._not_before_ns = now_ns + int(self._wait.next_ms() * _NS_PER_MS)
            self._trouble.failed("client not recreated yet", why=why, error=error.message)
            return False
        self._files.taken()
        self._wait.reset()
        self._log.warning(why, waiting=waiting)
        self._state.counters.rejoins += 1
        return True

    def at_once(self) -> None:
        """Allow the next attempt without a wait."""
        self._wait.reset()
        self._not_before_ns = 0
