"""Alpaca's messages as they stand on the wire: one Struct a type, tagged by "T".

Source: Alpaca, "Real-time Stock Data" reference page.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec

from producers.feeds.base import Codec

Stamp = TypeVar("Stamp", str, msgspec.Raw)
"""A timestamp as it stands on the wire: JSON text, or an encoded msgpack extension."""

NO_LETTERS: Final = msgspec.Raw()
"""Sale conditions that are not there. They stay encoded: the few combinations there are, are decoded
once each, and a look-up by bytes is cheaper than a tuple of strings a trade."""

UNDECODABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises on bytes that are not what they should be."""


# The fields stand in the order of the wire, which is the order msgspec looks for them first.
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
    """A trade taken back (o…) and the trade put in its place (c…)."""

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
    """A trade that never happened."""

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
    """A step of the log-in."""

    msg: str = ""


class Subscription(msgspec.Struct, tag_field="T", tag="subscription", gc=False):
    """Everything subscribed to, after each change."""

    trades: list[str] | None = None
    statuses: list[str] | None = None


class Error(msgspec.Struct, tag_field="T", tag="error", gc=False):
    """What the vendor refuses or reports."""

    code: int = 0
    msg: str = ""


_CONTROL = Success | Subscription | Error


class _Tag(msgspec.Struct):
    T: str


IGNORED_TYPES: Final = frozenset({"q", "b", "u", "d", "l", "i"})
"""Quotes, bars, price bands, imbalances: known, and not what the log is made of."""

KNOWN_TYPES: Final = frozenset({"t", "c", "x", "s", "success", "subscription", "error"})


_MOST_COMMAS: Final = 32
"""More than any item of this vendor has."""


class Wire(NamedTuple):
    """The decoders of one codec.

    Args:
        batch: A whole websocket message → its items; fails as a whole.
        item: One item.
        parts: A whole websocket message → the bytes of each item.
        tag: One item → its type alone.
        letters: Encoded sale conditions → letters.
        estimate: A whole websocket message → about how many items it has, without decoding it. The
            bytes of an item are an object of their own, so ten million items cost half a gigabyte.
    """

    batch: Callable[[bytes], list[Any]]
    item: Callable[[bytes | msgspec.Raw], Any]
    parts: Callable[[bytes], list[msgspec.Raw]]
    tag: Callable[[bytes | msgspec.Raw], _Tag]
    letters: Callable[[bytes], tuple[str, ...] | None]
    estimate: Callable[[bytes], int]


def _estimate_json(payload: bytes) -> int:
    """Estimate from objects, and from commas where there are far more of them than objects need."""
    return max(payload.count(b"{"), payload.count(b",") // _MOST_COMMAS)


def _estimate_msgpack(payload: bytes) -> int:
    """Read the length that stands in front of an array; 0 where there is no long array."""
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
    """Build the decoder of messages that hold nothing but log-in, subscription and errors."""
    decoder = msgspec.json.Decoder if codec is Codec.JSON else msgspec.msgpack.Decoder
    return decoder(list[_CONTROL]).decode
