"""Finds out, beside the loop, whether a new client of this process is answered."""

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
"""An attempt that is out for so long hangs: nothing is known any more."""


class FreshClient:
    """Tries at a bounded pace, one attempt at a time, on a thread of its own.

    The loop asks only while its own client hears nothing. One answer proves little: the broker may
    have come back a moment ago, and the own client still be waiting for its next attempt. So what
    counts is since when every attempt has been answered.

    Args:
        answers: Makes a client and says whether it was answered; takes the time it has, in ms.
        wait: The time from one failed attempt to the next.
        monotonic_ns: A clock that never steps back.
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
        """Take the result of the last attempt, and begin another when it is time.

        Returns:
            Since when every attempt has been answered, monotonic; None while that is not so.
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
        """The own client is answered: whatever was found out before says nothing of the next silence."""
        self._since_ns, self._next_ns = None, None
        self._wait.reset()
        # One that is still out may be answered, by the very broker that has just come back.
        self._of_earlier = self._attempt is not None

    def _try(self) -> None:
        self._answered = False
        # Whatever it raises is no answer, and no traceback a try on standard error.
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
