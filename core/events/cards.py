"""Cards that events carry, by definition, version and pair, and their files.

Studies build them: `core.research.base_rate_cards` for base rates, `core.research.rarity_cards` for
chance frequencies. An event never carries a card that became known after it.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Generic, Self, TypeVar

import msgspec

from core.model.errors import InputError

Key = tuple[str, str, str]
"""Definition id, version, pair."""

Card = tuple[int, Mapping[str, object]]
"""Time from which it may be used, ns UTC; JSON content."""


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    definition: str
    version: str
    pair: str

    @property
    def key(self) -> Key:
        return self.definition, self.version, self.pair


class _DatedRate(msgspec.Struct, forbid_unknown_fields=True):
    known_ns: int
    base_rate: Mapping[str, Any]


class _RateEntry(_Entry, forbid_unknown_fields=True):
    cards: list[_DatedRate]

    @classmethod
    def of(cls, key: Key, own: Sequence[Card]) -> Self:
        return cls(*key, [_DatedRate(*one) for one in own])

    @property
    def own(self) -> tuple[Card, ...]:
        found = ((one.known_ns, one.base_rate) for one in self.cards)
        return tuple(sorted(found, key=lambda one: one[0]))


class _RarityEntry(_Entry, forbid_unknown_fields=True):
    known_ns: int
    rarity: Mapping[str, Any]

    @classmethod
    def of(cls, key: Key, own: Sequence[Card]) -> Self:
        (one,) = own
        return cls(*key, *one)

    @property
    def own(self) -> tuple[Card, ...]:
        return ((self.known_ns, self.rarity),)


EntryT = TypeVar("EntryT")


class _File(msgspec.Struct, Generic[EntryT], forbid_unknown_fields=True):
    format: str
    entries: list[EntryT]


@dataclass(frozen=True)
class Cards:
    """Cards by definition, version and pair: `RateCards` or `RarityCards`.

    Args:
        cards: Key → its cards, ascending.
    """

    cards: Mapping[Key, Sequence[Card]]

    noun: ClassVar[str]
    format: ClassVar[str]
    command: ClassVar[str]
    entry: ClassVar[type[_RateEntry | _RarityEntry]]
    file: ClassVar[type[_File[Any]]]

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a file of cards.

        Args:
            data: Output of `encode`.

        Raises:
            InputError: The file is invalid.
        """
        action = f"recreate the file with 'rotascope {cls.command} --store FILE'"
        try:
            file = msgspec.json.decode(data, type=cls.file)
        except msgspec.MsgspecError as error:
            raise InputError(f"{cls.noun} cannot be read: {error}", operator_action=action) from error
        if file.format != cls.format:
            raise InputError(
                f"{cls.noun} of format {file.format!r}, not {cls.format!r}", operator_action=action
            )
        return cls({entry.key: entry.own for entry in file.entries})

    def find(
        self, definition: str, version: str, pair: str, ts_knowable_ns: int
    ) -> Mapping[str, object] | None:
        """Return the latest card known at a time, or None."""
        own = self.cards.get((definition, version, pair), ())
        position = bisect_right(own, ts_knowable_ns, key=lambda one: one[0])
        return own[position - 1][1] if position else None

    @cached_property
    def digest(self) -> str:
        """SHA-256, in hex, of the encoded cards."""
        return hashlib.sha256(self.encode()).hexdigest()

    def encode(self) -> bytes:
        """Serialise the cards; the same cards give the same bytes."""
        entries = [self.entry.of(key, own) for key, own in sorted(self.cards.items())]
        return msgspec.json.encode(_File(self.format, entries))


class RateCards(Cards):
    """Base rates as of each quarter's end."""

    noun = "base rates"
    format = "rotascope-base-rates/1"
    command = "study base-rates"
    entry = _RateEntry
    file = _File[_RateEntry]


class RarityCards(Cards):
    """Chance frequencies: one card each, as of the end of its history."""

    noun = "rarity"
    format = "rotascope-rarity/1"
    command = "study nulls"
    entry = _RarityEntry
    file = _File[_RarityEntry]
