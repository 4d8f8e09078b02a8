"""Detects a dead feed: silence for some time while a market is open."""

from __future__ import annotations

from collections.abc import Sequence

from core.model.records import NANOSECONDS_PER_SECOND
from core.model.sessions import Calendar


class SilenceWatch:
    """Evaluates silence against the sessions of the feed's instruments.

    Args:
        calendars: Data is expected while any session is open; without a calendar, always.
        silence_s: Silence after which the feed is considered dead, s.

    Example:
        >>> SilenceWatch([], 15.0).is_dead(now_ns=0, silent_ns=16_000_000_000)
        True
    """

    def __init__(self, calendars: Sequence[Calendar], silence_s: float) -> None:
        self._calendars = tuple(calendar.copy() for calendar in calendars)
        self._silence_ns = int(silence_s * NANOSECONDS_PER_SECOND)

    def is_dead(self, now_ns: int, silent_ns: int) -> bool:
        """Return whether data should have arrived by now.

        Args:
            now_ns: Wall time; determines which markets are open, and since when.
            silent_ns: Monotonic time since the last data, or since connecting if there was none.

        Raises:
            SessionError: An extensible calendar has reached its end.
        """
        if not self._calendars:
            return silent_ns > self._silence_ns
        for calendar in self._calendars:
            calendar.reach(now_ns)
        rows = [(calendar, calendar.index_at(now_ns)) for calendar in self._calendars]
        # Silence before the open does not count.
        opens = [int(calendar.open_ns[row]) for calendar, row in rows if row >= 0]
        return bool(opens) and min(silent_ns, now_ns - min(opens)) > self._silence_ns
