"""Base rates, rarity and dated events for the engine, from pinned artefacts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from core.definitions.definition import Definition
from core.events.artefact_set import ArtefactSet
from core.events.cards import RarityCards, RateCards
from core.model.dated_events import DatedEvents
from core.model.instruments import Pair

_DIGITS = 16


@dataclass(frozen=True)
class Artefacts:
    """Implements `core.events.lookups.Lookups`.

    Args:
        cards: Base rates; None for none.
        dated_events: Dated events; None for none.
        rarities: Chance frequencies; None for none.
    """

    cards: RateCards | None = None
    dated_events: DatedEvents | None = None
    rarities: RarityCards | None = None

    @classmethod
    def of(cls, one: ArtefactSet | None, dated_events: DatedEvents | None) -> Self:
        """Look things up in a set; kinds of cards that it has none of are no artefacts."""
        if one is None:
            return cls(None, dated_events, None)
        return cls(
            one.rates if one.rates.cards else None,
            dated_events,
            one.rarities if one.rarities.cards else None,
        )

    @property
    def digests(self) -> Mapping[str, str]:
        """Digests for the provenance of every event."""
        found = {
            "base_rates": self.cards,
            "calendar_events": self.dated_events,
            "rarity": self.rarities,
        }
        return {name: one.digest[:_DIGITS] for name, one in found.items() if one is not None}

    def base_rate(
        self, definition: Definition, pair: Pair, ts_knowable_ns: int
    ) -> Mapping[str, object] | None:
        """Return the latest card of the definition's version known at the time."""
        if self.cards is None:
            return None
        return self.cards.find(definition.definition_id, definition.version, pair.name, ts_knowable_ns)

    def rarity(self, definition: Definition, pair: Pair, ts_knowable_ns: int) -> Mapping[str, object] | None:
        """Return the card of the definition's version, if its history had ended by the time."""
        if self.rarities is None:
            return None
        return self.rarities.find(definition.definition_id, definition.version, pair.name, ts_knowable_ns)

    def tags(self, session: int, ts_knowable_ns: int) -> tuple[str, ...]:
        """Return the dated events around a session; unscheduled ones are tagged from their day on."""
        return () if self.dated_events is None else self.dated_events.tags(session)
