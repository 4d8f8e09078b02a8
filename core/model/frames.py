"""Encodes and decodes frames of ticks, bars or values; one Kafka record contains one frame.

A frame is a 32-byte header and `count` fixed-width records:

    offset  size  field
         0     2  codec version
         2     2  source
         4     4  count
         8     8  epoch      producer epoch of the source
                16     8  sequence   frames of (source, epoch) in this partition, from 0
        24     4  CRC32C     over the header with this field zero, then the records
        28     4  reserved   zero

In a frame of values, source is the partition of the ticks and epoch the time of the values, ns UTC.

The whole frame is validated before any of its records is used.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

import crc32c
import numpy as np
from numpy.typing import NDArray

from core.model.errors import FrameError
from core.model.records import TICK

CODEC_VERSION: Final = 1
HEADER_BYTES: Final = 32
MAX_RECORDS: Final = 1024
"""Maximum records per frame; producers flush at 512."""

_HEADER: Final = struct.Struct("<HHIQQII")
_CRC_OFFSET: Final = 24
_TS_EVENT: Final = struct.Struct("<q")  # the first field of a tick


class FrameHeader(NamedTuple):
    """Header of a frame."""

    version: int
    source: int
    records: int
    epoch: int
    sequence: int
    crc: int


def encode_frame(records: NDArray[np.void], *, source: int, epoch: int, sequence: int) -> bytes:
    """Encode records as one frame.

    Args:
        records: Structured array (n,) of TICK, BAR or VALUE, 1 ≤ n ≤ 1024.
        source: Id of the sending source.
        epoch: Producer epoch of the source.
        sequence: Number of this frame within (source, epoch, partition), from 0.

    Returns:
        Header and records, the value of one Kafka record.

    Raises:
        FrameError: `count` if there are no records or too many.

    Example:
        >>> frame = encode_frame(np.zeros(2, TICK), source=1, epoch=7, sequence=0)
        >>> len(frame), decode_frame(frame)[0].epoch
        (128, 7)
    """
    count = len(records)
    if not 1 <= count <= MAX_RECORDS:
        raise FrameError("count", f"a frame holds 1 to {MAX_RECORDS} records, not {count}")
    payload = records.tobytes()
    head = _HEADER.pack(CODEC_VERSION, source, count, epoch, sequence, 0, 0)
    crc = crc32c.crc32c(payload, crc32c.crc32c(head))
    return _HEADER.pack(CODEC_VERSION, source, count, epoch, sequence, crc, 0) + payload


def decode_frame(payload: bytes, dtype: np.dtype[np.void] = TICK) -> tuple[FrameHeader, NDArray[np.void]]:
    """Validate a frame and return a view of its records.

    Args:
        payload: The value of one Kafka record.
        dtype: Record type of the topic: TICK, BAR or VALUE.

    Returns:
        The header, and a read-only view (count,) of `payload`, without a copy.

    Raises:
        FrameError: `length`, `version`, `count` or `crc`.
    """
    if len(payload) < HEADER_BYTES:
        raise FrameError("length", f"{len(payload)} bytes cannot hold a {HEADER_BYTES}-byte header")
    version, source, count, epoch, sequence, crc, reserved = _HEADER.unpack_from(payload)
    if version != CODEC_VERSION:
        raise FrameError("version", f"codec version {version} is not {CODEC_VERSION}")
    if not 1 <= count <= MAX_RECORDS:
        raise FrameError("count", f"header says {count} records, a frame holds 1 to {MAX_RECORDS}")
    expected = HEADER_BYTES + count * dtype.itemsize
    if len(payload) != expected:
        raise FrameError("length", f"{len(payload)} bytes where {count} records make {expected}")
    zeroed = _HEADER.pack(version, source, count, epoch, sequence, 0, reserved)
    if crc32c.crc32c(memoryview(payload)[HEADER_BYTES:], crc32c.crc32c(zeroed)) != crc:
        raise FrameError("crc", f"CRC32C of {len(payload)} bytes does not match the header")
    header = FrameHeader(version, source, count, epoch, sequence, crc)
    return header, np.frombuffer(payload, dtype=dtype, offset=HEADER_BYTES)


def ticks_in(payload: bytes) -> int:
    """Return how many ticks a frame of this length holds, without reading it."""
    return (len(payload) - HEADER_BYTES) // TICK.itemsize


def newest_ts_event_ns(payload: bytes) -> int | None:
    """Return the event time of a frame's last tick, without validating the frame.

    Returns:
        Nanoseconds UTC; None if the payload is too short for a tick.
    """
    if len(payload) < HEADER_BYTES + TICK.itemsize:
        return None
    newest_ns: int
    (newest_ns,) = _TS_EVENT.unpack_from(payload, len(payload) - TICK.itemsize)
    return newest_ns
