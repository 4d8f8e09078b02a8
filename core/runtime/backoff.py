"""Delay between retries: capped, jittered, and longer after each failure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

_DOUBLINGS_MAX: Final = 32
SLOW_RETRY_MIN_MS: Final = 5_000.0
"""Shortest wait while the vendor still counts a dead connection of ours (code 406, HTTP 429)."""


class GrowingWait:
    """Each wait is uniform between a share of a bound and the bound; the bound doubles up to a limit.

    Args:
        initial_ms: First bound, in ms.
        max_ms: Largest bound, in ms.
        random: Returns a number in [0, 1).
        least_share: Minimum share of a bound; 0 for full jitter.

    Example:
        >>> wait = GrowingWait(100, 300, random=lambda: 0.5)
        >>> [wait.next_ms() for _ in range(3)]
        [50.0, 100.0, 150.0]
        >>> wait.reset()
        >>> wait.next_ms()
        50.0

    Source: M. Brooker, "Exponential Backoff and Jitter" (AWS Architecture Blog, 2015).
    """

    def __init__(
        self, initial_ms: float, max_ms: float, *, random: Callable[[], float], least_share: float = 0.0
    ) -> None:
        self._initial_ms = initial_ms
        self._max_ms = max_ms
        self._random = random
        self._least_share = least_share
        self._failures = 0

    def next_ms(self) -> float:
        """Draw the next wait, in ms."""
        bound = min(self._max_ms, self._initial_ms * 2.0 ** min(self._failures, _DOUBLINGS_MAX))
        self._failures += 1
        return bound * (self._least_share + (1.0 - self._least_share) * self._random())

    def reset(self) -> None:
        """Reset to the first bound."""
        self._failures = 0


class Backoff:
    """Waits before the next connection, with full jitter; reset only by data.

    If a handshake reset the delay, a peer that accepts connections and then closes them would see a
    reconnect loop. Only data received over some time resets it.

    Args:
        initial_ms: First bound.
        max_ms: Largest bound.
        reset_after_ms: Data for this long resets the bound.
        random: Returns a number in [0, 1).

    Example:
        >>> backoff = Backoff(500, 30_000, 30_000, random=lambda: 0.5)
        >>> [backoff.next_ms(slow=False) for _ in range(3)], backoff.next_ms(slow=True)
        ([250.0, 500.0, 1000.0], 5000.0)
    """

    def __init__(
        self, initial_ms: float, max_ms: float, reset_after_ms: float, *, random: Callable[[], float]
    ) -> None:
        self._wait = GrowingWait(initial_ms, max_ms, random=random)
        self._reset_after_ms = reset_after_ms

    def next_ms(self, *, slow: bool) -> float:
        """Draw the next wait.

        Args:
            slow: The vendor asked for a longer delay: wait at least five seconds.

        Returns:
            Milliseconds.
        """
        wait = self._wait.next_ms()
        return max(wait, SLOW_RETRY_MIN_MS) if slow else wait

    def note_data(self, streamed_ms: float) -> None:
        """Record how long a connection has received data."""
        if streamed_ms >= self._reset_after_ms:
            self._wait.reset()
