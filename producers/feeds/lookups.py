"""From a vendor's symbols, exchanges and sale conditions to numbers: one dictionary look-up a trade."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.conditions import decide
from core.errors import ConfigurationError
from core.instruments import Instrument

MAX_REMEMBERED: Final = 4096
"""Combinations of sale conditions kept; real tapes show a few hundred."""

_TAPES: Final = ("A", "B", "C", "")
"""Networks of the consolidated tape; the last stands for every other, whose letters nobody knows."""

_TAPE_COLUMN: Final = np.full(256, len(_TAPES) - 1, np.intp)
_TAPE_COLUMN[np.frombuffer(b"ABC", np.uint8)] = range(3)
_TAPE_COLUMN.setflags(write=False)


class RowOf(dict[str, int]):
    """Symbol → row of the subscription, −1 for a stranger."""

    def __missing__(self, symbol: str) -> int:
        return -1


class ConditionCodes:
    """What the trades of a batch may update, from their encoded sale conditions.

    A tape shows a few hundred combinations of letters. Each is decoded once and gets a row; a
    trade then costs one look-up by bytes.

    Args:
        decode: Turns encoded sale conditions into letters; raises on anything else.
    """

    def __init__(self, decode: Callable[[bytes], tuple[str, ...] | None]) -> None:
        self._rows = _Rows(self._learn)
        self._decode = decode
        self._codes = np.zeros((MAX_REMEMBERED, len(_TAPES)), np.uint32)

    def of(self, letters: Sequence[msgspec.Raw], tapes: Sequence[str]) -> NDArray[np.uint32]:
        """Look a batch up.

        Args:
            letters: Encoded sale conditions of each trade.
            tapes: Tape of each trade.

        Returns:
            Array (n,): flags, flags at the listing exchange << 8, 1 << 16 for unknown letters.

        Raises:
            ValueError: More combinations in one batch than are remembered.
            Exception: What `decode` raises on conditions that are none.
        """
        count = len(letters)
        try:
            rows = np.fromiter(map(self._rows.__getitem__, map(bytes, letters)), np.intp, count)
        except _FullError:
            # A feed gone mad must not fill the memory: everything is forgotten and learnt again.
            self._rows.clear()
            rows = np.fromiter(map(self._rows.__getitem__, map(bytes, letters)), np.intp, count)
        codes: NDArray[np.uint32] = self._codes[rows, _TAPE_COLUMN[venue_codes(tapes)]]
        return codes

    def _learn(self, encoded: bytes) -> int:
        letters = (self._decode(encoded) if encoded else None) or ()
        row = len(self._rows)
        if row == len(self._codes):
            raise _FullError("too many combinations of sale conditions")
        for column, tape in enumerate(_TAPES):
            anywhere = decide(tape, letters, from_listing_exchange=False)
            listed = decide(tape, letters, from_listing_exchange=True)
            unknown = bool(anywhere.unknown) << 16
            self._codes[row, column] = int(anywhere.update) | int(listed.update) << 8 | unknown
        return row


class _FullError(ValueError):
    """No row is left."""


class _Rows(dict[bytes, int]):
    """Encoded letters → row."""

    def __init__(self, learn: Callable[[bytes], int]) -> None:
        super().__init__()
        self._learn = learn

    def __missing__(self, encoded: bytes) -> int:
        row = self[encoded] = self._learn(encoded)
        return row


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
