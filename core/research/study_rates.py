"""Computes base rates from a study's events, and attaches them to events."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import polars as pl
from msgspec.structs import replace

from core.definitions.catalogue import Catalogue
from core.definitions.definition import Definition
from core.events.cards import RateCards
from core.events.events import Event
from core.model.instruments import Pair, Universe
from core.model.records import EventState, Frequency
from core.model.sessions import Calendar, session_day
from core.research.alignment import align_legs
from core.research.base_rate_cards import known_since_ns, make_cards, quarter_ends
from core.research.base_rate_rows import card
from core.research.base_rates import BaseRates, Cases, PairOutcomes, RateTables
from core.research.bootstrap import RESAMPLES
from core.research.forward_returns import forward_returns

OPENED = EventState.OPENED.label


def study_base_rates(
    events: Iterable[Event],
    catalogue: Catalogue,
    universe: Universe,
    frames: Mapping[str, pl.DataFrame],
    calendar: Calendar,
    *,
    resamples: int = RESAMPLES,
) -> BaseRates:
    """Prepare the base rates of every daily definition on every pair.

    Args:
        events: All events of the history; openings are the cases.
        catalogue: The definitions.
        universe: The pairs.
        frames: Symbol → checked daily frame.
        calendar: Their sessions.
        resamples: Number of resamples of the history behind every interval.

    Returns:
        Base rates, which give tables as of any session.
    """
    openings = daily_openings(events)
    return base_rates_of(openings, catalogue, universe.pairs, frames, calendar, resamples=resamples)


def daily_openings(events: Iterable[Event]) -> dict[tuple[str, str], list[int]]:
    """Return the sessions at which each daily definition opened, by definition and pair."""
    openings: dict[tuple[str, str], list[int]] = {}
    for event in events:
        if event.state == OPENED and event.frequency == Frequency.DAY.label:
            openings.setdefault((event.definition, event.pair), []).append(event.episode)
    return openings


def base_rates_of(
    openings: Mapping[tuple[str, str], Sequence[int]],
    catalogue: Catalogue,
    pairs: Sequence[Pair],
    frames: Mapping[str, pl.DataFrame],
    calendar: Calendar,
    *,
    resamples: int = RESAMPLES,
) -> BaseRates:
    """Prepare base rates from openings; arguments and result as of `study_base_rates`.

    Args:
        openings: From `daily_openings`.
        catalogue: The definitions.
        pairs: The pairs: together the family of tests.
        frames: Symbol → checked daily frame.
        calendar: Their sessions.
        resamples: Number of resamples of the history behind every interval.
    """
    cases = [
        Cases(
            definition.definition_id,
            definition.version,
            pair.name,
            np.array(openings.get((definition.definition_id, pair.name), []), np.int64),
        )
        for definition in daily_definitions(catalogue)
        for pair in pairs
        if not definition.pairs or pair.name in definition.pairs
    ]
    return BaseRates([_outcomes(pair, frames, calendar) for pair in pairs], cases, resamples=resamples)


def daily_definitions(catalogue: Catalogue) -> list[Definition]:
    """Return the definitions that are evaluated on daily history."""
    return [each for each in catalogue.definitions if each.frequency == Frequency.DAY]


def _outcomes(pair: Pair, frames: Mapping[str, pl.DataFrame], calendar: Calendar) -> PairOutcomes:
    closes = align_legs(pair, frames)
    sessions = closes["date"].cast(pl.Int32).to_numpy()
    outcomes = forward_returns(sessions, closes["numerator"].to_numpy(), closes["benchmark"].to_numpy())
    return PairOutcomes(pair.name, outcomes, calendar)


class CardsAsAsked:
    """Cards as of every quarter's end, each built when first requested.

    Args:
        tables: Tables as of every quarter's end.
        calendar: Determines since when each is known.
    """

    def __init__(self, tables: RateTables, calendar: Calendar) -> None:
        self._tables = tables
        self._known_ns = [known_since_ns(calendar, cut) for cut in tables.cuts.tolist()]
        self._cases = {
            (each.definition, each.version, each.pair): number for number, each in enumerate(tables.cases)
        }
        self._made: dict[tuple[int, int], Mapping[str, object]] = {}

    def find(
        self, definition: str, version: str, pair: str, ts_knowable_ns: int
    ) -> Mapping[str, object] | None:
        """Return the latest card known at a time, or None."""
        case = self._cases.get((definition, version, pair))
        cut = bisect_right(self._known_ns, ts_knowable_ns) - 1
        if case is None or cut < 0:
            return None
        if (case, cut) not in self._made:
            self._made[case, cut] = card(self._tables.rows(case, cut))
        return self._made[case, cut]


def cards_as_asked(rates: BaseRates, calendar: Calendar, last: int) -> CardsAsAsked:
    """Prepare the cards of every quarter's end up to a session, for the events of a study.

    Args:
        rates: From `study_base_rates`.
        calendar: The sessions.
        last: Days since 1970-01-01: the last session of the history.
    """
    return CardsAsAsked(rates.columns(quarter_ends(calendar, last)), calendar)


def study_cards(rates: BaseRates, calendar: Calendar, last: int, first: int | None = None) -> RateCards:
    """Build all cards of every quarter's end up to a session, for a file.

    Args:
        rates: From `study_base_rates`.
        calendar: The sessions.
        last: Days since 1970-01-01: the last session of the history.
        first: Leave out what only events before this session look up; None for nothing.
    """
    cuts = quarter_ends(calendar, last)
    if first is not None:
        earlier = [cut for cut in cuts if cut < first]
        cuts = cuts[max(0, len(earlier) - 1) :]
    return make_cards(rates.tables(cuts), calendar)


def with_base_rates(events: Sequence[Event], cards: CardsAsAsked | RateCards) -> list[Event]:
    """Attach to every event the latest card known at its time."""
    return [
        replace(
            event,
            base_rate=cards.find(event.definition, event.version, event.pair, event.ts_knowable_ns),
        )
        for event in events
    ]


def last_session(frames: Mapping[str, pl.DataFrame]) -> int:
    """Return the last session of any frame, days since 1970-01-01."""
    return max(session_day(frame["date"][-1]) for frame in frames.values())
