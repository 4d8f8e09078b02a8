"""Reports broker outages on a terminal, with a limited number of lines."""

from __future__ import annotations

from collections.abc import Callable

from core.runtime.line_budget import LineBudget


class OutageNotes:
    """One line when a broker becomes unreachable, one when it is back; flapping is reported once a minute.

    Args:
        where: The bootstrap servers, for the lines.
        tell: Called with a line.
        patience: What the command does meanwhile, such as "waiting for it".
    """

    def __init__(self, where: str, tell: Callable[[str], None], patience: str) -> None:
        self._where = where
        self._tell = tell
        self._patience = patience
        self._away_since_s: float | None = None
        self._told = False
        self._budget = LineBudget()

    def silent(self, since_s: float, now_s: float) -> None:
        """Note that the broker does not answer.

        Args:
            since_s: Time of its last answer, monotonic, s.
            now_s: Current time on the same clock, s.
        """
        if self._away_since_s is None:
            self._away_since_s = since_s
        if self._told or not self._budget.take(now_s):
            return
        self._told = True
        self._tell(f"no answer from the broker at {self._where}; {self._patience}")

    def answered(self, now_s: float) -> None:
        """Note that the broker has answered.

        Args:
            now_s: Current time, monotonic, s.
        """
        if self._told and self._away_since_s is not None:
            away_s = now_s - self._away_since_s
            self._tell(f"the broker at {self._where} answers again after {away_s:.0f} s")
        self._away_since_s = None
        self._told = False
