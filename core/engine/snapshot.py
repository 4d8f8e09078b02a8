"""Serialises engine state, section by section.

A snapshot is a MessagePack map of a head, which identifies the state, and sections. A section has a
version, which defines the meaning of its numbers, the layout of its arrays, and their concatenated
bytes, LZ4-compressed. Sections are independent: a reader uses those that are compatible. The same
state gives the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import crc32c
import lz4.block
import msgspec
import numpy as np
from numpy.typing import NDArray

from core.model.errors import SnapshotError

SNAPSHOT_VERSION: Final = 2
_ACTION: Final = "delete the snapshot and let the worker rebuild from the log's baseline"


class Section(NamedTuple):
    """Arrays that belong together.

    Args:
        version: Version of their meaning; a reader with another version must not use them.
        arrays: Arrays by name, any dtype.
        added: Arrays that snapshots of earlier releases lack; a fill leaves them as they are.
    """

    version: str
    arrays: Mapping[str, NDArray[Any]]
    added: frozenset[str] = frozenset()

    def copied(self) -> Section:
        """Return a copy that is independent of the arrays."""
        return Section(self.version, {name: array.copy() for name, array in self.arrays.items()})


class _Layout(msgspec.Struct, array_like=True):
    dtype: str | list[tuple[str, str]]
    shape: list[int]


class _StoredSection(msgspec.Struct):
    version: str
    layout: dict[str, _Layout]
    length: int
    data: bytes


class _Content(msgspec.Struct):
    version: int
    head: dict[str, Any]
    sections: dict[str, _StoredSection]


def pack(head: Mapping[str, Any], sections: Mapping[str, Section]) -> bytes:
    """Serialise a snapshot.

    Args:
        head: Identity of the state: digests, partition, definitions; plain values only.
        sections: Sections by name.

    Returns:
        CRC32C (4 bytes, little-endian) and the MessagePack map.
    """
    body = msgspec.msgpack.encode(
        _Content(
            version=SNAPSHOT_VERSION,
            head=dict(head),
            sections={name: _store(section) for name, section in sorted(sections.items())},
        )
    )
    return crc32c.crc32c(body).to_bytes(4, "little") + body


def _store(section: Section) -> _StoredSection:
    arrays = sorted(section.arrays.items())
    raw = b"".join(array.tobytes() for _, array in arrays)
    return _StoredSection(
        version=section.version,
        layout={name: _layout(array) for name, array in arrays},
        length=len(raw),
        data=lz4.block.compress(raw, store_size=False),
    )


def _layout(array: NDArray[Any]) -> _Layout:
    dtype = array.dtype
    fields = dtype.str if dtype.names is None else [(name, dtype[name].str) for name in dtype.names]
    return _Layout(fields, list(array.shape))


class Snapshot:
    """A decoded snapshot with a valid checksum.

    Args:
        data: Result of `pack`.

    Raises:
        SnapshotError: The bytes are corrupt or have another version.
    """

    def __init__(self, data: bytes) -> None:
        if len(data) < 4 or crc32c.crc32c(data[4:]) != int.from_bytes(data[:4], "little"):
            raise SnapshotError("the snapshot is corrupt: its CRC32C does not match", operator_action=_ACTION)
        try:
            content = msgspec.msgpack.decode(data[4:], type=_Content)
        except msgspec.DecodeError as error:
            raise SnapshotError(f"this is not a snapshot: {error}", operator_action=_ACTION) from error
        if content.version != SNAPSHOT_VERSION:
            raise SnapshotError(
                f"snapshot version {content.version} is not {SNAPSHOT_VERSION}", operator_action=_ACTION
            )
        self.head: dict[str, Any] = content.head
        self._sections = content.sections

    @property
    def versions(self) -> dict[str, str]:
        """Version of each section, by name."""
        return {name: section.version for name, section in self._sections.items()}

    @property
    def stored_bytes(self) -> dict[str, tuple[int, int]]:
        """Length of each section: compressed, and in memory."""
        return {name: (len(section.data), section.length) for name, section in self._sections.items()}

    def misfit(self, name: str, section: Section) -> str | None:
        """Return why a section cannot be filled from this snapshot; None if it can."""
        stored = self._sections.get(name)
        if stored is None:
            return f"the snapshot lacks {name}"
        if stored.version != section.version:
            return f"the version of {name} has changed"
        added = section.added - stored.layout.keys()
        for array_name in sorted(stored.layout.keys() ^ (section.arrays.keys() - added)):
            return f"the layout of {name} lacks or adds {array_name}"
        for array_name in section.arrays.keys() - added:
            if stored.layout[array_name] != _layout(section.arrays[array_name]):
                return f"the layout of {name} has changed: {array_name}"
        return None

    def has_dtype(self, name: str, array_name: str, dtype: np.dtype[Any]) -> bool:
        """Whether an array of a section is stored with exactly this dtype."""
        layout = self._sections[name].layout.get(array_name)
        return layout is not None and layout.dtype == _layout(np.zeros(0, dtype)).dtype

    def replace(self, name: str, section: Section) -> None:
        """Put a section in the place of the stored one, to bring it to the layout of this release."""
        self._sections[name] = _store(section)

    def fill(self, name: str, section: Section) -> None:
        """Fill a section's arrays in place; nothing is written if it does not fit.

        Raises:
            SnapshotError: It does not fit.
        """
        problem = self.misfit(name, section)
        if problem is not None:
            raise SnapshotError(problem, operator_action=_ACTION)
        for array_name, array in self.section(name).arrays.items():
            section.arrays[array_name][...] = array

    def section(self, name: str) -> Section:
        """Return a section as stored; its arrays are read-only.

        Raises:
            SnapshotError: There is none, or its bytes are not those of its arrays.
        """
        stored = self._sections.get(name)
        if stored is None:
            raise SnapshotError(f"the snapshot lacks {name}", operator_action=_ACTION)
        arrays, position = {}, 0
        try:
            raw = lz4.block.decompress(stored.data, uncompressed_size=stored.length)
            for array_name, layout in stored.layout.items():
                dtype = np.dtype(layout.dtype)
                count = math.prod(layout.shape)
                arrays[array_name] = np.frombuffer(raw, dtype, count, position).reshape(layout.shape)
                position += count * dtype.itemsize
        except (lz4.block.LZ4BlockError, ValueError, TypeError) as error:
            raise SnapshotError(f"section {name} cannot be read: {error}", operator_action=_ACTION) from error
        return Section(stored.version, arrays)
