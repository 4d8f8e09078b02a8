"""Sale-condition flags of the 2013 tick files, and the corresponding letters of the tape.

The files carry AlgoSeek's 32-bit flags; clients of the vendor's protocol expect the letters of
CTS (tapes A and B) and UTP (tape C). A settlement letter always comes first, as on the wire.

Ambiguous flags are resolved from the data:

- Official close together with regular sale (`0x1000001`) is the closing auction itself, `6`:
  on 2013-10-08 no separate closing print of SPY exists, and the day's shares come to within
  0.03 % of the published volume only when this record's 2,764,728 are counted. Official close
  alone is `M`, a message whose shares were reported before.
- Out of sequence with extended hours is `U`, without it `Z`; `0x800` alone is "sold last", `L`.
- A tape has no letter for "exempt from the trade-through rule"; it does not affect what a trade may update.
- A trade AlgoSeek marks suspicious (far from the market, may be reversed) becomes `H`, price
  variation: its shares count, its price is ignored. The eight files contain none.

Source: bit positions in QuantConnect LEAN, `Common/Data/Auxiliary/TradeConditionFlags.cs`, and
the meaning of `suspicious` in its `Data/equity/readme.md`.
"""

from __future__ import annotations

from enum import IntFlag
from typing import Final

from core.model.errors import HistoryError


class TradeFlag(IntFlag):
    """AlgoSeek's documented trade flags."""

    REGULAR = 1 << 0
    CASH = 1 << 1
    NEXT_DAY = 1 << 2
    SELLER = 1 << 3
    YELLOW_FLAG = 1 << 4
    INTERMARKET_SWEEP = 1 << 5
    OPENING_PRINT = 1 << 6
    CLOSING_PRINT = 1 << 7
    REOPENING_PRINT = 1 << 8
    DERIVATIVELY_PRICED = 1 << 9
    FORM_T = 1 << 10
    SOLD_LAST = 1 << 11
    STOPPED = 1 << 12
    EXTENDED_HOURS = 1 << 13
    OUT_OF_SEQUENCE = 1 << 14
    SPLIT = 1 << 15
    ACQUISITION = 1 << 16
    BUNCHED = 1 << 17
    STOCK_OPTION = 1 << 18
    DISTRIBUTION = 1 << 19
    AVERAGE_PRICE = 1 << 20
    CROSS = 1 << 21
    PRICE_VARIATION = 1 << 22
    RULE_155 = 1 << 23
    OFFICIAL_CLOSE = 1 << 24
    PRIOR_REFERENCE_PRICE = 1 << 25
    OFFICIAL_OPEN = 1 << 26
    CAP_ELECTION = 1 << 27
    AUTOMATIC_EXECUTION = 1 << 28
    TRADE_THROUGH_EXEMPT = 1 << 29
    ODD_LOT = 1 << 31


_KNOWN: Final = sum(TradeFlag)
_SUSPICIOUS_LETTER: Final = "H"

_SETTLEMENT: Final = ((TradeFlag.CASH, "C"), (TradeFlag.NEXT_DAY, "N"), (TradeFlag.SELLER, "R"))

# In the order of the tape's levels: reason of exemption, extended hours, detail. Letters are
# given as (CTS, UTP); an empty one means that the network has no letter for it today, and such a
# trade updates what a regular sale does.
_LETTERS: Final = (
    (TradeFlag.INTERMARKET_SWEEP, "F", "F"),
    (TradeFlag.OPENING_PRINT, "O", "O"),
    (TradeFlag.DERIVATIVELY_PRICED, "4", "4"),
    (TradeFlag.REOPENING_PRINT, "5", "5"),
    (TradeFlag.CLOSING_PRINT, "6", "6"),
    (TradeFlag.STOPPED, "", "1"),
    (TradeFlag.ACQUISITION, "", "A"),
    (TradeFlag.BUNCHED, "", "B"),
    (TradeFlag.DISTRIBUTION, "", "D"),
    (TradeFlag.AUTOMATIC_EXECUTION, "E", ""),
    (TradeFlag.PRICE_VARIATION, "H", "H"),
    (TradeFlag.ODD_LOT, "I", "I"),
    (TradeFlag.RULE_155, "K", "K"),
    (TradeFlag.PRIOR_REFERENCE_PRICE, "P", "P"),
    (TradeFlag.OFFICIAL_OPEN, "Q", "Q"),
    (TradeFlag.SPLIT, "", "S"),
    (TradeFlag.STOCK_OPTION, "V", "V"),
    (TradeFlag.AVERAGE_PRICE, "B", "W"),
    (TradeFlag.CROSS, "X", "X"),
    (TradeFlag.YELLOW_FLAG, "", "Y"),
)


def conditions_of(flags: int, tape: str, *, suspicious: bool = False) -> tuple[str, ...]:
    """Convert the flags of one trade to the letters of its tape.

    Args:
        flags: AlgoSeek's bit field.
        tape: "A", "B" or "C".
        suspicious: AlgoSeek marked the trade as suspicious.

    Returns:
        Condition letters, the settlement letter first.

    Raises:
        HistoryError: A bit is undocumented, so its effect is unknown.

    Example:
        >>> conditions_of(0x20002020, "B"), conditions_of(0x1000001, "B"), conditions_of(0x80, "A")
        ((' ', 'F', 'T'), (' ', '6'), (' ', '6'))
    """
    if flags & ~_KNOWN:
        raise HistoryError(f"condition flags {flags:x} contain an undocumented bit")
    is_utp = tape == "C"
    regular_sale = "@" if is_utp else " "
    letters = [next((letter for flag, letter in _SETTLEMENT if flags & flag), regular_sale)]
    for flag, cts_letter, utp_letter in _LETTERS:
        letter = utp_letter if is_utp else cts_letter
        if flags & flag and letter:
            letters.append(letter)
    letters.extend(_reporting_letters(flags))
    letters.extend(_closing_letters(flags))
    if suspicious:
        letters.append(_SUSPICIOUS_LETTER)
    return tuple(dict.fromkeys(letters))


def _reporting_letters(flags: int) -> list[str]:
    """Letters for when and in which order the trade was reported."""
    if flags & (TradeFlag.EXTENDED_HOURS | TradeFlag.FORM_T):
        return ["U" if flags & TradeFlag.OUT_OF_SEQUENCE else "T"]
    if flags & TradeFlag.OUT_OF_SEQUENCE:
        return ["Z"]
    return ["L"] if flags & TradeFlag.SOLD_LAST else []


def _closing_letters(flags: int) -> list[str]:
    """Letter of the official close, as a trade (`6`) or as a message (`M`)."""
    if not flags & TradeFlag.OFFICIAL_CLOSE:
        return []
    return ["6" if flags & TradeFlag.REGULAR else "M"]
