"""What the engine looks up: base rates by version and time, tags by session."""

from __future__ import annotations

from datetime import date

from core.definitions.catalogue import parse_catalogue
from core.events.artefacts import Artefacts
from core.events.cards import RarityCards, RateCards
from core.model.dated_events import DatedEvents, Kind
from core.model.instruments import Pair
from core.model.sessions import build_calendar
from tests.support.definitions import opposite_day

DEFINITION = parse_catalogue(opposite_day("up")).get("up")
PAIR = Pair("A", "B")


def test_nothing_is_found_in_nothing() -> None:
    nothing = Artefacts()
    assert nothing.digests == {}
    assert nothing.base_rate(DEFINITION, PAIR, 10) is None
    assert nothing.rarity(DEFINITION, PAIR, 10) is None
    assert nothing.tags(5, 10) == ()


def test_a_card_is_found_by_the_definitions_version() -> None:
    cards = RateCards({("up", DEFINITION.version, "A/B"): ((10, {"as_of": "x"}),)})
    day = build_calendar("24/7", date(1970, 1, 6), date(1970, 1, 7))
    fomc = Kind("fomc", before=0, after=0, scheduled=True, early_close=False, rule=None)
    found = Artefacts(cards, DatedEvents([(fomc, frozenset({date(1970, 1, 6)}))], day, "d" * 64))
    assert found.base_rate(DEFINITION, PAIR, 9) is None
    assert found.base_rate(DEFINITION, PAIR, 10) == {"as_of": "x"}
    assert found.base_rate(DEFINITION, Pair("B", "A"), 10) is None
    assert (found.tags(5, 0), found.tags(6, 0)) == (("fomc",), ())
    assert found.rarity(DEFINITION, PAIR, 10) is None
    assert found.digests == {"base_rates": cards.digest[:16], "calendar_events": "d" * 16}


def test_rarity_is_given_only_to_events_after_its_history() -> None:
    cards = RarityCards({("up", DEFINITION.version, "A/B"): ((10, {"count": 2}),)})
    found = Artefacts(rarities=cards)
    assert found.rarity(DEFINITION, PAIR, 9) is None
    assert found.rarity(DEFINITION, PAIR, 10) == {"count": 2}
    assert found.rarity(DEFINITION, Pair("B", "A"), 10) is None
    assert found.digests == {"rarity": cards.digest[:16]}
