"""Maps a vendor's symbols, exchanges and sale conditions to numbers, with one dictionary lookup per trade."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.model.conditions import decide
from core.model.errors import ConfigurationError
from core.model.instruments import Instrument
from producers.feeds.alpaca.wire import UNDECODABLE

MAX_REMEMBERED: Final = 4096
"""Maximum combinations of sale conditions cached; real tapes have a few hundred."""

_LINE_FEED: Final = ord("\n")

_TAPES: Final = ("A", "B", "C", "")
"""Networks of the consolidated tape; the last represents any other, whose letters are unknown."""

_TAPE_COLUMN: Final = np.full(256, len(_TAPES) - 1, np.intp)
_TAPE_COLUMN[np.frombuffer(b"ABC", np.uint8)] = range(3)
_TAPE_COLUMN.setflags(write=False)


class RowOf(dict[str, int]):
    """Symbol → row of the subscription, −1 if unknown."""

    def __missing__(self, symbol: str) -> int:
        return -1


class ConditionCodes:
    """Determines what trades may update, from their encoded sale conditions.

    A tape has a few hundred combinations of letters. Each is decoded once and gets a row; a trade
    then takes one lookup by bytes.

    Args:
        decode: Decodes sale conditions to letters; raises on anything else.
    """

    def __init__(self, decode: Callable[[bytes], tuple[str, ...] | None]) -> None:
        self._rows = _Rows(self._learn)
        self._decode = decode
        self._codes = np.zeros((MAX_REMEMBERED, len(_TAPES)), np.uint32)

    def of(self, letters: Sequence[msgspec.Raw], tapes: Sequence[str]) -> NDArray[np.uint32]:
        """Look up a batch.

        Args:
            letters: Encoded sale conditions of each trade.
            tapes: Tape of each trade.

        Returns:
            Array (n,): flags, flags at the listing exchange << 8, 1 << 16 for unknown letters.

        Raises:
            Exception: What `decode` raises on invalid conditions.
        """
        columns = _TAPE_COLUMN[venue_codes(tapes)]
        try:
            return self._of_known(letters, columns)
        except _FullError:
            # A misbehaving feed must not exhaust memory: the cache is cleared and rebuilt, in parts
            # that fit.
            starts = range(0, len(letters), MAX_REMEMBERED)
            parts = [slice(start, start + MAX_REMEMBERED) for start in starts]
            return np.concatenate([self._of_forgotten(letters[part], columns[part]) for part in parts])

    def are_readable(self, letters: Sequence[msgspec.Raw]) -> list[bool]:
        """Return for each trade whether `of` accepts its encoded sale conditions."""
        found: dict[bytes, bool] = {}
        for encoded in set(map(bytes, letters)):
            found[encoded] = not encoded or encoded in self._rows or self._is_readable(encoded)
        return [found[encoded] for encoded in map(bytes, letters)]

    def _is_readable(self, encoded: bytes) -> bool:
        try:
            self._decode(encoded)
        except UNDECODABLE:
            return False
        return True

    def _of_known(self, letters: Sequence[msgspec.Raw], columns: NDArray[np.intp]) -> NDArray[np.uint32]:
        rows = np.fromiter(map(self._rows.__getitem__, map(bytes, letters)), np.intp, len(letters))
        codes: NDArray[np.uint32] = self._codes[rows, columns]
        return codes

    def _of_forgotten(self, letters: Sequence[msgspec.Raw], columns: NDArray[np.intp]) -> NDArray[np.uint32]:
        self._rows.clear()
        return self._of_known(letters, columns)

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
    """The cache is full."""


class _Rows(dict[bytes, int]):
    """Encoded letters → row."""

    def __init__(self, learn: Callable[[bytes], int]) -> None:
        super().__init__()
        self._learn = learn

    def __missing__(self, encoded: bytes) -> int:
        row = self[encoded] = self._learn(encoded)
        return row


def venue_codes(exchanges: Sequence[str]) -> NDArray[np.uint8]:
    """Return one byte per exchange: its ASCII letter, 0 if there is none.

    Example:
        >>> venue_codes(["P", "", "XNAS", "Q"]).tolist()
        [80, 0, 0, 81]
    """
    joined = "\n".join(exchanges)
    if joined.isascii() and len(joined) == 2 * len(exchanges) - 1:
        characters = np.frombuffer(joined.encode(), np.uint8)
        # Line feeds at every second position and nowhere else: each text is one character.
        if np.all(characters[1::2] == _LINE_FEED) and np.all(characters[::2] != _LINE_FEED):
            return characters[::2]
    letters = "".join(text if len(text) == 1 and text.isascii() else "\0" for text in exchanges)
    return np.frombuffer(letters.encode(), np.uint8)


def listing_code(instrument: Instrument) -> int:
    """Return the exchange whose prints may be official: its letter, -1 for any."""
    exchange = instrument.listing_exchange
    if exchange is None:
        return -1
    if len(exchange) != 1 or not exchange.isascii():
        raise ConfigurationError(
            f"{instrument.symbol}: listing exchange {exchange!r} is not an exchange code of this feed",
            operator_action="use the one-letter code of the tape, such as P, N or Q",
        )
    return ord(exchange)
