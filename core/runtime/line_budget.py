"""At most one line a minute of what goes on failing."""

from __future__ import annotations

from typing import Final

EVERY_S: Final = 60.0
"""Shortest time between two lines that say the same."""


class LineBudget:
    """Says whether another line may be written; keeps no clock of its own.

    Args:
        every_s: Shortest time between two lines.

    Example:
        >>> budget = LineBudget()
        >>> [budget.take(now_s) for now_s in (5.0, 64.9, 65.0)]
        [True, False, True]
    """

    def __init__(self, every_s: float = EVERY_S) -> None:
        self._every_s = every_s
        self._last_s: float | None = None

    def take(self, now_s: float) -> bool:
        """Say whether a line may be written now, and count it as written if so.

        Args:
            now_s: Monotonic time.
        """
        if self._last_s is not None and now_s - self._last_s < self._every_s:
            return False
        self._last_s = now_s
        return True

    def spend(self, now_s: float) -> None:
        """Count a line that is written in any case."""
        self._last_s = now_s

    def renew(self) -> None:
        """Let the next line be written at once."""
        self._last_s = None
