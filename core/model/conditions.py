"""Trade conditions: what a trade on the consolidated US tape may update.

A trade carries up to four sale-condition letters, and a field is updated only if **every** letter
allows it. A letter may have different meanings on the two networks (`B` is an average price
on tapes A and B and a bunched trade on tape C), so the table is keyed on the network.

Meaning of the flags of `core.model.records.Update`:

- `HIGH_LOW` without `LAST`: the day's extremes only. Such prints (prior reference price, derivatively
  priced, sold out of sequence) count for the day's high and low but not for minute bars.
- `REGULAR` is cleared by Form T alone. An odd lot is `VOLUME | REGULAR`: shares of the regular
  session that do not affect prices. Form T is volume only: the grid has no extended-hours seconds.
- `OFFICIAL` marks an official open or close, and only the listing exchange's. Alone (`M`, `Q`)
  it refers to an auction that was printed before: neither last, extreme nor volume.

Doubtful letters are interpreted conservatively, so that they never affect a price. Letters that update
the last price "only if it is the first of the day" (`G`, `P`, `Z`, `4`) never update it;
sources differ on whether `R` moves the extremes, and it does not; an unknown letter is volume only.

Source: CTS and UTP consolidated processing guidelines, as published in the condition table of
Massive (formerly Polygon) and in QuantConnect's mapping of it; letters from the CTS and UTP
output specifications.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from core.model.records import Update

_SESSION_VOLUME: Final = Update.VOLUME | Update.REGULAR
_DAY_EXTREMES: Final = Update.HIGH_LOW | _SESSION_VOLUME
_MESSAGE_ONLY: Final = Update.REGULAR
_CORRECTED_CLOSE: Final = Update.LAST | Update.HIGH_LOW | Update.REGULAR

_BOTH_NETWORKS: Final = {
    " ": Update.ALL,  # regular sale, as CTS writes it
    "@": Update.ALL,  # regular sale, as UTP writes it
    "C": _SESSION_VOLUME,  # cash sale
    "E": Update.ALL,  # automatic execution
    "F": Update.ALL,  # intermarket sweep
    "H": _SESSION_VOLUME,  # price variation
    "I": _SESSION_VOLUME,  # odd lot
    "K": Update.ALL,  # rule 127, rule 155
    "L": Update.ALL,  # sold last
    "M": _MESSAGE_ONLY,  # market center official close
    "N": _SESSION_VOLUME,  # next day
    "O": Update.ALL,  # opening trade
    "P": _DAY_EXTREMES,  # prior reference price
    "Q": _MESSAGE_ONLY,  # market center official open
    "R": _SESSION_VOLUME,  # seller
    "T": Update.VOLUME,  # Form T
    "U": Update.VOLUME,  # extended hours, sold out of sequence
    "V": _SESSION_VOLUME,  # contingent
    "X": Update.ALL,  # cross
    "Z": _DAY_EXTREMES,  # sold out of sequence
    "4": _DAY_EXTREMES,  # derivatively priced
    "5": Update.ALL,  # reopening trade
    "6": Update.ALL,  # closing trade
    "7": _SESSION_VOLUME,  # qualified contingent trade
    "8": Update.ALL,  # placeholder for 611 exempt: no effect on prices
    "9": _CORRECTED_CLOSE,  # corrected consolidated close: its shares were already counted
}
_CTA: Final = _BOTH_NETWORKS | {
    "B": _SESSION_VOLUME,  # average price
}
_UTP: Final = _BOTH_NETWORKS | {
    "A": Update.ALL,  # acquisition
    "B": Update.ALL,  # bunched
    "D": Update.ALL,  # distribution
    "G": _DAY_EXTREMES,  # bunched sold
    "S": Update.ALL,  # split trade
    "W": _SESSION_VOLUME,  # average price
    "Y": Update.ALL,  # yellow flag
    "1": Update.ALL,  # stopped stock
}

CONDITIONS: Final[Mapping[str, Mapping[str, Update]]] = MappingProxyType(
    {"A": MappingProxyType(_CTA), "B": MappingProxyType(_CTA), "C": MappingProxyType(_UTP)}
)
"""Tape → letter → maximum that a trade with this letter may update."""

OFFICIAL_LETTERS: Final = frozenset("6M9OQ")
"""Closing trade, official close, corrected close; opening trade, official open."""


class Decision(NamedTuple):
    """What a trade may update, and its unknown letters."""

    update: Update
    unknown: tuple[str, ...]


def decide(tape: str, codes: Sequence[str], *, from_listing_exchange: bool) -> Decision:
    """Combine the sale conditions of one trade.

    Args:
        tape: "A" or "B" (CTA), "C" (UTP). Any other tape makes every letter unknown.
        codes: Sale-condition letters; none for index values and for prints derived from bars.
        from_listing_exchange: The trade was printed by the instrument's listing exchange.

    Returns:
        The flags, and the unknown letters for the caller to count.

    Example:
        >>> decide("B", ["@", "6"], from_listing_exchange=True).update == Update.ALL | Update.OFFICIAL
        True
        >>> decide("C", ["@", "?"], from_listing_exchange=False)
        Decision(update=<Update.VOLUME|REGULAR: 12>, unknown=('?',))
    """
    letters: Mapping[str, Update] = CONDITIONS.get(tape, {})
    unknown = tuple(code for code in codes if code not in letters)
    update = Update.ALL
    for code in codes:
        update &= letters.get(code, _SESSION_VOLUME)
    if from_listing_exchange and not unknown and not OFFICIAL_LETTERS.isdisjoint(codes):
        update |= Update.OFFICIAL
    return Decision(update, unknown)
