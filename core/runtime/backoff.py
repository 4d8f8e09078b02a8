"""How long to wait between two tries: capped, jittered, and longer after each failure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

_DOUBLINGS_MAX: Final = 32


class GrowingWait:
    """Each wait is drawn evenly between a share of a bound and the bound; the bound doubles up to a limit.

    Args:
        initial_ms: The first bound, in ms.
        max_ms: No bound grows beyond this, in ms.
        random: Gives a number in [0, 1).
        least_share: The smallest part of a bound that is waited; 0 for full jitter.

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
        """Begin with short waits again."""
        self._failures = 0
