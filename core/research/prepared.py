"""Prepares a set of artefacts pair by pair, so that an interrupted run goes on where it stopped.

What is expensive is computed for one pair alone: its openings in history, and those by chance. What needs
all pairs follows from these at the end: base rates, whose q-values count every test of the family.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from core.definitions.catalogue import Catalogue
from core.events.artefact_set import ArtefactSet
from core.events.cards import Card, Key, RarityCards, RateCards
from core.model.instruments import Pair
from core.model.sessions import Calendar
from core.research.rarity import Rarity
from core.research.rarity_cards import rarity_card
from core.research.study_rates import base_rates_of, last_session, study_cards

FORMAT: Final = "rotascope-prepared-pair/1"


@dataclass(frozen=True, slots=True)
class PreparedPair:
    """What one pair contributes to a set.

    Args:
        pair: Name of the pair.
        openings: Definition id → sessions at which it opened, days since 1970-01-01, ascending.
        rarities: How often each daily definition opened, in history and by chance.
        history_end: Last session of the pair's history, ISO date.
        known_ns: First time after that session's close, ns UTC.
    """

    pair: str
    openings: Mapping[str, list[int]]
    rarities: list[Rarity]
    history_end: str
    known_ns: int


def prepared_set(
    found: Sequence[PreparedPair],
    catalogue: Catalogue,
    pairs: Sequence[Pair],
    frames: Mapping[str, pl.DataFrame],
    calendar: Calendar,
    *,
    first: int | None,
    simulations: int,
    seed: int,
) -> ArtefactSet:
    """Build the set of pairs that share a calendar.

    Args:
        found: One per pair.
        catalogue: The definitions.
        pairs: The pairs: together the family of tests.
        frames: Symbol → checked daily frame.
        calendar: Their sessions.
        first: Leave out base rates that only events before this session look up, days since 1970-01-01;
            None for nothing.
        simulations: Number of null histories per null and pair.
        seed: Seed of the null histories.

    Returns:
        Base rates as of every quarter's end, and rarity as of the end of the history.
    """
    openings = {(name, one.pair): own for one in found for name, own in one.openings.items()}
    legs = {leg: frames[leg] for pair in pairs for leg in (pair.numerator, pair.benchmark)}
    rates = base_rates_of(openings, catalogue, pairs, frames, calendar)
    cards = study_cards(rates, calendar, last_session(legs), first)
    return ArtefactSet(cards, RarityCards(dict(_rarity_cards(found, simulations, seed))))


def merged(sets: Iterable[ArtefactSet]) -> ArtefactSet:
    """Merge the sets of different pairs."""
    rates: dict[Key, Sequence[Card]] = {}
    rarities: dict[Key, Sequence[Card]] = {}
    for one in sets:
        rates |= one.rates.cards
        rarities |= one.rarities.cards
    return ArtefactSet(RateCards(rates), RarityCards(rarities))


def _rarity_cards(
    found: Iterable[PreparedPair], simulations: int, seed: int
) -> Iterable[tuple[Key, tuple[Card]]]:
    for one in found:
        for row in one.rarities:
            if row.count or any(null.expected for null in row.nulls.values()):
                card = rarity_card(
                    row, one.known_ns, history_end=one.history_end, simulations=simulations, seed=seed
                )
                yield (row.definition, row.version, row.pair), (card,)
