"""Rarity as events take it along: what chance would give, as of the end of the history it rests on.

`rotascope study nulls` makes the cards; events find theirs by definition, version and pair. A card
is given only to events that became known after its history ended.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from core.events.cards import Card, RarityCards
from core.research.rarity import Rarity


def rarity_card(row: Rarity, known_ns: int, *, history_end: str, simulations: int, seed: int) -> Card:
    """Say how often a definition opened, and how often chance would have let it.

    Args:
        row: From `core.research.rarity.count_rarity`.
        known_ns: First time after the history's last close, ns UTC.
        history_end: The history's last session, ISO date.
        simulations: Histories by chance behind each expected count.
        seed: What made them.
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
    """Put cards under the names by which events find them."""
    return RarityCards({(row.definition, row.version, row.pair): (card,) for row, card in found})
