"""Alpaca's wire messages: one Struct per type, tagged by "T".

Source: Alpaca, "Real-time Stock Data" reference page.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec

from producers.feeds.base import Codec

Stamp = TypeVar("Stamp", str, msgspec.Raw)
"""A timestamp on the wire: JSON text, or an encoded msgpack extension."""

NO_LETTERS: Final = msgspec.Raw()
"""Missing sale conditions. Conditions stay encoded: the few existing combinations are decoded once
each, and a lookup by bytes is cheaper than a tuple of strings per trade."""

UNDECODABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""Exceptions that msgspec raises on invalid bytes."""


# The fields are in wire order, the order in which msgspec looks for them first.
class Trade(msgspec.Struct, Generic[Stamp], tag_field="T", tag="t", gc=False, kw_only=True):
    """A trade."""

    i: int
    S: str
    x: str = ""
    p: float
    s: float
    t: Stamp
    c: msgspec.Raw = NO_LETTERS
    z: str = ""


class Correction(msgspec.Struct, Generic[Stamp], tag_field="T", tag="c", gc=False, kw_only=True):
    """A withdrawn trade (o…) and its replacement (c…)."""

    S: str
    x: str = ""
    oi: int
    op: float
    os: float
    oc: msgspec.Raw = NO_LETTERS
    ci: int
    cp: float
    cs: float
    cc: msgspec.Raw = NO_LETTERS
    t: Stamp
    z: str = ""


class Cancel(msgspec.Struct, Generic[Stamp], tag_field="T", tag="x", gc=False, kw_only=True):
    """A cancelled trade."""

    S: str
    i: int
    x: str = ""
    p: float
    s: float
    t: Stamp
    z: str = ""


class Status(msgspec.Struct, Generic[Stamp], tag_field="T", tag="s", gc=False, kw_only=True):
    """A change of trading status."""

    S: str
    sc: str
    t: Stamp
    z: str = ""


class Success(msgspec.Struct, tag_field="T", tag="success", gc=False):
    """A step of the login."""

    msg: str = ""


class Subscription(msgspec.Struct, tag_field="T", tag="subscription", gc=False):
    """The full subscription, sent after each change."""

    trades: list[str] | None = None
    statuses: list[str] | None = None


class Error(msgspec.Struct, tag_field="T", tag="error", gc=False):
    """An error reported by the vendor."""

    code: int = 0
    msg: str = ""


_CONTROL = Success | Subscription | Error


class _Tag(msgspec.Struct):
    T: str


IGNORED_TYPES: Final = frozenset({"q", "b", "u", "d", "l", "i"})
"""Quotes, bars, price bands, imbalances: known types that are not logged."""

KNOWN_TYPES: Final = frozenset({"t", "c", "x", "s", "success", "subscription", "error"})


_MOST_COMMAS: Final = 32
"""Greater than the number of fields of any item of this vendor."""


class Wire(NamedTuple):
    """The decoders of one codec.

    Args:
        batch: Decodes a whole websocket message to its items; fails as a whole.
        item: Decodes one item.
        parts: Splits a whole websocket message into the bytes of each item.
        tag: Decodes only the type of one item.
        letters: Decodes sale conditions to letters.
        estimate: Estimates the number of items of a websocket message without decoding it. Each item's
            bytes are a separate object, so ten million items would take half a gigabyte.
    """

    batch: Callable[[bytes], list[Any]]
    item: Callable[[bytes | msgspec.Raw], Any]
    parts: Callable[[bytes], list[msgspec.Raw]]
    tag: Callable[[bytes | msgspec.Raw], _Tag]
    letters: Callable[[bytes], tuple[str, ...] | None]
    estimate: Callable[[bytes], int]


def _estimate_json(payload: bytes) -> int:
    """Estimate from the number of objects, or of commas if there are far more than the objects need."""
    return max(payload.count(b"{"), payload.count(b",") // _MOST_COMMAS)


def _estimate_msgpack(payload: bytes) -> int:
    """Read the length prefix of an array; 0 if there is no long array."""
    if payload[:1] not in (b"\xdc", b"\xdd"):
        return 0
    return int.from_bytes(payload[1:3] if payload[:1] == b"\xdc" else payload[1:5], "big")


def wire(codec: Codec) -> Wire:
    """Build the decoders of a codec."""
    if codec is Codec.JSON:
        text = Trade[str] | Correction[str] | Cancel[str] | Status[str] | _CONTROL
        return Wire(
            msgspec.json.Decoder(list[text]).decode,
            msgspec.json.Decoder(text).decode,
            msgspec.json.Decoder(list[msgspec.Raw]).decode,
            msgspec.json.Decoder(_Tag).decode,
            msgspec.json.Decoder(tuple[str, ...] | None).decode,
            _estimate_json,
        )
    binary = (
        Trade[msgspec.Raw] | Correction[msgspec.Raw] | Cancel[msgspec.Raw] | Status[msgspec.Raw] | _CONTROL
    )
    return Wire(
        msgspec.msgpack.Decoder(list[binary]).decode,
        msgspec.msgpack.Decoder(binary).decode,
        msgspec.msgpack.Decoder(list[msgspec.Raw]).decode,
        msgspec.msgpack.Decoder(_Tag).decode,
        msgspec.msgpack.Decoder(tuple[str, ...] | None).decode,
        _estimate_msgpack,
    )


def control_decoder(codec: Codec) -> Callable[[bytes], list[Success | Subscription | Error]]:
    """Build the decoder of control messages: login, subscription and errors."""
    decoder = msgspec.json.Decoder if codec is Codec.JSON else msgspec.msgpack.Decoder
    return decoder(list[_CONTROL]).decode
