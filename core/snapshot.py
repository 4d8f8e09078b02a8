"""Engine state to bytes and back.

A snapshot is a MessagePack map: a head that says what the state belongs to, and every array with
its name, dtype, shape and bytes. The same state gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import crc32c
import msgspec
import numpy as np
from numpy.typing import NDArray

from core.errors import SnapshotError

SNAPSHOT_VERSION: Final = 1
_ACTION: Final = "delete the snapshot and let the worker rebuild from the log's baseline"


class _Content(msgspec.Struct):
    version: int
    head: dict[str, Any]
    arrays: dict[str, tuple[str, list[int], bytes]]


def pack(head: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Write a snapshot.

    Args:
        head: What the state belongs to: digests, partition, offsets; plain values only.
        arrays: State arrays by name, any dtype.

    Returns:
        CRC32C (4 bytes, little-endian) and the MessagePack map.
    """
    body = msgspec.msgpack.encode(
        _Content(
            version=SNAPSHOT_VERSION,
            head=dict(head),
            arrays={
                name: (repr(array.dtype.descr), list(array.shape), np.ascontiguousarray(array).tobytes())
                for name, array in sorted(arrays.items())
            },
        )
    )
    return crc32c.crc32c(body).to_bytes(4, "little") + body


def unpack(data: bytes, arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Read a snapshot into arrays that already have the right layout.

    Nothing is written unless everything fits.

    Args:
        data: From `pack`.
        arrays: State arrays by name; filled in place.

    Returns:
        The head.

    Raises:
        SnapshotError: Damaged bytes, another version, or arrays of another layout.
    """
    if len(data) < 4 or crc32c.crc32c(data[4:]) != int.from_bytes(data[:4], "little"):
        raise SnapshotError("the snapshot is damaged: its CRC32C does not match", operator_action=_ACTION)
    try:
        content = msgspec.msgpack.decode(data[4:], type=_Content)
    except msgspec.DecodeError as error:
        raise SnapshotError(f"this is no snapshot: {error}", operator_action=_ACTION) from error
    if content.version != SNAPSHOT_VERSION:
        raise SnapshotError(
            f"snapshot version {content.version} is not {SNAPSHOT_VERSION}", operator_action=_ACTION
        )
    stored = content.arrays
    if set(stored) != set(arrays):
        different = sorted(set(stored) ^ set(arrays))
        raise SnapshotError(f"the snapshot lacks or adds {', '.join(different)}", operator_action=_ACTION)
    for name, array in arrays.items():
        descr, shape, raw = stored[name]
        if (descr, tuple(shape), len(raw)) != (repr(array.dtype.descr), array.shape, array.nbytes):
            raise SnapshotError(f"the layout of {name} has changed", operator_action=_ACTION)
    for name, array in arrays.items():
        array[...] = np.frombuffer(stored[name][2], array.dtype).reshape(array.shape)
    return content.head
