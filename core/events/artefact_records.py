"""A set of artefacts as records of a compacted topic: its chunks, and last its manifest.

The keys contain the set's digest, so sets never overwrite each other, and a set that is published again
replaces itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import crc32c
import msgspec

from core.events.artefact_set import FORMAT, ArtefactSet, mark_of
from core.model.errors import InputError

CHUNK_BYTES: Final = 512 * 1024
_AGAIN: Final = "publish it again"


class SetManifest(msgspec.Struct, frozen=True, kw_only=True):
    """Describes a published set.

    Args:
        format: Format of the set.
        digest: Digest of the set; also the key of the manifest.
        chunks: Number of chunk records.
        bytes: Length of all chunks.
        crc32c: Checksum of all chunks.
        base_rates: Number of definitions and pairs with base rates.
        rarity: Number of definitions and pairs with rarity.
        pairs: Number of pairs.
        definitions: Definition id → the versions that the set has cards of.
    """

    format: str
    digest: str
    chunks: int
    bytes: int
    crc32c: int
    base_rates: int
    rarity: int
    pairs: int
    definitions: Mapping[str, list[str]]


class SetRecord(NamedTuple):
    """One record of a set.

    Args:
        key: `DIGEST/NUMBER` of a chunk, `DIGEST` of the manifest.
        value: Bytes of the chunk, or the manifest as JSON.
    """

    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class PublishedSet:
    """A set whose records are complete; its digest is checked when it is parsed.

    Args:
        manifest: Its manifest.
        data: Its chunks, joined.
    """

    manifest: SetManifest
    data: bytes

    def parse(self) -> ArtefactSet:
        """Read the set.

        Raises:
            InputError: The content is not what the manifest says.
        """
        found = ArtefactSet.parse(self.data)
        if found.digest != self.manifest.digest:
            raise InputError(
                f"the content of set {self.manifest.digest[:16]} has digest {found.digest[:16]}",
                operator_action=_AGAIN,
            )
        return found


class PublishedSets(NamedTuple):
    """What a topic of artefacts contains.

    Args:
        by_mark: Mark → complete set.
        problems: Why other sets cannot be used.
    """

    by_mark: Mapping[int, PublishedSet]
    problems: tuple[str, ...]


def set_records(one: ArtefactSet) -> list[SetRecord]:
    """Split a set into records, in the order in which they must be written."""
    data = one.encode()
    pieces = [data[start : start + CHUNK_BYTES] for start in range(0, len(data), CHUNK_BYTES)]
    manifest = SetManifest(
        format=FORMAT,
        digest=one.digest,
        chunks=len(pieces),
        bytes=len(data),
        crc32c=crc32c.crc32c(data),
        base_rates=len(one.rates.cards),
        rarity=len(one.rarities.cards),
        pairs=len(one.pairs),
        definitions=one.versions,
    )
    chunks = [SetRecord(f"{one.digest}/{number}".encode(), piece) for number, piece in enumerate(pieces)]
    return [*chunks, SetRecord(one.digest.encode(), msgspec.json.encode(manifest))]


@dataclass(slots=True)
class _Parts:
    manifest: bytes = b""
    chunks: dict[int, bytes] = field(default_factory=dict)


def collect_sets(records: Iterable[tuple[bytes | None, bytes]]) -> PublishedSets:
    """Put the records of a topic together.

    Args:
        records: Keys and values, oldest first; an empty value deletes the key.

    Returns:
        The complete sets, and why the others are not.
    """
    parts: dict[str, _Parts] = {}
    for key, value in records:
        digest, _, number = (key or b"").decode(errors="replace").partition("/")
        own = parts.setdefault(digest, _Parts())
        if not number:
            own.manifest = value
        elif number.isdecimal() and value:
            own.chunks[int(number)] = value
        elif number.isdecimal():
            own.chunks.pop(int(number), None)
    found: dict[int, PublishedSet] = {}
    problems: list[str] = []
    for digest, own in parts.items():
        if not own.manifest and not own.chunks:
            continue  # deleted
        try:
            found[mark_of(digest)] = _whole(digest, own)
        except (ValueError, InputError) as error:
            problems.append(f"set {digest[:16]}: {error}")
    return PublishedSets(found, tuple(problems))


def _whole(digest: str, own: _Parts) -> PublishedSet:
    if not own.manifest:
        raise InputError("its manifest is missing: it is being published, or that was interrupted")
    try:
        manifest = msgspec.json.decode(own.manifest, type=SetManifest)
    except msgspec.MsgspecError as error:
        raise InputError(f"its manifest cannot be read: {error}") from error
    if manifest.format != FORMAT or manifest.digest != digest:
        raise InputError(f"its manifest says format {manifest.format!r} and digest {manifest.digest[:16]}")
    missing = [number for number in range(manifest.chunks) if number not in own.chunks]
    if missing:
        raise InputError(f"chunk {missing[0]} of {manifest.chunks} is missing")
    data = b"".join(own.chunks[number] for number in range(manifest.chunks))
    if (len(data), crc32c.crc32c(data)) != (manifest.bytes, manifest.crc32c):
        raise InputError(f"{len(data):,} bytes do not match the manifest's length and CRC32C")
    return PublishedSet(manifest, data)
