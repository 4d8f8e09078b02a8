"""When silence means a dead feed: only while a market is open, and only after a while."""

from __future__ import annotations

from collections.abc import Sequence

from core.model.records import NANOSECONDS_PER_SECOND
from core.model.sessions import Calendar


class SilenceWatch:
    """Judges silence against the sessions of the feed's instruments.

    Args:
        calendars: Where any session is open, data is expected; no calendar at all: always.
        silence_s: Silence that means a dead feed.

    Example:
        >>> SilenceWatch([], 15.0).is_dead(now_ns=0, silent_ns=16_000_000_000)
        True
    """

    def __init__(self, calendars: Sequence[Calendar], silence_s: float) -> None:
        self._calendars = tuple(calendar.copy() for calendar in calendars)
        self._silence_ns = int(silence_s * NANOSECONDS_PER_SECOND)

    def is_dead(self, now_ns: int, silent_ns: int) -> bool:
        """Say whether data should have come by now.

        Args:
            now_ns: Wall time; says only which markets are open, and since when.
            silent_ns: Monotonic time since the last data, or since the connection before the first.

        Raises:
            SessionError: A calendar that grows has come to its end.
        """
        if not self._calendars:
            return silent_ns > self._silence_ns
        for calendar in self._calendars:
            calendar.reach(now_ns)
        rows = [(calendar, calendar.index_at(now_ns)) for calendar in self._calendars]
        # Silence before the open is none: it is counted from there.
        opens = [int(calendar.open_ns[row]) for calendar, row in rows if row >= 0]
        return bool(opens) and min(silent_ns, now_ns - min(opens)) > self._silence_ns
