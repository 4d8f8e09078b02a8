"""The demo's set of base rates and rarity is that of the catalogue in force, and can be made again."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import rotascope
from core.definitions.catalogue import parse_catalogue
from core.events.artefact_set import ArtefactSet
from core.model.instruments import parse_universe
from core.model.records import Frequency
from core.runtime.artefact_files import demo_set
from core.runtime.files import CATALOGUE, UNIVERSE, read_text
from deploy.demo.artefacts import prepare_arguments
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


@pytest.mark.slow
def test_the_command_makes_the_same_cards_again(tmp_path: Path) -> None:
    """One pair: base rates but for q-values, which count all pairs; rarity to the last digit."""
    store = tmp_path / "set.json"
    words = [*prepare_arguments(tmp_path, store), "--pair", "RUT/SPX", "--cache", str(tmp_path / "kept")]
    done = CliRunner().invoke(rotascope.app, words, prog_name="rotascope")
    assert done.exit_code == 0, done.output
    again, shipped = ArtefactSet.parse(store.read_bytes()), demo_set()
    of_pair = {key: own for key, own in shipped.rarities.cards.items() if key[2] == "RUT/SPX"}
    assert again.rarities.cards == of_pair
    assert again.rates.cards.keys() == {key for key in shipped.rates.cards if key[2] == "RUT/SPX"}
