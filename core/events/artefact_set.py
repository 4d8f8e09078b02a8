"""A set of artefacts: the base rates and the rarity that are in force together.

A set is identified by the digest of its cards. A mark in the log names it by 63 bits of that digest, so
every worker gives the events after the mark the same cards, wherever it found the set.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Final, Self, TypeVar

import msgspec

from core.events.cards import Cards, RarityCards, RateCards
from core.model.errors import InputError

FORMAT: Final = "rotascope-artefacts/1"
NO_SET: Final = 0
"""The mark that puts no set in force."""
_ACTION: Final = "make it anew with 'rotascope study prepare --store FILE'"
_MARK_DIGITS: Final = 16
_GZIP: Final = b"\x1f\x8b"

CardsT = TypeVar("CardsT", bound=Cards)


class _SetFile(msgspec.Struct, forbid_unknown_fields=True):
    format: str
    base_rates: msgspec.Raw
    rarity: msgspec.Raw


@dataclass(frozen=True)
class ArtefactSet:
    """Cards of base rates and rarity.

    Args:
        rates: Base rates; may be empty.
        rarities: Chance frequencies; may be empty.
    """

    rates: RateCards
    rarities: RarityCards

    @cached_property
    def digest(self) -> str:
        """SHA-256, in hex, of the cards, independent of their compression."""
        content = (FORMAT.encode(), self.rates.encode(), self.rarities.encode())
        return hashlib.sha256(b"\n".join(content)).hexdigest()

    @property
    def mark(self) -> int:
        """What a mark in the log says to put this set in force."""
        return mark_of(self.digest)

    @property
    def pairs(self) -> frozenset[str]:
        """Names of the pairs that have a card."""
        return frozenset(pair for _, _, pair in chain(self.rates.cards, self.rarities.cards))

    @property
    def versions(self) -> Mapping[str, list[str]]:
        """Definition id → the versions it has cards of, both in order."""
        found: dict[str, set[str]] = {}
        for definition, version, _ in chain(self.rates.cards, self.rarities.cards):
            found.setdefault(definition, set()).add(version)
        return {definition: sorted(own) for definition, own in sorted(found.items())}

    def as_json(self) -> bytes:
        """Serialise the set as one JSON object."""
        content = _SetFile(FORMAT, msgspec.Raw(self.rates.encode()), msgspec.Raw(self.rarities.encode()))
        return msgspec.json.encode(content)

    def encode(self) -> bytes:
        """Serialise the set: gzip of `as_json`."""
        return gzip.compress(self.as_json(), mtime=0)

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a set.

        Args:
            data: Output of `encode` or of `as_json`.

        Raises:
            InputError: It is not a set, or damaged.

        Example:
            >>> empty = ArtefactSet(RateCards({}), RarityCards({}))
            >>> ArtefactSet.parse(empty.encode()).digest == empty.digest
            True
        """
        try:
            text = gzip.decompress(data) if data.startswith(_GZIP) else data
            file = msgspec.json.decode(text, type=_SetFile)
        except (msgspec.MsgspecError, OSError, EOFError, zlib.error) as error:
            raise InputError(
                f"the set of artefacts cannot be read: {error}", operator_action=_ACTION
            ) from error
        if file.format != FORMAT:
            raise InputError(
                f"the set of artefacts has format {file.format!r}, not {FORMAT!r}", operator_action=_ACTION
            )
        return cls(_cards(RateCards, file.base_rates), _cards(RarityCards, file.rarity))


def _cards(kind: type[CardsT], data: msgspec.Raw) -> CardsT:
    try:
        return kind.parse(bytes(data))
    except InputError as error:
        raise InputError(error.message, operator_action=_ACTION) from error


def mark_of(digest: str) -> int:
    """Return the mark of a set: the first 63 bits of its digest, never `NO_SET`.

    Args:
        digest: Hexadecimal, at least 16 digits.

    Example:
        >>> mark_of("0" * 63 + "1"), mark_of("f" * 64) == 2**63 - 1
        (1, True)
    """
    return (int(digest[:_MARK_DIGITS], 16) >> 1) or 1


def digits_of(mark: int) -> str:
    """Return the digits of a set's digest that its mark holds, as commands print and accept them.

    Args:
        mark: From `mark_of`: half the number that the first digits are, so the last of them is lost.

    Example:
        >>> digits_of(mark_of("cf93a9c6e6fed62e" + 48 * "0"))
        'cf93a9c6e6fed62'
    """
    return f"{mark << 1:0{_MARK_DIGITS}x}"[:-1]
