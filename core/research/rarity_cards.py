"""Rarity cards, which events carry: chance frequencies as of the end of the underlying history.

`rotascope study nulls` builds the cards; events find theirs by definition, version and pair. Only events
that became known after the end of a card's history carry it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from core.events.cards import Card, RarityCards
from core.research.rarity import Rarity


def rarity_card(row: Rarity, known_ns: int, *, history_end: str, simulations: int, seed: int) -> Card:
    """Build a card: how often a definition opened, and how often it does by chance.

    Args:
        row: From `core.research.rarity.count_rarity`.
        known_ns: First time after the history's last close, ns UTC.
        history_end: The history's last session, ISO date.
        simulations: Number of null histories behind each expected count.
        seed: Seed of the simulations.
    """
    nulls = {name: asdict(null) for name, null in sorted(row.nulls.items())}
    return (
        known_ns,
        {
            "history_start": row.history_start,
            "history_end": history_end,
            "sessions": row.sessions,
            "count": row.count,
            "per_year": row.per_year,
            "by_chance": nulls,
            "simulations": simulations,
            "seed": seed,
        },
    )


def rarity_cards(found: Iterable[tuple[Rarity, Card]]) -> RarityCards:
    """Index cards by the keys with which events find them."""
    return RarityCards({(row.definition, row.version, row.pair): (card,) for row, card in found})
