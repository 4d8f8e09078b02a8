"""Encodes a snapshot as records of a compacted topic: chunks and a manifest.

Each partition has three slots, written in rotation. While one is being written, the one that a committed
offset refers to stays intact, and so does its predecessor, as a fallback.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import crc32c
import msgspec

from core.engine.snapshot import SNAPSHOT_VERSION
from core.kafka.records import Headers, OutgoingRecord
from core.model.errors import SnapshotError
from core.model.topics import snapshots_topic

SNAPSHOTS_TOPIC: Final = snapshots_topic(1)
SLOTS: Final = 3
CHUNK_BYTES: Final = 512 * 1024
MANIFEST_KEY: Final = "manifest"
ID_HEADER: Final = "snapshot-id"
_CONTENT_TYPE: Final = "content-type"
_CHUNK_TYPE: Final = b"application/vnd.rotascope.snapshot-chunk"
_MANIFEST_TYPE: Final = b"application/json"


class SnapshotName(msgspec.Struct, frozen=True, kw_only=True):
    """Identifies the snapshot that a committed offset refers to.

    Args:
        number: Sequence number of the partition's snapshots.
        next_offset: Offset of the first record that the state does not include.
        chunks: Number of chunk records.
    """

    number: int
    next_offset: int
    chunks: int

    @property
    def slot(self) -> int:
        """Its slot."""
        return self.number % SLOTS

    @property
    def snapshot_id(self) -> str:
        """Id in its chunks. Equal ids mean equal states, which the log determines."""
        return f"{self.number}-{self.next_offset}"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Describes the chunks of one slot.

    Args:
        name: Identifies the snapshot.
        partition: Partition number.
        bytes: Total length of the chunks.
        crc32c: Checksum of all chunks.
        sections: Name of each section → its version; definitions by id.
        version: Version of the snapshot format.
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
    """Split a snapshot into records.

    Args:
        data: From `PartitionEngine.snapshot`.
        sections: Name of each section → its version.
        partition: Partition of the ticks and of the snapshots topic.
        number: One more than that of the partition's previous snapshot.
        next_offset: Offset of the first record that the state does not include.
        topic: Snapshots topic of the ticks' generation.

    Returns:
        Its name, and its records in write order, the manifest last.
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
    """Return the key of one record.

    Example:
        >>> snapshot_key(7, 2, "0")
        b'7/2/0'
    """
    return f"{partition}/{slot}/{part}".encode()


def _headers(name: SnapshotName, content_type: bytes) -> Headers:
    return ((_CONTENT_TYPE, content_type), (ID_HEADER, name.snapshot_id.encode()))


def assemble(manifest: Manifest, chunks: Mapping[int, tuple[bytes, bytes]]) -> bytes:
    """Reassemble a snapshot.

    Args:
        manifest: Its manifest.
        chunks: Chunk number in the slot → the snapshot's id and the bytes.

    Raises:
        SnapshotError: A chunk is missing, belongs to another snapshot, or is corrupt.
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
    """Decode a manifest.

    Raises:
        SnapshotError: It is invalid, or has an unknown version.
    """
    try:
        manifest = msgspec.json.decode(value, type=Manifest)
    except msgspec.MsgspecError as error:
        raise SnapshotError(f"the manifest cannot be read: {error}") from error
    if manifest.version != SNAPSHOT_VERSION:
        raise SnapshotError(f"its version is {manifest.version}, this release reads {SNAPSHOT_VERSION}")
    return manifest
