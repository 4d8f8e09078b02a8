"""A snapshot as records of a compacted topic: chunks, and a manifest that makes them one.

Three slots a partition are written in turn. While one is being written, the one a committed offset
names stays whole, and so does the one before it, to fall back to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import crc32c
import msgspec

from core.engine.snapshot import SNAPSHOT_VERSION
from core.kafka.records import Headers, OutgoingRecord
from core.model.errors import SnapshotError

SNAPSHOTS_TOPIC: Final = "rotascope.snapshots.v1"
SLOTS: Final = 3
CHUNK_BYTES: Final = 512 * 1024
MANIFEST_KEY: Final = "manifest"
ID_HEADER: Final = "snapshot-id"
_CONTENT_TYPE: Final = "content-type"
_CHUNK_TYPE: Final = b"application/vnd.rotascope.snapshot-chunk"
_MANIFEST_TYPE: Final = b"application/json"


class SnapshotName(msgspec.Struct, frozen=True, kw_only=True):
    """Which snapshot a committed offset rests on.

    Args:
        number: Counts the partition's snapshots.
        next_offset: Offset of the first record the state has not seen.
        chunks: How many records its bytes were cut into.
    """

    number: int
    next_offset: int
    chunks: int

    @property
    def slot(self) -> int:
        """Where it stands."""
        return self.number % SLOTS

    @property
    def snapshot_id(self) -> str:
        """What its chunks carry. The same id means the same state: the log decides it."""
        return f"{self.number}-{self.next_offset}"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What the chunks of one slot are together.

    Args:
        name: Which snapshot it is.
        partition: Whose.
        bytes: Length of the chunks together.
        crc32c: Of the chunks together.
        sections: Name of each section → its version; definitions by id.
        version: Of the snapshot's format.
    """

    name: SnapshotName
    partition: int
    bytes: int
    crc32c: int
    sections: Mapping[str, str]
    version: int = SNAPSHOT_VERSION


def snapshot_records(
    data: bytes,
    sections: Mapping[str, str],
    *,
    partition: int,
    number: int,
    next_offset: int,
    topic: str = SNAPSHOTS_TOPIC,
) -> tuple[SnapshotName, list[OutgoingRecord]]:
    """Cut a snapshot into records.

    Args:
        data: From `PartitionEngine.snapshot`.
        sections: Name of each section → its version.
        partition: Of the ticks, and of the snapshots topic.
        number: One more than that of the partition's snapshot before it.
        next_offset: Offset of the first record the state has not seen.
        topic: That of the ticks' generation.

    Returns:
        Its name, and its records in the order in which they must be written: the manifest last.
    """
    pieces = [data[start : start + CHUNK_BYTES] for start in range(0, len(data), CHUNK_BYTES)]
    name = SnapshotName(number=number, next_offset=next_offset, chunks=len(pieces))
    manifest = Manifest(
        name=name,
        partition=partition,
        bytes=len(data),
        crc32c=crc32c.crc32c(data),
        sections=dict(sorted(sections.items())),
    )
    records = [
        OutgoingRecord(
            topic,
            snapshot_key(partition, name.slot, str(chunk)),
            piece,
            _headers(name, _CHUNK_TYPE),
            partition,
        )
        for chunk, piece in enumerate(pieces)
    ]
    records.append(
        OutgoingRecord(
            topic,
            snapshot_key(partition, name.slot, MANIFEST_KEY),
            msgspec.json.encode(manifest),
            _headers(name, _MANIFEST_TYPE),
            partition,
        )
    )
    return name, records


def snapshot_key(partition: int, slot: int, part: str) -> bytes:
    """Key of one record.

    Example:
        >>> snapshot_key(7, 2, "0")
        b'7/2/0'
    """
    return f"{partition}/{slot}/{part}".encode()


def _headers(name: SnapshotName, content_type: bytes) -> Headers:
    return ((_CONTENT_TYPE, content_type), (ID_HEADER, name.snapshot_id.encode()))


def assemble(manifest: Manifest, chunks: Mapping[int, tuple[bytes, bytes]]) -> bytes:
    """Put a snapshot together again.

    Args:
        manifest: What it should be.
        chunks: Number of each chunk found in its slot → the snapshot's id and the bytes.

    Raises:
        SnapshotError: A chunk is missing, belongs to another snapshot, or is damaged.
    """
    name = manifest.name
    wanted = name.snapshot_id.encode()
    for number in range(name.chunks):
        found = chunks.get(number)
        if found is None:
            raise SnapshotError(f"chunk {number} of {name.chunks} is missing")
        if found[0] != wanted:
            raise SnapshotError(f"chunk {number} of {name.chunks} belongs to another snapshot")
    data = b"".join(chunks[number][1] for number in range(name.chunks))
    if (len(data), crc32c.crc32c(data)) != (manifest.bytes, manifest.crc32c):
        raise SnapshotError(f"{len(data)} bytes do not match the manifest's length and CRC32C")
    return data


def decode_manifest(value: bytes) -> Manifest:
    """Read a manifest.

    Raises:
        SnapshotError: It cannot be read, or is of a version this release does not know.
    """
    try:
        manifest = msgspec.json.decode(value, type=Manifest)
    except msgspec.MsgspecError as error:
        raise SnapshotError(f"the manifest cannot be read: {error}") from error
    if manifest.version != SNAPSHOT_VERSION:
        raise SnapshotError(f"it is of version {manifest.version}, this release reads {SNAPSHOT_VERSION}")
    return manifest
