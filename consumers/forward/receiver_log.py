"""Says once when the receiver takes no events, then once a minute, and when it takes them again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

from core.runtime.line_budget import LineBudget


class ReceiverLog:
    """The receiver's state, as the posts see it. Used from several threads.

    Args:
        shown: The address, without what may be a key.
        monotonic_s: Monotonic clock, s.
    """

    def __init__(self, shown: str, *, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._shown = shown
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        self._since_s: float | None = None
        self._message = ""
        self._failures = 0
        self._budget = LineBudget()
        self._log = structlog.get_logger("rotascope.forward")

    def failing(self, message: str) -> None:
        """Note an attempt that the receiver did not answer, or answered with an error that is retried."""
        now_s = self._monotonic_s()
        with self._lock:
            self._since_s = now_s if self._since_s is None else self._since_s
            self._failures += 1
            self._message = message
            logged, failures = self._budget.take(now_s), self._failures
        if logged:
            self._log.warning(
                "the receiver takes no events; they are tried again until it does",
                receiver=self._shown,
                error=message,
                attempts_failed=failures,
            )

    def answered(self) -> None:
        """Note an answer that is not retried for ever."""
        if self._since_s is None:  # without the lock: this is the usual case
            return
        with self._lock:
            since_s, self._since_s = self._since_s, None
            failures, self._failures = self._failures, 0
            self._budget.renew()
        if since_s is not None:
            self._log.info(
                "the receiver takes events again",
                receiver=self._shown,
                after_s=round(self._monotonic_s() - since_s, 1),
                attempts_failed=failures,
            )

    def trouble(self) -> tuple[float, str] | None:
        """Return for how long the receiver has been failing, in s, and how; None if it is not."""
        with self._lock:
            return None if self._since_s is None else (self._monotonic_s() - self._since_s, self._message)
