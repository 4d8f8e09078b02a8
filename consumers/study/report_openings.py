"""Openings of a definition on a pair, each with its end, from the events of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.study.report_chance import Chance
from core.definitions.definition import Definition
from core.events.endings import ENDINGS
from core.events.events import Event
from core.model.records import EventState
from core.model.timestamps import date_text

LATELY_SESSIONS: Final = 21
"""An opening within so many sessions, about a month, is recent."""
_DAYS_A_YEAR: Final = 365.25
_CONFIRMED: Final = EventState.CONFIRMED.label


@dataclass(frozen=True, slots=True)
class Opening:
    """One opening of a definition.

    Args:
        date: Of the session.
        values: The event's values.
        summary: The event in one sentence.
        before: Date of the previous opening within the history; None for the first.
        sessions_ago: Sessions of the pair since then; 0 for the last session.
        end: Date on which the episode ended; None if it is open at the end of the history.
        confirmed: Whether it was confirmed.
    """

    date: str
    values: Mapping[str, float | str | None]
    summary: str
    before: str | None
    sessions_ago: int
    end: str | None
    confirmed: bool


@dataclass(frozen=True, slots=True)
class ReportedDefinition:
    """How often a definition opened on a pair.

    Args:
        definition: The definition.
        openings: All openings, oldest first; at least one.
        a_year: Openings per year of history.
        chance: How often it opens by chance; None if not known.
    """

    definition: Definition
    openings: Sequence[Opening]
    a_year: float
    chance: Chance | None

    @property
    def definition_id(self) -> str:
        """Id of the definition."""
        return self.definition.definition_id

    @property
    def gap_years(self) -> float | None:
        """Years between the last two openings."""
        if len(self.openings) < 2:
            return None
        days = np.diff(np.array([one.date for one in self.openings[-2:]], "datetime64[D]"))
        return float(days[0].astype(int)) / _DAYS_A_YEAR


def openings_of(
    events: Sequence[Event], definition: Definition, sessions: NDArray[np.int64]
) -> list[Opening]:
    """Return the openings of one definition on one pair.

    Args:
        events: The definition's events on the pair, in the engine's order.
        definition: The definition.
        sessions: int64 (n,): the pair's sessions, days since 1970-01-01.
    """
    opened: dict[int, Event] = {}
    dates: dict[int, str] = {}
    ends: dict[int, str] = {}
    confirmed: set[int] = set()
    for event in events:
        if event.state == EventState.OPENED.label:
            dates[event.episode] = date_text(event.episode)
            opened[event.episode] = event
            if definition.point:
                ends[event.episode] = dates[event.episode]
        elif event.state == _CONFIRMED:
            confirmed.add(event.episode)
        elif event.state in ENDINGS:
            ends[event.episode] = event.event_time[:10]
    before = [None, *dates.values()]
    return [
        Opening(
            date=dates[episode],
            values=opened[episode].values,
            summary=opened[episode].summary,
            before=earlier,
            sessions_ago=len(sessions) - 1 - int(np.searchsorted(sessions, episode)),
            end=ends.get(episode),
            confirmed=episode in confirmed,
        )
        for episode, earlier in zip(dates, before, strict=False)
    ]
