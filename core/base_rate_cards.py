"""Base rates as events take them along: cards, each as of a time, and the file that keeps them.

A study makes the cards; live events find theirs by definition, version and pair. A card is never
given to an event that became known before it.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import msgspec
import numpy as np

from core.base_rate_rows import BaseRate, card
from core.errors import InputError
from core.sessions import Calendar, day_to_date

FORMAT: Final = "rotascope-base-rates/1"
_ACTION: Final = "make the file anew with 'rotascope study base-rates --store FILE'"

Key = tuple[str, str, str]
"""Definition id, version, pair."""


@dataclass(frozen=True)
class RateCards:
    """Cards by definition, version and pair.

    Args:
        cards: Key → (known since, ns UTC; card), ascending.
    """

    cards: Mapping[Key, Sequence[tuple[int, Mapping[str, object]]]]

    def find(
        self, definition: str, version: str, pair: str, ts_knowable_ns: int
    ) -> Mapping[str, object] | None:
        """Give the latest card known at a time; None where there is none."""
        own = self.cards.get((definition, version, pair), ())
        position = bisect_right(own, ts_knowable_ns, key=lambda entry: entry[0])
        return own[position - 1][1] if position else None

    @cached_property
    def digest(self) -> str:
        """SHA-256, in hex, of the encoded cards."""
        return hashlib.sha256(self.encode()).hexdigest()

    def encode(self) -> bytes:
        """Write the file's bytes: the same cards give the same bytes."""
        entries = [
            {
                "definition": definition,
                "version": version,
                "pair": pair,
                "cards": [{"known_ns": known_ns, "base_rate": content} for known_ns, content in own],
            }
            for (definition, version, pair), own in sorted(self.cards.items())
        ]
        return msgspec.json.encode({"format": FORMAT, "entries": entries})


class _Card(msgspec.Struct, forbid_unknown_fields=True):
    known_ns: int
    base_rate: dict[str, Any]


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    definition: str
    version: str
    pair: str
    cards: list[_Card]


class _File(msgspec.Struct, forbid_unknown_fields=True):
    format: str
    entries: list[_Entry]


def parse_cards(data: bytes) -> RateCards:
    """Read a file of cards.

    Args:
        data: As `RateCards.encode` writes it.

    Returns:
        The cards.

    Raises:
        InputError: Not such a file.
    """
    try:
        file = msgspec.json.decode(data, type=_File)
    except msgspec.MsgspecError as error:
        raise InputError(f"base rates cannot be read: {error}", operator_action=_ACTION) from error
    if file.format != FORMAT:
        raise InputError(f"base rates of format {file.format!r}, not {FORMAT!r}", operator_action=_ACTION)
    return RateCards(
        {
            (entry.definition, entry.version, entry.pair): tuple(
                sorted(((one.known_ns, one.base_rate) for one in entry.cards), key=lambda own: own[0])
            )
            for entry in file.entries
        }
    )


def make_cards(tables: Iterable[Sequence[BaseRate]], calendar: Calendar) -> RateCards:
    """Turn tables into cards.

    Args:
        tables: From `BaseRates.tables`, ascending.
        calendar: Says since when each of them is known.
    """
    cards: dict[Key, list[tuple[int, Mapping[str, object]]]] = {}
    for table in tables:
        rows: dict[Key, list[BaseRate]] = {}
        for row in table:
            rows.setdefault((row.definition, row.version, row.pair), []).append(row)
        for key, own in rows.items():
            known_ns = known_since_ns(calendar, own[0].as_of)
            cards.setdefault(key, []).append((known_ns, card(own)))
    return RateCards({key: tuple(own) for key, own in cards.items()})


def known_since_ns(calendar: Calendar, session: int) -> int:
    """Give the time from which a table as of a quarter's last session may be used.

    That is the open of the next session: only a further session shows that the quarter is over, so
    whoever knows the history up to a close finds the same table for it as whoever knows more.

    Args:
        calendar: Its sessions.
        session: Days since 1970-01-01; another one follows it.

    Returns:
        ns UTC.
    """
    return int(calendar.open_ns[calendar.row_of(session) + 1])


def quarter_ends(calendar: Calendar, last: int) -> list[int]:
    """Give the last session of every quarter that is over by a session.

    Args:
        calendar: Its sessions.
        last: Days since 1970-01-01: the last session that is known.

    Returns:
        Sessions, ascending. The quarter in progress is not among them, however far it has come, so
        that a longer history adds sessions and changes none.

    Example:
        >>> from datetime import date
        >>> from core.sessions import build_calendar, session_day
        >>> calendar = build_calendar("XNYS", date(2024, 1, 2), date(2024, 7, 31))
        >>> ends = quarter_ends(calendar, session_day(date(2024, 7, 11)))
        >>> [str(day_to_date(end)) for end in ends]
        ['2024-03-28', '2024-06-28']
    """
    sessions = calendar.session[calendar.session <= last]
    quarters = np.array([4 * day.year + (day.month - 1) // 3 for day in map(day_to_date, sessions)], np.int64)
    return [int(session) for session in sessions[:-1][quarters[1:] != quarters[:-1]]]
