"""Logs broker outages: one line at the start, one per minute, one at the end."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

REPEAT_S: Final = 60.0
"""Minimum time between two identical lines."""

LATE_S: Final = 5.0
"""A record held for longer means that the broker does not keep up."""


class HoldFigures(NamedTuple):
    """State of the hold buffer at one moment.

    Args:
        connected: Whether there is a connected client.
        bytes: Bytes held.
        records: Records held.
        age_s: Age of the oldest record, s.
        dropped_ticks: Ticks dropped since the start.
        error: Last error of the client, or None.
    """

    connected: bool
    bytes: int
    records: int
    age_s: float
    dropped_ticks: int
    error: str | None


class OutageLog:
    """Logs changes of state, and repeats a state that persists.

    Args:
        log: A structlog logger.
    """

    def __init__(self, log: Any) -> None:
        self._log = log
        self._since_s: float | None = None
        self._logged_s = 0.0

    @property
    def is_outage(self) -> bool:
        """Whether the broker fails to acknowledge records in time."""
        return self._since_s is not None

    def look(self, figures: HoldFigures, now_s: float) -> None:
        """Compare the hold buffer with what was logged last; log at most one line.

        Args:
            figures: Current figures.
            now_s: Monotonic time, s.
        """
        late = not figures.connected or figures.age_s > LATE_S
        if late and self._since_s is None:
            self._since_s = now_s - figures.age_s
            self._log_state(_event(figures), figures, now_s)
        elif late and self._since_s is not None and now_s - self._logged_s >= REPEAT_S:
            self._log_state(_event(figures), figures, now_s)
        elif not late and self._since_s is not None:
            self._log.info(
                "the broker acknowledges records again",
                outage_s=round(now_s - self._since_s, 1),
                dropped_ticks=figures.dropped_ticks,
            )
            self._since_s = None

    def _log_state(self, event: str, figures: HoldFigures, now_s: float) -> None:
        self._logged_s = now_s
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
    return "the broker does not acknowledge records in time: records are held"
