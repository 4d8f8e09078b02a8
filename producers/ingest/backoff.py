"""Delay before the next connection attempt: capped, jittered, and reset only by data.

If a handshake reset the delay, a vendor that accepts connections and then closes them would see a
reconnect loop. Only data received over some time resets it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from core.runtime.backoff import GrowingWait

SLOW_RETRY_MIN_MS: Final = 5_000.0
"""Shortest wait while the vendor still counts a dead connection of ours (code 406, HTTP 429)."""


class Backoff:
    """Full jitter: each wait is uniform between zero and a bound that doubles.

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
