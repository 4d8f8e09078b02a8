"""What an operator reads of an outage: one line when it begins, one a minute, one when it is over."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from core.runtime.line_budget import LineBudget

LATE_S: Final = 5.0
"""A record that is held for longer shows that the broker does not keep up."""


class HoldFigures(NamedTuple):
    """The hold at one moment.

    Args:
        connected: Whether there is a client.
        bytes: What is held.
        records: How many.
        age_s: How long the oldest has been held.
        dropped_ticks: Ticks dropped since the start.
        error: The last error of the client, None for none.
    """

    connected: bool
    bytes: int
    records: int
    age_s: float
    dropped_ticks: int
    error: str | None


class OutageLog:
    """Tells changes of state, and reminds of a state that lasts.

    Args:
        log: A structlog logger.
    """

    def __init__(self, log: Any) -> None:
        self._log = log
        self._since_s: float | None = None
        self._budget = LineBudget()

    @property
    def is_outage(self) -> bool:
        """Whether the broker does not take records in time."""
        return self._since_s is not None

    def look(self, figures: HoldFigures, now_s: float) -> None:
        """Compare the hold with what was told last; never more than one line.

        Args:
            figures: The hold as it is.
            now_s: Monotonic time.
        """
        late = not figures.connected or figures.age_s > LATE_S
        if late and self._since_s is None:
            self._since_s = now_s - figures.age_s
            self._budget.spend(now_s)
            self._tell(_event(figures), figures)
        elif late and self._budget.take(now_s):
            self._tell(_event(figures), figures)
        elif not late and self._since_s is not None:
            self._log.info(
                "the broker takes records again",
                outage_s=round(now_s - self._since_s, 1),
                dropped_ticks=figures.dropped_ticks,
            )
            self._since_s = None

    def _tell(self, event: str, figures: HoldFigures) -> None:
        self._log.warning(
            event,
            held_bytes=figures.bytes,
            held_records=figures.records,
            oldest_s=round(figures.age_s, 1),
            dropped_ticks=figures.dropped_ticks,
            error=figures.error,
        )


def _event(figures: HoldFigures) -> str:
    if not figures.connected:
        return "no broker answers: records are held"
    return "the broker does not acknowledge records in time: they are held"
