"""Position of a source in its sessions: before the open, in session, waiting for closes, or after them.

Plain arithmetic on event time. A clock is identified by its session day alone, so it can be restored
with any range of the calendar.
"""

from __future__ import annotations

from typing import Final

from core.model.records import NANOSECONDS_PER_SECOND
from core.model.sessions import NANOSECONDS_PER_DAY, Calendar
from core.model.windows import NO_SESSION

FAR_SECOND: Final = 2**62 // NANOSECONDS_PER_SECOND
"""Later than any event time."""


class SessionClock:
    """Position of one source, or of one block of pairs, in one calendar.

    Args:
        calendar: The sessions.
        wait_seconds: How long after the close to wait for official closes.
    """

    __slots__ = ("calendar", "close_second", "deadline_second", "open_second", "row", "wait_seconds")

    def __init__(self, calendar: Calendar, wait_seconds: int) -> None:
        self.calendar = calendar
        self.wait_seconds = wait_seconds
        self.row = -1
        self.open_second = FAR_SECOND
        self.close_second = FAR_SECOND
        self.deadline_second = FAR_SECOND

    @property
    def session(self) -> int:
        """Session in force, days since 1970-01-01; NO_SESSION before the first and after the last."""
        return int(self.calendar.session[self.row]) if 0 <= self.row < len(self.calendar) else NO_SESSION

    @property
    def next_open_ns(self) -> int:
        """First nanosecond of the session after the one in force."""
        if self.row + 1 < len(self.calendar):
            return int(self.calendar.open_ns[self.row + 1])
        return FAR_SECOND * NANOSECONDS_PER_SECOND

    def enter(self, row: int) -> None:
        """Put the session of a calendar row in force; none after the last row.

        Raises:
            SessionError: An extensible calendar has reached its end.
        """
        self.row = row
        if row < len(self.calendar):
            # The next session must be known: it bounds the wait for official closes.
            self.calendar.reach(int(self.calendar.close_ns[row]))
            self.open_second = int(self.calendar.open_ns[row]) // NANOSECONDS_PER_SECOND
            self.close_second = int(self.calendar.close_ns[row]) // NANOSECONDS_PER_SECOND
            # The wait must not extend past the open of the next session.
            self.deadline_second = min(
                self.close_second + self.wait_seconds, self.next_open_ns // NANOSECONDS_PER_SECOND
            )
        else:
            self.open_second = self.close_second = self.deadline_second = FAR_SECOND

    def resume(self, session: int) -> None:
        """Put a session in force by its day, from a snapshot.

        Raises:
            SessionError: The calendar has no such session.
        """
        if session == NO_SESSION:
            self.row = -1
            self.open_second = self.close_second = self.deadline_second = FAR_SECOND
        else:
            self.calendar.reach(session * NANOSECONDS_PER_DAY)
            self.enter(self.calendar.row_of(session))

    def start_at(self, second: int) -> None:
        """Put the session at `second` in force, or the next one.

        Raises:
            SessionError: An extensible calendar has reached its end.
        """
        self.calendar.reach(second * NANOSECONDS_PER_SECOND)
        self.enter(self.calendar.next_row_at(second * NANOSECONDS_PER_SECOND))
