"""Sets of base rates and rarity whose cards say which set they are from."""

from __future__ import annotations

from collections.abc import Sequence

from core.definitions.catalogue import Catalogue
from core.events.artefact_records import PublishedSets, collect_sets, set_records
from core.events.artefact_set import ArtefactSet
from core.events.cards import RarityCards, RateCards
from core.model.errors import TransportError
from core.model.instruments import Pair


def named_set(name: str, catalogue: Catalogue, pairs: Sequence[Pair]) -> ArtefactSet:
    """A set with cards of every definition and pair."""
    keys = [(each.definition_id, each.version, pair.name) for each in catalogue.definitions for pair in pairs]
    return ArtefactSet(
        RateCards({key: ((0, {"set": name}),) for key in keys}),
        RarityCards({key: ((0, {"set": name}),) for key in keys}),
    )


class MemorySets:
    """A topic of artefacts in memory.

    Args:
        sets: What is published.
    """

    def __init__(self, *sets: ArtefactSet) -> None:
        self.sets = list(sets)
        self.reads = 0
        self.away = False

    def read(self) -> PublishedSets:
        self.reads += 1
        if self.away:
            raise TransportError("no broker answers")
        return collect_sets(record for one in self.sets for record in set_records(one))
