"""The sessions of one market, as arrays of nanoseconds.

Times are nanoseconds UTC, sessions are days since 1970-01-01, and a session contains `open <= ts < close`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.model.errors import SessionError
from core.model.records import NANOSECONDS_PER_SECOND

NANOSECONDS_PER_DAY: Final = 86_400 * NANOSECONDS_PER_SECOND

_AHEAD_NS: Final = 400 * NANOSECONDS_PER_DAY
"""How far calendars are kept ahead of event time; more than any look-ahead, such as the end of a week."""
_LAST_DAY: Final = date(2261, 12, 31)
"""Nanoseconds in 64 bits end in April 2262."""
_ALWAYS: Final = 2**63
_EPOCH: Final = date(1970, 1, 1)


def session_day(day: date) -> int:
    """Return the number of days since 1970-01-01.

    Example:
        >>> session_day(date(2024, 7, 11))
        19915
    """
    return (day - _EPOCH).days


def day_to_date(session: int) -> date:
    """Return the date of a session day.

    Example:
        >>> day_to_date(19915)
        datetime.date(2024, 7, 11)
    """
    return _EPOCH + timedelta(days=int(session))


@dataclass(eq=False, slots=True)
class Calendar:
    """The sessions of one market over a range of dates, ascending, one row each.

    Args:
        name: "XNYS", "24/7", …
        session: Array (n,) int32, days since 1970-01-01.
        open_ns: Array (n,) int64, first nanosecond of the session, UTC.
        close_ns: Array (n,) int64, first nanosecond after the session, UTC.
        early_close: Array (n,) bool, the session ends early.
        digest: SHA-256, in hex, of rules and exceptions, independent of the range of dates.
        through: Builds the calendar up to a later date, or as far as known; None if the range is
            fixed.
    """

    name: str
    session: NDArray[np.int32]
    open_ns: NDArray[np.int64]
    close_ns: NDArray[np.int64]
    early_close: NDArray[np.bool_]
    digest: str = ""
    through: Callable[[date], Calendar] | None = None
    _reached_ns: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for column in (self.session, self.open_ns, self.close_ns, self.early_close):
            column.setflags(write=False)
        self._reached_ns = _ALWAYS if self.through is None else int(self.open_ns[-1]) - _AHEAD_NS

    def copy(self) -> Calendar:
        """Return a calendar that is extended independently; the arrays are shared."""
        return replace(self)

    def reach(self, ts_ns: int) -> None:
        """Extend an extensible calendar to a year after an event time.

        Row numbers do not change. A calendar belongs to one thread; use `copy` to share it.

        Raises:
            SessionError: No session after that time is known.
        """
        if ts_ns > self._reached_ns and self.through is not None:
            self._grow(ts_ns, self.through)

    def _grow(self, ts_ns: int, through: Callable[[date], Calendar]) -> None:
        year = day_to_date(ts_ns // NANOSECONDS_PER_DAY).year
        longer = through(min(date(min(year + 2, _LAST_DAY.year), 12, 31), _LAST_DAY))
        if len(longer) > len(self):
            same = slice(len(self))
            if not np.array_equal(longer.close_ns[same], self.close_ns):
                raise SessionError(f"{self.name}: sessions changed when the calendar was extended")
            self.session, self.open_ns = longer.session, longer.open_ns
            self.close_ns, self.early_close = longer.close_ns, longer.early_close
        self._reached_ns = int(self.open_ns[-1]) - _AHEAD_NS
        if ts_ns > self._reached_ns:  # The library has no later sessions; the known ones are still valid.
            self._reached_ns = int(self.close_ns[-1]) - 1
        if ts_ns > self._reached_ns:
            raise SessionError(
                f"calendar {self.name} ends on {day_to_date(self.session[-1])}, and event time has reached "
                f"{day_to_date(ts_ns // NANOSECONDS_PER_DAY)}",
                operator_action="install a release of exchange-calendars that knows later sessions of "
                f"{self.name}, and restart",
            )

    def __len__(self) -> int:
        return len(self.session)

    def index_at(self, ts_ns: int) -> int:
        """Return the row of the session that contains a time, or -1 between sessions."""
        row = int(np.searchsorted(self.open_ns, ts_ns, side="right")) - 1
        return row if row >= 0 and ts_ns < self.close_ns[row] else -1

    def next_row_at(self, ts_ns: int) -> int:
        """Return the first row that closes after a time: the current session, otherwise the next.

        Returns:
            A row, or `len(calendar)` after the last session.
        """
        return int(np.searchsorted(self.close_ns, ts_ns, side="right"))

    def row_of(self, session: int) -> int:
        """Return the row of a session day.

        Raises:
            SessionError: There is no session on that day; the message names the adjacent ones.
        """
        row = int(np.searchsorted(self.session, session))
        if row < len(self.session) and self.session[row] == session:
            return row
        before = str(day_to_date(self.session[row - 1])) if row > 0 else "none"
        after = str(day_to_date(self.session[row])) if row < len(self.session) else "none"
        raise SessionError(
            f"{self.name} has no session on {day_to_date(session)} (before it: {before}, after it: {after})"
        )


def digest_of(content: Any) -> str:
    """Return the SHA-256, in hex, of plain data."""
    return hashlib.sha256(msgspec.json.encode(content)).hexdigest()
