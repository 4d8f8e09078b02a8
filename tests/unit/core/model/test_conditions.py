"""core.model.conditions: what each sale condition lets a trade update, on each network."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.conditions import (
    CONDITIONS,
    OFFICIAL_LETTERS,
    Decision,
    decide,
)
from core.model.records import Update

CTA_ONLY: set[str] = set()
UTP_ONLY = set("ADGSWY1")

# The published table, one row a condition: letters, then high/low, last, volume. "first" updates
# the last price only as the first trade of the day, which Rotascope reads as never.
PUBLISHED = [
    (" @", "yes", "yes", "yes"),
    ("AEXF", "yes", "yes", "yes"),
    ("CNR", "no", "no", "yes"),
    ("G", "yes", "first", "yes"),
    ("6O5", "yes", "yes", "yes"),
    ("4", "yes", "first", "yes"),
    ("TU", "no", "no", "yes"),
    ("MQ", "no", "no", "no"),
    ("H", "no", "no", "yes"),
    ("P", "yes", "first", "yes"),
    ("L", "yes", "yes", "yes"),
    ("Z", "yes", "first", "yes"),
    ("I", "no", "no", "yes"),
    ("9", "yes", "yes", "no"),
    ("V7", "no", "no", "yes"),
    ("DSYK18", "yes", "yes", "yes"),
]
ROWS = [
    (tape, letter, *rules)
    for letters, *rules in PUBLISHED
    for letter in letters
    for tape in "ABC"
    if letter in CONDITIONS[tape]
]

tapes = st.sampled_from("ABC")
letters = st.sampled_from(sorted(set(CONDITIONS["A"]) | set(CONDITIONS["C"])))
code_lists = st.lists(letters, max_size=4)


@pytest.mark.parametrize(("tape", "letter", "high_low", "last", "volume"), ROWS)
def test_each_letter_follows_the_published_table(
    tape: str, letter: str, high_low: str, last: str, volume: str
) -> None:
    update = decide(tape, [letter], from_listing_exchange=False).update
    assert (Update.HIGH_LOW in update) is (high_low == "yes")
    assert (Update.LAST in update) is (last == "yes")
    assert (Update.VOLUME in update) is (volume == "yes")
    assert (Update.REGULAR in update) is (letter not in "TU")


def test_every_letter_of_the_table_stands_in_the_published_one() -> None:
    published = {letter for letters, *_ in PUBLISHED for letter in letters} | set("BW")
    assert set(CONDITIONS["A"]) | set(CONDITIONS["C"]) == published


def test_the_networks_know_different_letters() -> None:
    assert set(CONDITIONS["A"]) == set(CONDITIONS["B"])
    assert set(CONDITIONS["C"]) - set(CONDITIONS["A"]) == UTP_ONLY
    assert set(CONDITIONS["A"]) - set(CONDITIONS["C"]) == CTA_ONLY


@pytest.mark.parametrize(
    ("tape", "letter", "moves_price"),
    [("A", "B", False), ("B", "B", False), ("C", "B", True), ("C", "W", False)],
)
def test_b_is_an_average_price_on_cta_and_a_bunched_trade_on_utp(
    tape: str, letter: str, moves_price: bool
) -> None:
    update = decide(tape, [letter], from_listing_exchange=False).update
    assert (Update.LAST in update) is moves_price
    assert (Update.HIGH_LOW in update) is moves_price
    assert Update.VOLUME in update


@given(tape=tapes, codes=code_lists, listed=st.booleans())
def test_a_field_is_updated_only_where_every_letter_allows_it(
    tape: str, codes: list[str], listed: bool
) -> None:
    together = decide(tape, codes, from_listing_exchange=listed).update & Update.ALL
    alone = [decide(tape, [code], from_listing_exchange=listed).update for code in codes]
    for flag in (Update.LAST, Update.HIGH_LOW, Update.VOLUME, Update.REGULAR):
        assert (flag in together) is all(flag in update for update in alone)


@given(tape=tapes, codes=code_lists, listed=st.booleans())
def test_neither_order_nor_repetition_matters(tape: str, codes: list[str], listed: bool) -> None:
    expected = decide(tape, codes, from_listing_exchange=listed).update
    assert decide(tape, codes[::-1] * 2, from_listing_exchange=listed).update == expected


@given(tape=tapes, codes=code_lists)
def test_only_the_listing_exchange_makes_a_price_official(tape: str, codes: list[str]) -> None:
    elsewhere = decide(tape, codes, from_listing_exchange=False)
    assert Update.OFFICIAL not in elsewhere.update
    listed = decide(tape, codes, from_listing_exchange=True)
    assert (Update.OFFICIAL in listed.update) is bool(OFFICIAL_LETTERS & set(codes) and not listed.unknown)
    assert listed.update & Update.ALL == elsewhere.update


@pytest.mark.parametrize("tape", ["A", "B", "C", "", "?"])
def test_a_print_without_conditions_updates_everything(tape: str) -> None:
    assert decide(tape, (), from_listing_exchange=False) == Decision(Update.ALL, ())


def test_the_closing_auction_of_spy_is_a_price_shares_and_official() -> None:
    assert decide("B", ["@", "6", "X"], from_listing_exchange=True).update == Update.ALL | Update.OFFICIAL


def test_the_official_close_message_adds_no_shares_a_second_time() -> None:
    assert decide("B", ["M"], from_listing_exchange=True).update == Update.OFFICIAL | Update.REGULAR


def test_a_corrected_close_moves_the_price_and_adds_no_shares() -> None:
    update = decide("C", ["9"], from_listing_exchange=True).update
    assert update == Update.LAST | Update.HIGH_LOW | Update.REGULAR | Update.OFFICIAL


def test_an_odd_lot_is_volume_of_the_regular_session() -> None:
    assert decide("C", ["@", "F", "I"], from_listing_exchange=False).update == Update.VOLUME | Update.REGULAR


def test_an_odd_lot_after_hours_is_volume_only() -> None:
    assert decide("C", ["@", "T", "I"], from_listing_exchange=False).update == Update.VOLUME


@pytest.mark.parametrize("letter", sorted("P4Z"))
def test_late_and_derived_prints_reach_the_days_extremes_only(letter: str) -> None:
    update = decide("A", [letter], from_listing_exchange=True).update
    assert update == Update.HIGH_LOW | Update.VOLUME | Update.REGULAR


@pytest.mark.parametrize(
    ("tape", "code"), [("A", "?"), ("C", "é"), ("A", "W"), ("D", "@"), ("C", ""), ("B", "66")]
)
def test_what_is_not_known_is_volume_only_and_reported(tape: str, code: str) -> None:
    decision = decide(tape, [code], from_listing_exchange=True)
    assert decision == Decision(Update.VOLUME | Update.REGULAR, (code,))


def test_an_unknown_letter_takes_the_official_mark_away() -> None:
    decision = decide("B", ["6", "?"], from_listing_exchange=True)
    assert Update.OFFICIAL not in decision.update
    assert decision.unknown == ("?",)


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        CONDITIONS["A"]["B"] = Update.ALL  # type: ignore[index]
