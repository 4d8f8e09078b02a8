"""Delay between retries: capped, jittered, and longer after each failure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

_DOUBLINGS_MAX: Final = 32


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
