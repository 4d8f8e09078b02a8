"""Converts columns of vendor values to columns of a TICK; shared by all feeds.

msgspec decodes messages; this module converts batches to arrays. Every function is exact in the
range that vendors send: timestamps to the nanosecond, prices to nine decimals.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.model.records import NANOSECONDS_PER_SECOND

_FIRST_YEAR: Final = 1970
_AFTER_LAST_YEAR: Final = 2262
"""int64 nanoseconds end in April 2262; NumPy wraps silently beyond it."""

_PUNCTUATION: Final = tuple(zip((4, 7, 10, 13, 16), b"--T::", strict=True))
"""Position and expected byte."""

_TWENTY, _TWENTY_ONE = (int.from_bytes(century, "big") for century in (b"20", b"21"))
_YEAR_WEIGHTS: Final = np.array([1000, 100, 10, 1])
_YEAR_OF_ZEROS: Final = int(_YEAR_WEIGHTS.sum()) * ord("0")
_FRACTION_AT: Final = 19
_SHORTEST: Final = 20
_LONGEST: Final = 39
"""NumPy parses 18 decimals and interprets what follows as a time zone."""

_INSTANT: Final = re.compile(
    r"(?:19[7-9][0-9]|2[01][0-9]{2}|22[0-5][0-9]|226[01])-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{0,18})?Z"
)
_ZERO, _DOT, _Z, _NEWLINE = np.frombuffer(b"0.Z\n", np.uint8)

_TIMESTAMP_64_HEADER: Final = 0xD7FF
_TIMESTAMP_64: Final = np.dtype([("header", ">u2"), ("value", ">u8")])
_SECONDS_BITS: Final = 34
_MAX_SECONDS: Final = 2**63 // NANOSECONDS_PER_SECOND - 1


def rfc3339_nanoseconds(texts: Sequence[str]) -> NDArray[np.int64]:
    """Convert RFC 3339 times in UTC to nanoseconds, exactly.

    NumPy's parser is used. It is more lenient than RFC 3339 (it accepts "now", a bare year or an
    offset), so the form of all texts is checked first.

    Args:
        texts: Times that end in "Z", with up to nine decimals.

    Returns:
        Array (n,) int64, ns UTC.

    Raises:
        ValueError: At least one text is not such a time.

    Example:
        >>> rfc3339_nanoseconds(["2021-02-22T15:51:44.208Z", "1970-01-01T00:00:01.000000001Z"]).tolist()
        [1614009104208000000, 1000000001]
    """
    count = len(texts)
    if count == 0:
        return np.empty(0, np.int64)
    joined = "\n".join(texts) + "\n"
    if not _are_instants(np.frombuffer(joined.encode(), np.uint8), count):
        raise ValueError("not an RFC 3339 time in UTC")
    return np.array(joined[:-2].split("Z\n"), "datetime64[ns]").view(np.int64)


def is_rfc3339(text: str) -> bool:
    """Return whether `rfc3339_nanoseconds` accepts a text, without building a column of one.

    Example:
        >>> is_rfc3339("2024-02-29T00:00:00Z"), is_rfc3339("2023-02-29T00:00:00Z")
        (True, False)
    """
    if _INSTANT.fullmatch(text) is None:
        return False
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return False
    return True


def _are_instants(characters: NDArray[np.uint8], count: int) -> bool:
    """Return whether a text is the given number of lines YYYY-MM-DDTHH:MM:SS[.digits]Z, from 1970 to 2261.

    NumPy then checks the ranges of month, day, hour, minute and second.
    """
    ends = np.flatnonzero(characters == _NEWLINE)
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts
    if len(ends) != count or lengths.min() < _SHORTEST or lengths.max() > _LONGEST:
        return False
    dots = characters[starts + _FRACTION_AT] == _DOT
    others = np.count_nonzero(characters - _ZERO > 9)  # unsigned: every non-digit is above nine
    return bool(
        all(np.all(characters[starts + at] == sign) for at, sign in _PUNCTUATION)
        and np.all(dots | (starts + _FRACTION_AT == ends - 1))
        and np.all(characters[ends - 1] == _Z)
        and others == (len(_PUNCTUATION) + 2) * count + np.count_nonzero(dots)
        and _have_room(characters, starts)
    )


def _have_room(characters: NDArray[np.uint8], starts: NDArray[np.intp]) -> bool:
    """Return whether all years are from 1970 to 2261."""
    centuries = characters[starts] * np.uint16(256) + characters[starts + 1]
    if np.all((centuries == _TWENTY) | (centuries == _TWENTY_ONE)):
        return True
    years = characters[starts[:, None] + np.arange(4)] @ _YEAR_WEIGHTS - _YEAR_OF_ZEROS
    return bool(np.all((years >= _FIRST_YEAR) & (years < _AFTER_LAST_YEAR)))


def msgpack_nanoseconds(values: Sequence[msgspec.Raw]) -> NDArray[np.int64]:
    """Convert msgpack timestamps (extension −1) to nanoseconds.

    Args:
        values: The encoded values, header included.

    Returns:
        Array (n,) int64, ns UTC.

    Raises:
        ValueError: At least one value is not a timestamp, or is outside 1970 to 2262.

    Example:
        >>> msgpack_nanoseconds([msgspec.Raw(bytes.fromhex("d6ff00000001"))]).tolist()
        [1000000000]

    Source: MessagePack specification, "Timestamp extension type".
    """
    joined = _join_timestamps(values)
    records = np.frombuffer(joined, _TIMESTAMP_64)
    if np.any(records["header"] != _TIMESTAMP_64_HEADER):
        raise ValueError("not a msgpack timestamp")
    packed = records["value"].astype(np.uint64)
    nanoseconds = (packed >> np.uint64(_SECONDS_BITS)).astype(np.int64)
    seconds = (packed & np.uint64(2**_SECONDS_BITS - 1)).astype(np.int64)
    _check_parts(int(seconds.max(initial=0)), int(nanoseconds.max(initial=0)))
    return seconds * NANOSECONDS_PER_SECOND + nanoseconds


def is_msgpack_timestamp(value: msgspec.Raw) -> bool:
    """Return whether `msgpack_nanoseconds` accepts a value, without building a column of one."""
    try:
        encoded = _as_timestamp_64(bytes(value))
        if encoded[:2] != _TIMESTAMP_64_HEADER.to_bytes(2, "big"):
            return False
        packed = int.from_bytes(encoded[2:], "big")
        _check_parts(packed & (1 << _SECONDS_BITS) - 1, packed >> _SECONDS_BITS)
    except ValueError:
        return False
    return True


def _join_timestamps(values: Sequence[msgspec.Raw]) -> bytes:
    """Join encoded timestamps of ten bytes each; rare shorter or longer ones are rewritten.

    A timestamp without a fraction is encoded in six bytes, one in a thousand if the vendor has
    milliseconds. Bisection finds it without checking the others one by one.
    """
    joined = b"".join(values)
    if len(joined) == len(values) * _TIMESTAMP_64.itemsize:
        return joined
    if len(values) == 1:
        return _as_timestamp_64(joined)
    middle = len(values) // 2
    return _join_timestamps(values[:middle]) + _join_timestamps(values[middle:])


def _as_timestamp_64(value: bytes) -> bytes:
    """Convert any of the three sizes of the extension to the ten-byte form."""
    if len(value) == _TIMESTAMP_64.itemsize:
        return value
    if len(value) == 6 and value[:2] == b"\xd6\xff":
        return b"\xd7\xff\0\0\0\0" + value[2:]
    if len(value) == 15 and value[:3] == b"\xc7\x0c\xff":
        nanoseconds = int.from_bytes(value[3:7], "big")
        seconds = int.from_bytes(value[7:], "big", signed=True)
        _check_parts(seconds, nanoseconds)
        return b"\xd7\xff" + (nanoseconds << _SECONDS_BITS | seconds).to_bytes(8, "big")
    raise ValueError("not a msgpack timestamp")


def _check_parts(seconds: int, nanoseconds: int) -> None:
    if not 0 <= seconds <= _MAX_SECONDS or nanoseconds >= NANOSECONDS_PER_SECOND:
        raise ValueError("a msgpack timestamp outside 1970 to 2262")
