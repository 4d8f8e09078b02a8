"""Waits for the broker at startup instead of exiting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from consumers.transport.seam import RECONNECT_MS, Transport
from consumers.worker.retry_wait import retry_wait
from consumers.worker.trouble_log import TroubleLog
from core.model.errors import TransportError
from core.model.settings import KafkaSettings, WorkerSettings

_NS_PER_MS: Final = 1_000_000


class FirstConnection:
    """Connects in short attempts, so that a stop takes effect soon.

    Args:
        transport: The transport to connect.
        kafka: Addresses, for the log.
        settings: Waits between attempts.
        trouble: Where failures are reported.
        monotonic_ns: Monotonic clock, ns.
    """

    def __init__(
        self,
        transport: Transport,
        kafka: KafkaSettings,
        settings: WorkerSettings,
        trouble: TroubleLog,
        *,
        monotonic_ns: Callable[[], int],
    ) -> None:
        self._transport = transport
        self._kafka = kafka
        self._trouble = trouble
        self._monotonic_ns = monotonic_ns
        self._wait = retry_wait(settings)
        self._begun_ns = monotonic_ns()
        self._failed = False

    def made(self, start: Callable[[], None], *, wait: bool) -> bool:
        """Make one attempt to start.

        Args:
            start: Connects and starts.
            wait: Log a retriable failure instead of raising it.

        Returns:
            Whether it succeeded.

        Raises:
            TransportError: No broker answers, without `wait`; or not retriable.
        """
        try:
            if wait:
                self._transport.connect(min(self._kafka.bootstrap_timeout_ms, RECONNECT_MS))
            start()
        except TransportError as error:
            if not (wait and error.retriable):
                raise
            self._note_failure(error)
            return False
        self._note_success()
        return True

    def wait_ms(self) -> float:
        """Time until the next attempt."""
        return self._wait.next_ms()

    def _note_failure(self, error: TransportError) -> None:
        """Log that the start has to wait."""
        self._failed = True
        waited_ms = (self._monotonic_ns() - self._begun_ns) // _NS_PER_MS
        self._trouble.failed("waiting for a broker", error=error.message, waited_ms=waited_ms)

    def _note_success(self) -> None:
        """Log the connection if it had to wait."""
        if self._failed:
            waited_ms = (self._monotonic_ns() - self._begun_ns) // _NS_PER_MS
            self._trouble.ended(
                "a broker answers", waited_ms=waited_ms, bootstrap_servers=self._kafka.bootstrap_servers
            )
