"""Files of cards: the bytes they have had from the first, and no other kind's."""

from __future__ import annotations

import pytest

from core.events.cards import Cards, RarityCards, RateCards
from core.model.errors import InputError

UP, DOWN = ("up", "1f", "A/B"), ("down", "2f", "A/B")
RATES = RateCards({UP: ((3, {"as_of": "x"}), (9, {"as_of": "y"})), DOWN: ()})
RARITY = RarityCards({UP: ((7, {"count": 2}),)})


@pytest.mark.parametrize(
    ("cards", "data"),
    [
        (
            RATES,
            b'{"format":"rotascope-base-rates/1","entries":['
            b'{"definition":"down","version":"2f","pair":"A/B","cards":[]},'
            b'{"definition":"up","version":"1f","pair":"A/B","cards":['
            b'{"known_ns":3,"base_rate":{"as_of":"x"}},{"known_ns":9,"base_rate":{"as_of":"y"}}]}]}',
        ),
        (
            RARITY,
            b'{"format":"rotascope-rarity/1","entries":['
            b'{"definition":"up","version":"1f","pair":"A/B","known_ns":7,"rarity":{"count":2}}]}',
        ),
    ],
)
def test_a_file_keeps_its_bytes(cards: Cards, data: bytes) -> None:
    """Events name a digest of them."""
    assert cards.encode() == data
    assert type(cards).parse(data) == cards


@pytest.mark.parametrize(("kind", "other"), [(RateCards, RARITY), (RarityCards, RATES)])
def test_one_kind_is_not_read_as_the_other(kind: type[Cards], other: Cards) -> None:
    with pytest.raises(InputError, match=f"{kind.noun} "):
        kind.parse(other.encode())


def test_dated_cards_may_stand_in_any_order() -> None:
    backwards = RateCards({UP: RATES.cards[UP][::-1], DOWN: ()})
    assert RateCards.parse(backwards.encode()) == RATES
