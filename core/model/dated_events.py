"""Dated market events: tags the sessions in their windows.

The file `data/calendar_events.toml` contains dates with source and status; dates that follow a rule are
computed, and half days are taken from the exchange's calendar.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, NamedTuple

import msgspec
import numpy as np

from core.model.dated_events_file import EVENTS, WEEKDAYS, EventsFile, KindEntry, refusal
from core.model.sessions import NANOSECONDS_PER_DAY, Calendar, day_to_date, session_day
from core.model.suggestions import nearest
from core.model.validation import place_of, read_toml, validated

EXCHANGE: Final = "XNYS"
"""The calendar that dated events are placed on."""
_COMPLETE_DAYS: Final = 60
"""Longer than the longest window, so nothing after a calendar's end reaches further back."""
_ALWAYS: Final = 2**31


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of dated event.

    Args:
        name: The tag.
        before: Number of sessions before the date in its window.
        after: Number of sessions after the date.
        scheduled: The date is known in advance.
        early_close: Its dates are the calendar's half days.
        rule: Month, weekday (Monday 0), nth and first year; None without a rule.
    """

    name: str
    before: int
    after: int
    scheduled: bool
    early_close: bool
    rule: tuple[int, int, int, int] | None


class DatedEvents:
    """Tags by session, on an extensible calendar.

    Args:
        kinds: Kinds with their dates that are not superseded.
        calendar: The exchange's sessions.
        digest: SHA-256, in hex, of the kinds and their dates.
    """

    def __init__(
        self, kinds: Sequence[tuple[Kind, frozenset[date]]], calendar: Calendar, digest: str
    ) -> None:
        self.digest = digest
        self._kinds = kinds
        self._placed = _placed(kinds, calendar.copy())

    @property
    def by_session(self) -> Mapping[int, tuple[str, ...]]:
        """Session → tags, in the order of the file's kinds."""
        return self._placed.tags

    def tags(self, session: int) -> tuple[str, ...]:
        """Return the names of the dated events whose window contains a session."""
        if session > self._placed.good_to:
            # Own calendar and a single assignment, because engines call this from several threads.
            longer = self._placed.calendar.copy()
            longer.reach(session * NANOSECONDS_PER_DAY)
            self._placed = _placed(self._kinds, longer)
        return self._placed.tags.get(session, ())


class _Placed(NamedTuple):
    """Tags on a calendar, and the last session for which they are complete."""

    tags: Mapping[int, tuple[str, ...]]
    calendar: Calendar
    good_to: int


def _placed(kinds: Sequence[tuple[Kind, frozenset[date]]], calendar: Calendar) -> _Placed:
    found: dict[int, list[str]] = {}
    for kind, dates in kinds:
        for row in sorted(set(_rows(kind, dates, calendar))):
            found.setdefault(int(calendar.session[row]), []).append(kind.name)
    grows = calendar.through is not None
    good_to = int(calendar.session[-1]) - _COMPLETE_DAYS if grows else _ALWAYS
    return _Placed({session: tuple(own) for session, own in found.items()}, calendar, good_to)


def nth_weekday(year: int, month: int, weekday: int, nth: int) -> date:
    """Return the nth weekday of a month.

    Args:
        year: The year.
        month: 1 to 12.
        weekday: Monday 0 to Sunday 6.
        nth: 1 to 4.

    Example:
        >>> nth_weekday(2024, 6, 4, 4)
        datetime.date(2024, 6, 28)
    """
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


def parse_dated_events(text: str, calendar: Calendar) -> DatedEvents:
    """Parse the file of dated events, and map them to a calendar.

    Args:
        text: TOML; its head documents the keys.
        calendar: The exchange's sessions; dates outside them are ignored.

    Returns:
        Tags by session.

    Raises:
        ConfigurationError: An entry is invalid; the message names it and the reason.
    """
    document = read_toml(text, EVENTS, refusal)
    read = validated(EventsFile, document, EVENTS, refusal)
    kinds = [_kind(entry) for entry in read.kind]
    dates: dict[str, set[date]] = {kind.name: set() for kind in kinds}
    for number, entry in enumerate(read.event):
        if entry.kind not in dates:
            place = place_of(("event", number, "kind"), document, EVENTS)
            raise refusal(f"{place}: unknown kind {entry.kind!r}{nearest(entry.kind, dates, list_all=True)}")
        if entry.status != "superseded":
            dates[entry.kind] |= set(entry.dates)
    placed = [(kind, frozenset(dates[kind.name])) for kind in kinds]
    return DatedEvents(placed, calendar, _digest(placed))


def _digest(kinds: Sequence[tuple[Kind, frozenset[date]]]) -> str:
    """Digest what decides the tags; sources, notes and comments of the file do not."""
    content = [(dataclasses.astuple(kind), sorted(map(date.isoformat, dates))) for kind, dates in kinds]
    return hashlib.sha256(msgspec.json.encode(content)).hexdigest()


def _rows(kind: Kind, dates: frozenset[date], calendar: Calendar) -> Iterable[int]:
    """Rows of the sessions in the windows of a kind."""
    if len(calendar) == 0:
        return
    for day in sorted(dates | set(_by_rule(kind, dates, calendar))):
        session = session_day(day)
        if not calendar.session[0] <= session <= calendar.session[-1]:
            continue
        # On a day without a session, the centre of the window is between two rows.
        row = int(np.searchsorted(calendar.session, session))
        open_that_day = calendar.session[row] == session
        before = kind.before if kind.scheduled else 0
        if not open_that_day and kind.scheduled and kind.rule is not None:
            # The exchange is closed: the event moves to the previous session.
            row, open_that_day = row - 1, True
        stop = row + kind.after + (1 if open_that_day else 0)
        yield from range(max(0, row - before), min(stop, len(calendar)))
    if kind.early_close:
        yield from np.flatnonzero(calendar.early_close).tolist()


def _by_rule(kind: Kind, dates: frozenset[date], calendar: Calendar) -> Iterable[date]:
    """Return the computed dates of the years without an entry."""
    if kind.rule is None:
        return
    month, weekday, nth, first_year = kind.rule
    known = {day.year for day in dates}
    last_year = day_to_date(calendar.session[-1]).year
    for year in range(max(first_year, day_to_date(calendar.session[0]).year), last_year + 1):
        if year not in known:
            yield nth_weekday(year, month, weekday, nth)


def _kind(entry: KindEntry) -> Kind:
    rule = entry.rule
    return Kind(
        entry.id,
        entry.before,
        entry.after,
        entry.scheduled,
        entry.early_close,
        None if rule is None else (rule.month, WEEKDAYS.index(rule.weekday), rule.nth, rule.first_year),
    )
