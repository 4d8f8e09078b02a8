"""The meaning of the tick files' flags, held against the rule table that reads the letters."""

from __future__ import annotations

import pytest

from core.model.conditions import CONDITIONS, decide
from core.model.errors import HistoryError
from core.model.records import Update
from producers.replay.sip_flags import TradeFlag, conditions_of


@pytest.mark.parametrize(
    ("flags", "tape", "letters"),
    [
        (0x1, "B", (" ",)),
        (0x1, "C", ("@",)),
        (0x20, "A", (" ", "F")),
        (0x20000020, "A", (" ", "F")),
        (0x2000, "B", (" ", "T")),
        (0x20002020, "B", (" ", "F", "T")),
        (0x40, "A", (" ", "O")),
        (0x80, "A", (" ", "6")),
        (0x4000000, "B", (" ", "Q")),
        (0x1000000, "B", (" ", "M")),
        (0x1000001, "B", (" ", "6")),
        (0x4800, "B", (" ", "Z")),
        (0x800, "B", (" ", "L")),
        (0x6004, "A", ("N", "U")),
        (0x20000002, "A", ("C",)),
        (0x20002008, "A", ("R", "T")),
        (0x20100200, "B", (" ", "4", "B")),
        (0x20100200, "C", ("@", "4", "W")),
        (0x20200040, "A", (" ", "O", "X")),
        (0x2000000, "A", (" ", "P")),
        (0x20040200, "A", (" ", "4", "V")),
        (0x80000001, "A", (" ", "I")),
    ],
)
def test_flags_become_the_letters_of_the_tape(flags: int, tape: str, letters: tuple[str, ...]) -> None:
    assert conditions_of(flags, tape) == letters


@pytest.mark.parametrize("tape", ["A", "B", "C"])
@pytest.mark.parametrize("flag", list(TradeFlag))
def test_every_flag_gives_letters_the_tape_knows(flag: TradeFlag, tape: str) -> None:
    letters = conditions_of(flag, tape)
    assert set(letters) <= CONDITIONS[tape].keys()


def test_extended_hours_move_no_price() -> None:
    update = decide("B", conditions_of(0x2000, "B"), from_listing_exchange=False).update
    assert update == Update.VOLUME


def test_suspicious_trade_counts_shares_but_moves_no_price() -> None:
    letters = conditions_of(0x1, "B", suspicious=True)
    update = decide("B", letters, from_listing_exchange=False).update
    assert update & Update.VOLUME
    assert not update & (Update.LAST | Update.HIGH_LOW)


@pytest.mark.parametrize("flags", [1 << 30, 1 << 32, 0x1 | 1 << 40])
def test_undocumented_flag_is_refused(flags: int) -> None:
    with pytest.raises(HistoryError, match="undocumented"):
        conditions_of(flags, "A")
