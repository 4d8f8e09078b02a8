"""Base rates, rarity and dated events as the engine looks them up: artefacts made and pinned beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.definitions.definition import Definition
from core.events.cards import RarityCards, RateCards
from core.model.dated_events import DatedEvents
from core.model.instruments import Pair

_DIGITS = 16


@dataclass(frozen=True)
class Artefacts:
    """What `core.events.lookups.Lookups` asks for.

    Args:
        cards: Base rates; None for none.
        dated_events: Dated events; None for none.
        rarities: What chance would give; None for none.
    """

    cards: RateCards | None = None
    dated_events: DatedEvents | None = None
    rarities: RarityCards | None = None

    @property
    def digests(self) -> Mapping[str, str]:
        """What every event names as its provenance."""
        found = {
            "base_rates": self.cards,
            "calendar_events": self.dated_events,
            "rarity": self.rarities,
        }
        return {name: one.digest[:_DIGITS] for name, one in found.items() if one is not None}

    def base_rate(
        self, definition: Definition, pair: Pair, ts_knowable_ns: int
    ) -> Mapping[str, object] | None:
        """The latest card of the definition's version that was known by then."""
        if self.cards is None:
            return None
        return self.cards.find(definition.definition_id, definition.version, pair.name, ts_knowable_ns)

    def rarity(self, definition: Definition, pair: Pair, ts_knowable_ns: int) -> Mapping[str, object] | None:
        """The card of the definition's version, when its history had ended by then."""
        if self.rarities is None:
            return None
        return self.rarities.find(definition.definition_id, definition.version, pair.name, ts_knowable_ns)

    def tags(self, session: int, ts_knowable_ns: int) -> tuple[str, ...]:
        """The dated events around a session; what nobody knew beforehand is tagged from its day on."""
        return () if self.dated_events is None else self.dated_events.tags(session)
