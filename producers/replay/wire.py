"""Encodes recorded trades and control messages in the vendor's wire format, JSON or msgpack.

Trades are encoded by column: a NumPy record holds the numbers of all trades at fixed offsets, and
the other fields (exchange, conditions, tape, symbol) are encoded once per combination. Numbers in
msgpack therefore always use their widest form where the vendor sends the narrowest; decoders read
the same values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.model.records import NANOSECONDS_PER_SECOND
from producers.replay.recording import Recording

CONTENT_TYPE_MSGPACK: Final = "application/msgpack"
CONTENT_TYPE_JSON: Final = "application/json"
TIMESTAMP_KEY: Final = "t"
"""The key whose value, an int of nanoseconds, becomes a timestamp of the format."""

_TIMESTAMP_EXTENSION: Final = -1
_SECONDS_BITS: Final = 34
_ARRAY_16: Final = 0xDC

# A trade in msgpack: identity (map of nine pairs, T, i), place (S, x), numbers (p, s, t), terms
# (c, z). A type byte precedes each big-endian number: cf uint64, cb float64,
# d7 ff timestamp 64.
_IDENTITY: Final = np.dtype([("before_id", "S8"), ("trade_id", ">u8")])
_NUMBERS: Final = np.dtype(
    [
        ("before_price", "S3"),
        ("price", ">f8"),
        ("before_size", "S3"),
        ("size", ">u8"),
        ("before_time", "S4"),
        ("time", ">u8"),
    ]
)


class Codec(Protocol):
    """One wire format."""

    @property
    def is_text(self) -> bool:
        """Whether frames are text frames."""
        ...

    @property
    def garbage(self) -> bytes:
        """A frame that no reader of this format can decode."""
        ...

    def decode(self, frame: bytes | str) -> object:
        """Read a client's message; raises `msgspec.DecodeError`."""
        ...

    def messages(self, messages: Sequence[Mapping[str, object]]) -> bytes:
        """Encode control or data messages as one frame; an int under key `t` is a time in ns UTC."""
        ...

    def trades(self, recording: Recording, trades: NDArray[np.void], starts: Sequence[int]) -> list[bytes]:
        """Encode trades as frames.

        Args:
            recording: Holds the tables that the trades refer to.
            trades: RECORDED_TRADE (n,).
            starts: First trade of each frame, ascending from 0; each frame ends where the next
                begins and holds at most 65,535 trades.

        Returns:
            One array per frame.
        """
        ...


class _Spans:
    """The parts of an encoded trade that depend on its symbol and print, encoded once for each.

    Args:
        encode: Encodes a map; its first byte opens the map.
        closing: Number of bytes that close an encoded map.
    """

    def __init__(self, encode: Callable[[object], bytes], closing: int) -> None:
        self._encode = encode
        self._closing = closing
        self._places: dict[int, bytes] = {}
        self._terms: dict[int, bytes] = {}

    def of(self, recording: Recording, trades: NDArray[np.void]) -> tuple[list[bytes], list[bytes]]:
        """Return the pairs before the price (S, x) and after the time (c, z) of each trade."""
        combined = trades["symbol"].astype(np.int64) * len(recording.prints) + trades["print"]
        keys: list[int] = combined.tolist()
        for key in set(keys) - self._places.keys():
            symbol, row = divmod(key, len(recording.prints))
            printed = recording.prints[row]
            self._places[key] = self._pairs({"S": recording.symbols[symbol], "x": printed.exchange})
            self._terms[key] = self._pairs({"c": printed.conditions, "z": printed.tape})
        return [self._places[key] for key in keys], [self._terms[key] for key in keys]

    def _pairs(self, mapping: Mapping[str, object]) -> bytes:
        encoded = self._encode(mapping)
        return encoded[1 : len(encoded) - self._closing]


class MsgpackCodec:
    """Binary frames.

    Args:
        None; an instance caches encoded parts of one recording and must not be shared between two.
    """

    is_text: Final = False
    garbage: Final = b"\xc1"
    """The only byte that msgpack never uses."""

    def __init__(self) -> None:
        self._decoder = msgspec.msgpack.Decoder()
        self._encoder = msgspec.msgpack.Encoder()
        self._spans = _Spans(self._encoder.encode, closing=0)

    def decode(self, frame: bytes | str) -> object:
        """See `Codec.decode`."""
        return self._decoder.decode(frame.encode() if isinstance(frame, str) else frame)

    def messages(self, messages: Sequence[Mapping[str, object]]) -> bytes:
        """See `Codec.messages`."""
        return self._encoder.encode([_with_time(message, _timestamp_extension) for message in messages])

    def trades(self, recording: Recording, trades: NDArray[np.void], starts: Sequence[int]) -> list[bytes]:
        """See `Codec.trades`."""
        parts: list[bytes] = [b""] * (4 * len(trades))
        parts[0::4] = _identities(trades)
        parts[1::4], parts[3::4] = self._spans.of(recording, trades)
        parts[2::4] = _numbers(trades, recording.prices(trades))
        ends = [*starts[1:], len(trades)]
        return [
            _array_header(end - start) + b"".join(parts[4 * start : 4 * end])
            for start, end in zip(starts, ends, strict=True)
        ]


class JsonCodec:
    """Text frames; for constructor and use see `MsgpackCodec`."""

    is_text: Final = True
    garbage: Final = b'[{"T":"t",'

    def __init__(self) -> None:
        self._decoder = msgspec.json.Decoder()
        self._encoder = msgspec.json.Encoder()
        self._spans = _Spans(self._encoder.encode, closing=1)

    def decode(self, frame: bytes | str) -> object:
        """See `Codec.decode`."""
        return self._decoder.decode(frame)

    def messages(self, messages: Sequence[Mapping[str, object]]) -> bytes:
        """See `Codec.messages`."""
        return self._encoder.encode([_with_time(message, rfc3339_nano) for message in messages])

    def trades(self, recording: Recording, trades: NDArray[np.void], starts: Sequence[int]) -> list[bytes]:
        """See `Codec.trades`."""
        texts = np.datetime_as_string(trades["ts_event"].view("<M8[ns]"), unit="ns").tolist()
        prices = recording.prices(trades).tolist()
        places, terms = self._spans.of(recording, trades)
        columns = (trades["trade_id"].tolist(), places, prices, trades["size"].tolist(), texts, terms)
        parts = [
            b'{"T":"t","i":%d,%s,"p":%r,"s":%d,"t":"%bZ",%s}'
            % (trade_id, place, price, size, text.rstrip("0").rstrip(".").encode(), term)
            for trade_id, place, price, size, text, term in zip(*columns, strict=True)
        ]
        ends = [*starts[1:], len(trades)]
        return [b"[" + b",".join(parts[start:end]) + b"]" for start, end in zip(starts, ends, strict=True)]


def codec_for(content_type: str | None) -> Codec:
    """Select the wire format from the header of the upgrade request, as the vendor does.

    Args:
        content_type: Header value, or None.

    Returns:
        msgpack if requested, else JSON.
    """
    asked = (content_type or "").partition(";")[0].strip().lower()
    return MsgpackCodec() if asked == CONTENT_TYPE_MSGPACK else JsonCodec()


def rfc3339_nano(ts_ns: int) -> str:
    """Format a time as the vendor does in JSON: without trailing zeros in the fraction.

    Example:
        >>> rfc3339_nano(1720728000_250000000), rfc3339_nano(1720728000_000000000)
        ('2024-07-11T20:00:00.25Z', '2024-07-11T20:00:00Z')
    """
    text = str(np.datetime_as_string(np.datetime64(ts_ns, "ns"), unit="ns"))
    return text.rstrip("0").rstrip(".") + "Z"


def _identities(trades: NDArray[np.void]) -> list[bytes]:
    identities = np.empty(len(trades), _IDENTITY)
    identities["before_id"] = b"\x89\xa1T\xa1t\xa1i\xcf"
    identities["trade_id"] = trades["trade_id"]
    return _rows(identities)


def _numbers(trades: NDArray[np.void], prices: NDArray[np.float64]) -> list[bytes]:
    numbers = np.empty(len(trades), _NUMBERS)
    numbers["before_price"] = b"\xa1p\xcb"
    numbers["price"] = prices
    numbers["before_size"] = b"\xa1s\xcf"
    numbers["size"] = trades["size"]
    numbers["before_time"] = b"\xa1t\xd7\xff"
    seconds, nanoseconds = np.divmod(trades["ts_event"], NANOSECONDS_PER_SECOND)
    numbers["time"] = (nanoseconds.astype(np.uint64) << np.uint64(_SECONDS_BITS)) | seconds.astype(np.uint64)
    return _rows(numbers)


def _rows(records: NDArray[np.void]) -> list[bytes]:
    """Each record's bytes."""
    return cast("list[bytes]", records.view(np.dtype((np.void, records.itemsize))).tolist())


def _array_header(count: int) -> bytes:
    return bytes((_ARRAY_16, count >> 8, count & 0xFF))


def _with_time(message: Mapping[str, object], write: Callable[[int], object]) -> Mapping[str, object]:
    value = message.get(TIMESTAMP_KEY)
    if not isinstance(value, int):
        return message
    return {**message, TIMESTAMP_KEY: write(value)}


def _timestamp_extension(ts_ns: int) -> msgspec.msgpack.Ext:
    seconds, nanoseconds = divmod(ts_ns, NANOSECONDS_PER_SECOND)
    packed = (nanoseconds << _SECONDS_BITS) | seconds
    return msgspec.msgpack.Ext(_TIMESTAMP_EXTENSION, packed.to_bytes(8, "big"))
