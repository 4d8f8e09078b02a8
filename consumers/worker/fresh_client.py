"""Checks on a separate thread whether a new client of this process gets responses."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from core.runtime.backoff import GrowingWait

ATTEMPT_MS: Final = 2_000
_ANSWERED_AGAIN_MS: Final = 1_000
_NS_PER_MS: Final = 1_000_000
_OVERDUE_NS: Final = 5 * ATTEMPT_MS * _NS_PER_MS
"""An attempt running for this long hangs: its earlier results no longer count."""


class FreshClient:
    """Makes rate-limited attempts, one at a time, on its own thread.

    The loop only asks while its own client gets no responses. A single response proves little: the broker
    may have just come back, before the own client's next attempt. What counts is since when every
    attempt has had a response.

    Args:
        answers: Creates a client and returns whether it got a response; takes the timeout, ms.
        wait: Delay between failed attempts.
        monotonic_ns: Monotonic clock, ns.
    """

    def __init__(
        self, answers: Callable[[int], bool], *, wait: GrowingWait, monotonic_ns: Callable[[], int]
    ) -> None:
        self._answers = answers
        self._wait = wait
        self._monotonic_ns = monotonic_ns
        self._since_ns: int | None = None
        self._next_ns: int | None = None
        self._begun_ns = 0
        self._attempt: threading.Thread | None = None
        self._answered = False
        self._of_earlier = False

    def look(self) -> int | None:
        """Collect the result of the last attempt, and start another one when due.

        Returns:
            Since when every attempt has had a response, monotonic, ns; None if the last one had none.
        """
        now_ns = self._monotonic_ns()
        if self._attempt is not None:
            if self._attempt.is_alive():
                if now_ns - self._begun_ns >= _OVERDUE_NS:
                    self._since_ns = None
                return self._since_ns
            self._ended(now_ns)
        if self._next_ns is None or now_ns >= self._next_ns:
            self._begun_ns = now_ns
            self._attempt = threading.Thread(target=self._try, name="rotascope-fresh-client", daemon=True)
            self._attempt.start()
        return self._since_ns

    def forget(self) -> None:
        """Reset when the own client gets a response: earlier results do not apply to the next outage."""
        self._since_ns, self._next_ns = None, None
        self._wait.reset()
        # An attempt in progress may get a response from the broker that has just come back.
        self._of_earlier = self._attempt is not None

    def _try(self) -> None:
        self._answered = False
        # Any exception means no response, and must not print a traceback per attempt.
        with suppress(Exception):
            self._answered = self._answers(ATTEMPT_MS)

    def _ended(self, now_ns: int) -> None:
        self._attempt = None
        if self._of_earlier:
            self._of_earlier = False
            return
        if self._answered:
            self._wait.reset()
            self._since_ns = self._begun_ns if self._since_ns is None else self._since_ns
            wait_ms: float = _ANSWERED_AGAIN_MS
        else:
            self._since_ns = None
            wait_ms = self._wait.next_ms()
        self._next_ns = now_ns + int(wait_ms * _NS_PER_MS)
