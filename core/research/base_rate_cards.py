"""Base-rate cards, which events carry; each is as of the end of a quarter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from core.events.cards import Card, Key, RateCards
from core.model.sessions import Calendar, day_to_date
from core.research.base_rate_rows import BaseRate, card


def make_cards(tables: Iterable[Sequence[BaseRate]], calendar: Calendar) -> RateCards:
    """Convert tables to cards.

    Args:
        tables: From `BaseRates.tables`, ascending.
        calendar: Determines since when each card is known.
    """
    cards: dict[Key, list[Card]] = {}
    for table in tables:
        rows: dict[Key, list[BaseRate]] = {}
        for row in table:
            rows.setdefault((row.definition, row.version, row.pair), []).append(row)
        for key, own in rows.items():
            known_ns = known_since_ns(calendar, own[0].as_of)
            cards.setdefault(key, []).append((known_ns, card(own)))
    return RateCards({key: tuple(own) for key, own in cards.items()})


def known_since_ns(calendar: Calendar, session: int) -> int:
    """Return the time from which a table as of a quarter's last session may be used.

    This is the open of the next session, because only another session shows that the quarter is over.
    The table used at a time therefore does not depend on how much later history is known.

    Args:
        calendar: Its sessions.
        session: Days since 1970-01-01; a later session exists.

    Returns:
        ns UTC.
    """
    return int(calendar.open_ns[calendar.row_of(session) + 1])


def quarter_ends(calendar: Calendar, last: int) -> list[int]:
    """Return the last session of every quarter completed by a session.

    Args:
        calendar: Its sessions.
        last: Days since 1970-01-01: the last known session.

    Returns:
        Sessions, ascending. The current quarter is excluded, so that a longer history adds sessions and
        changes none.

    Example:
        >>> from datetime import date
        >>> from core.model.sessions import build_calendar, session_day
        >>> calendar = build_calendar("XNYS", date(2024, 1, 2), date(2024, 7, 31))
        >>> ends = quarter_ends(calendar, session_day(date(2024, 7, 11)))
        >>> [str(day_to_date(end)) for end in ends]
        ['2024-03-28', '2024-06-28']
    """
    sessions = calendar.session[calendar.session <= last]
    quarters = np.array([4 * day.year + (day.month - 1) // 3 for day in map(day_to_date, sessions)], np.int64)
    return [int(session) for session in sessions[:-1][quarters[1:] != quarters[:-1]]]
