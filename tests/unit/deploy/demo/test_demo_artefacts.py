"""The demo's set of base rates and rarity is that of the catalogue in force, and can be made again."""

from __future__ import annotations

from core.definitions.catalogue import parse_catalogue
from core.events.artefact_set import ArtefactSet
from core.events.cards import RarityCards
from core.model.instruments import parse_universe
from core.model.records import Frequency
from core.runtime.artefact_files import demo_set
from core.runtime.files import CATALOGUE, UNIVERSE, read_text
from deploy.demo.artefacts import difference
from deploy.demo.inputs import read_inputs
from deploy.local.artefact_versions import changed_definitions

AGAIN = "a definition has changed: make it anew with 'make demo-artefacts'"


def test_every_daily_definition_has_cards_of_its_present_version() -> None:
    catalogue, found = parse_catalogue(read_text(None, CATALOGUE)), demo_set()
    present = {(each.definition_id, each.version) for each in catalogue.definitions}
    for cards in (found.rates.cards, found.rarities.cards):
        assert changed_definitions(cards, catalogue) == [], AGAIN
        assert {(definition, version) for definition, version, _ in cards} <= present, AGAIN
    daily = {each.definition_id for each in catalogue.definitions if each.frequency == Frequency.DAY}
    assert {definition for definition, _, _ in found.rates.cards} == daily, AGAIN


def test_every_pair_with_daily_closes_has_cards_known_before_the_recording() -> None:
    closes = set(read_inputs(None).daily["symbol"])
    universe = parse_universe(read_text(None, UNIVERSE))
    pairs = {pair.name for pair in universe.pairs if {pair.numerator, pair.benchmark} <= closes}
    assert len(pairs) == 9
    found = demo_set()
    first_tick_ns = 1_720_396_800_000_000_000  # 2024-07-08
    for cards in (found.rates.cards, found.rarities.cards):
        assert {pair for _, _, pair in cards} == pairs
        assert all(known_ns < first_tick_ns for own in cards.values() for known_ns, _ in own)


def test_a_set_that_differs_from_the_shipped_one_is_named() -> None:
    shipped = demo_set()
    assert difference(ArtefactSet.parse(shipped.encode()), shipped) is None
    key = next(iter(shipped.rarities.cards))
    fewer = {one: own for one, own in shipped.rarities.cards.items() if one != key}
    changed = ArtefactSet(shipped.rates, RarityCards(fewer))
    assert difference(changed, shipped) == f"1 of the cards differ: {' '.join(key)}"
