"""Rarity as events take it along: what chance would give, as of the end of the history it rests on.

`rotascope study nulls` makes the cards; events find theirs by definition, version and pair. A card
is given only to events that became known after its history ended.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final

import msgspec

from core.base_rate_cards import Key
from core.errors import InputError
from core.rarity import Rarity

FORMAT: Final = "rotascope-rarity/1"
_ACTION: Final = "make the file anew with 'rotascope study nulls --store FILE'"


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one definition and pair take along.

    Args:
        known_ns: Time from which it may be given, ns UTC.
        rarity: Plain JSON content.
    """

    known_ns: int
    rarity: dict[str, Any]


@dataclass(frozen=True)
class RarityCards:
    """Cards by definition, version and pair.

    Args:
        cards: Key → its card.
    """

    cards: Mapping[Key, Card]

    def find(
        self, definition: str, version: str, pair: str, ts_knowable_ns: int
    ) -> Mapping[str, object] | None:
        """Give the card when it was known at a time, else None."""
        own = self.cards.get((definition, version, pair))
        return own.rarity if own is not None and own.known_ns <= ts_knowable_ns else None

    @cached_property
    def digest(self) -> str:
        """SHA-256, in hex, of the encoded cards."""
        return hashlib.sha256(self.encode()).hexdigest()

    def encode(self) -> bytes:
        """Write the file's bytes: the same cards give the same bytes."""
        entries = [
            _Entry(*key, card.known_ns, card.rarity)
            for key, card in sorted(self.cards.items(), key=lambda item: item[0])
        ]
        return msgspec.json.encode(_File(FORMAT, entries))


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    definition: str
    version: str
    pair: str
    known_ns: int
    rarity: dict[str, Any]


class _File(msgspec.Struct, forbid_unknown_fields=True):
    format: str
    entries: list[_Entry]


def parse_rarity(data: bytes) -> RarityCards:
    """Read a file of cards.

    Args:
        data: As `RarityCards.encode` writes it.

    Raises:
        InputError: Not such a file.
    """
    try:
        file = msgspec.json.decode(data, type=_File)
    except msgspec.MsgspecError as error:
        raise InputError(f"rarity cannot be read: {error}", operator_action=_ACTION) from error
    if file.format != FORMAT:
        raise InputError(f"rarity of format {file.format!r}, not {FORMAT!r}", operator_action=_ACTION)
    return RarityCards(
        {(one.definition, one.version, one.pair): Card(one.known_ns, one.rarity) for one in file.entries}
    )


def rarity_card(row: Rarity, known_ns: int, *, history_end: str, simulations: int, seed: int) -> Card:
    """Say how often a definition opened, and how often chance would have let it.

    Args:
        row: From `core.rarity.count_rarity`.
        known_ns: First time after the history's last close, ns UTC.
        history_end: The history's last session, ISO date.
        simulations: Histories by chance behind each expected count.
        seed: What made them.
    """
    nulls = {name: asdict(null) for name, null in sorted(row.nulls.items())}
    return Card(
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
    return RarityCards({(row.definition, row.version, row.pair): card for row, card in found})
