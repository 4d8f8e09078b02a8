"""Rarity as events take it along: written, read back, and refused when it is something else."""

from __future__ import annotations

import pytest

from core.events.cards import RarityCards
from core.model.errors import InputError
from core.research.rarity import NullCount, Rarity
from core.research.rarity_cards import rarity_card, rarity_cards

ROW = Rarity(
    definition="up",
    version="1f",
    pair="A/B",
    history_start="1990-01-02",
    sessions=252,
    count=2,
    per_year=2.0,
    last="2024-07-11",
    nulls={"shuffled": NullCount(2.5, 0.5, 2.5, 0.75), "coin_flip": NullCount(0.5, 0.1, 0.5, 0.0)},
)


def test_cards_come_back_as_they_were_written() -> None:
    card = rarity_card(ROW, 77, history_end="2024-07-31", simulations=20, seed=3)
    cards = rarity_cards([(ROW, card)])
    again = RarityCards.parse(cards.encode())
    assert again == cards
    assert (again.encode(), again.digest) == (cards.encode(), cards.digest)
    assert again.find("up", "1f", "A/B", 76) is None
    assert again.find("up", "1f", "A/B", 77) == {
        "history_start": "1990-01-02",
        "history_end": "2024-07-31",
        "sessions": 252,
        "count": 2,
        "per_year": 2.0,
        "by_chance": {
            "coin_flip": {"expected": 0.5, "standard_error": 0.1, "per_year": 0.5, "at_least_real": 0.0},
            "shuffled": {"expected": 2.5, "standard_error": 0.5, "per_year": 2.5, "at_least_real": 0.75},
        },
        "simulations": 20,
        "seed": 3,
    }
    assert again.find("up", "2f", "A/B", 77) is None


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"{", "rarity cannot be read"),
        (b'{"format":"rotascope-base-rates/1","entries":[]}', "rarity of format 'rotascope-base-rates/1'"),
        (b'{"format":"rotascope-rarity/1","entries":[{"definition":1}]}', "rarity cannot be read"),
    ],
)
def test_another_file_is_refused_with_what_to_do(data: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said) as refused:
        RarityCards.parse(data)
    assert "study nulls --store" in str(refused.value)
