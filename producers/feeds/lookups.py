"""From a vendor's symbols, exchanges and sale conditions to numbers: one dictionary look-up a trade."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from core.conditions import MAX_REMEMBERED, decide
from core.errors import ConfigurationError
from core.instruments import Instrument


class RowOf(dict[str, int]):
    """Symbol → row of the subscription, −1 for a stranger."""

    def __missing__(self, symbol: str) -> int:
        return -1


DecodeLetters = Callable[[bytes], tuple[str, ...] | None]


class TapeConditions(dict[bytes, int]):
    """Encoded letters → flags, flags at the listing exchange << 8, unknown letters << 16; on one tape."""

    def __init__(self, tape: str, decode: DecodeLetters) -> None:
        super().__init__()
        self._tape = tape
        self._decode = decode

    def __missing__(self, encoded: bytes) -> int:
        letters = (self._decode(encoded) if encoded else None) or ()
        anywhere = decide(self._tape, letters, from_listing_exchange=False)
        listed = decide(self._tape, letters, from_listing_exchange=True)
        code = int(anywhere.update) | int(listed.update) << 8 | bool(anywhere.unknown) << 16
        # A feed gone mad must not fill the memory.
        if len(self) < MAX_REMEMBERED:
            self[encoded] = code
        return code


class ConditionCodes(dict[str, TapeConditions]):
    """Tape → its conditions.

    Args:
        decode: Turns encoded sale conditions into letters; raises on anything else.
    """

    def __init__(self, decode: DecodeLetters) -> None:
        super().__init__()
        self._decode = decode

    def __missing__(self, tape: str) -> TapeConditions:
        conditions = TapeConditions(tape, self._decode)
        if len(self) < MAX_REMEMBERED:
            self[tape] = conditions
        return conditions


def venue_codes(exchanges: Sequence[str]) -> NDArray[np.uint8]:
    """One byte an exchange: its ASCII letter, 0 where there is none."""
    joined = "".join(exchanges)
    if len(joined) != len(exchanges) or not joined.isascii():
        joined = "".join(text if len(text) == 1 and text.isascii() else "\0" for text in exchanges)
    return np.frombuffer(joined.encode(), np.uint8)


def listing_code(instrument: Instrument) -> int:
    """Give the exchange whose prints may be official: its letter, -1 for any."""
    exchange = instrument.listing_exchange
    if exchange is None:
        return -1
    if len(exchange) != 1 or not exchange.isascii():
        raise ConfigurationError(
            f"{instrument.symbol}: listing exchange {exchange!r} is no exchange code of this feed",
            operator_action="use the one-letter code of the tape, such as P, N or Q",
        )
    return ord(exchange)
