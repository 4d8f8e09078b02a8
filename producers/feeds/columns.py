"""Columns of vendor values to columns of a TICK: what every feed needs, and nothing of one vendor.

A message is decoded by msgspec, a batch of messages is turned into arrays here. Every function
is exact in the range that vendors send: timestamps to the nanosecond, prices to nine decimals.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.records import NANOSECONDS_PER_SECOND, PRICE_UNITS_PER_ONE

UNIT: Final = 1 / PRICE_UNITS_PER_ONE
"""The least price above nothing."""

MAX_VALUE: Final = float(2**63 // PRICE_UNITS_PER_ONE)
"""Prices and sizes from here on do not fit the record."""

_FIRST_YEAR: Final = "1970"
_AFTER_LAST_YEAR: Final = "2262"
"""int64 nanoseconds end in April 2262; NumPy wraps silently beyond it."""

_FIXED_CHARACTERS: Final = np.frombuffer(b"-T:Z\n", np.uint8)
_FIXED_COUNTS: Final = np.array([2, 1, 2, 1, 1])
"""How often each of them stands in one instant and the line break behind it."""

_FREE_CHARACTERS: Final = np.frombuffer(b".0123456789", np.uint8)

_TIMESTAMP_64_HEADER: Final = 0xD7FF
_TIMESTAMP_64: Final = np.dtype([("header", ">u2"), ("value", ">u8")])
_SECONDS_BITS: Final = 34
_MAX_SECONDS: Final = 2**63 // NANOSECONDS_PER_SECOND - 1


def rfc3339_nanoseconds(texts: Sequence[str]) -> NDArray[np.int64]:
    """Turn RFC 3339 instants in UTC into nanoseconds, to the last digit.

    NumPy's parser does the work; it is kinder than RFC 3339 (it takes "now", a bare year or an
    offset), so the characters of the texts are counted first, for all of them at once.

    Args:
        texts: Instants that end in "Z", with up to nine decimals.

    Returns:
        Array (n,) int64, ns UTC.

    Raises:
        ValueError: At least one text is not such an instant.

    Example:
        >>> rfc3339_nanoseconds(["2021-02-22T15:51:44.208Z", "1970-01-01T00:00:01.000000001Z"]).tolist()
        [1614009104208000000, 1000000001]
    """
    count = len(texts)
    if count == 0:
        return np.empty(0, np.int64)
    joined = "\n".join(texts) + "\n"
    plain = joined[:-2].split("Z\n")
    characters = np.bincount(np.frombuffer(joined.encode(), np.uint8), minlength=128)
    fixed = characters[_FIXED_CHARACTERS]
    free = characters[_FREE_CHARACTERS]
    shaped = (
        len(plain) == count
        and joined.endswith("Z\n")
        and np.array_equal(fixed, _FIXED_COUNTS * count)
        and free.sum() + fixed.sum() == characters.sum()
        and free[0] <= count
        and min(plain) > _FIRST_YEAR
        and max(plain) < _AFTER_LAST_YEAR
    )
    if not shaped:
        raise ValueError("not an RFC 3339 instant in UTC")
    return np.array(plain, "datetime64[ns]").view(np.int64)


def msgpack_nanoseconds(values: Sequence[msgspec.Raw]) -> NDArray[np.int64]:
    """Turn msgpack timestamps (extension −1) into nanoseconds.

    Args:
        values: The encoded values, header included.

    Returns:
        Array (n,) int64, ns UTC.

    Raises:
        ValueError: At least one value is no timestamp, or lies outside 1970 to 2262.

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


def _join_timestamps(values: Sequence[msgspec.Raw]) -> bytes:
    """Join encoded timestamps of ten bytes each; the rare shorter or longer one is rewritten.

    A stamp without a fraction is written in six bytes, one in a thousand where the vendor has
    milliseconds. Halving finds it without looking at the others one by one.
    """
    joined = b"".join(values)
    if len(joined) == len(values) * _TIMESTAMP_64.itemsize:
        return joined
    if len(values) == 1:
        return _as_timestamp_64(joined)
    middle = len(values) // 2
    return _join_timestamps(values[:middle]) + _join_timestamps(values[middle:])


def _as_timestamp_64(value: bytes) -> bytes:
    """Write any of the three sizes of the extension as the ten-byte one."""
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


def fixed_point(values: NDArray[np.float64], usable: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Turn decimal numbers into units of 1e-9, to the nearest.

    Exact for up to nine decimals below two million, where the nearest double is nearer than half a
    unit, and for whole numbers to four billion.

    Args:
        values: Array (n,).
        usable: Array (n,): where False the result is 0, whatever the value.

    Returns:
        Array (n,) int64, 1e-9 units.

    Example:
        >>> fixed_point(np.array([126.55, np.nan]), np.array([True, False])).tolist()
        [126550000000, 0]
    """
    units: NDArray[np.int64] = np.rint(np.where(usable, values, 0.0) * PRICE_UNITS_PER_ONE).astype(np.int64)
    return units
