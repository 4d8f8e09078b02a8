"""Reads snapshots back from the compacted topic, newest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

from consumers.snapshots.records import (
    ID_HEADER,
    MANIFEST_KEY,
    Manifest,
    SnapshotName,
    assemble,
    decode_manifest,
)
from core.kafka.records import Record
from core.model.errors import SnapshotError

_NO_MANIFEST: Final = "its manifest is missing"
_MARKERS_AND_ABORTS: Final = 4
"""How many offsets a snapshot's record may take: control records and aborted tries stand between."""


class SnapshotLog(Protocol):
    """The compacted topic, one partition at a time."""

    def read(self, partition: int, *, last: int | None = None) -> Iterable[Record]:
        """Committed records to the end as it is at the call, oldest first.

        Args:
            partition: Which.
            last: Only what stands at the last so many offsets; everything by default.
        """


@dataclass(frozen=True, slots=True)
class StoredSnapshot:
    """A snapshot whose chunks are all there.

    Args:
        name: Which one.
        data: From `PartitionEngine.snapshot`.
    """

    name: SnapshotName
    data: bytes


@dataclass(slots=True)
class _Slot:
    manifest: Manifest | None = None
    problem: str = _NO_MANIFEST
    chunks: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)

    def delete(self, part: str) -> None:
        if part == MANIFEST_KEY:
            self.manifest, self.problem = None, _NO_MANIFEST
        elif part.isdecimal():
            self.chunks.pop(int(part), None)


class SnapshotStore:
    """The snapshots of a worker's partitions.

    Args:
        log: Where they stand.
    """

    def __init__(self, log: SnapshotLog) -> None:
        self._log = log

    def candidates(
        self, partition: int, named: SnapshotName, problems: list[str]
    ) -> Iterator[StoredSnapshot]:
        """Give what a partition can be restored from: the snapshot that is named, then those before it.

        Args:
            partition: Which.
            named: By the committed offset's metadata.
            problems: Takes why a snapshot is not among them.

        Yields:
            Whole snapshots, newest first. Reading goes no further back than it is asked to.

        Raises:
            TransportError: The topic cannot be read.
        """
        slots = self._read(partition, last=_MARKERS_AND_ABORTS * (named.chunks + 1))
        whole = self._whole(slots.get(named.slot), named, [])
        if whole is None:
            slots = self._read(partition)
            whole = self._whole(slots.get(named.slot), named, problems)
        if whole is not None:
            yield whole
        slots = self._read(partition)
        problems += [
            f"slot {number}: {slot.problem}"
            for number, slot in sorted(slots.items())
            if slot.manifest is None and number != named.slot
        ]
        earlier = [
            slot.manifest.name
            for slot in slots.values()
            if slot.manifest is not None and slot.manifest.name.number < named.number
        ]
        for name in sorted(earlier, key=lambda name: name.number, reverse=True):
            whole = self._whole(slots[name.slot], name, problems)
            if whole is not None:
                yield whole

    def _read(self, partition: int, last: int | None = None) -> dict[int, _Slot]:
        slots: dict[int, _Slot] = {}
        for record in self._log.read(partition, last=last):
            slot_text, _, part = (record.key or b"").decode(errors="replace").partition("/")[2].partition("/")
            if not slot_text.isdecimal():
                continue
            slot = slots.setdefault(int(slot_text), _Slot())
            if not record.value:  # deleted, and compaction has not yet taken the key away
                slot.delete(part)
            elif part == MANIFEST_KEY:
                slot.manifest = None
                try:
                    slot.manifest = decode_manifest(record.value)
                except SnapshotError as error:
                    slot.problem = error.message
            elif part.isdecimal():
                slot.chunks[int(part)] = (dict(record.headers).get(ID_HEADER, b""), record.value)
        return slots

    @staticmethod
    def _whole(slot: _Slot | None, name: SnapshotName, problems: list[str]) -> StoredSnapshot | None:
        where = f"snapshot {name.number} at offset {name.next_offset}"
        if slot is None:
            problems.append(f"{where}: its slot is empty")
            return None
        if slot.manifest is None or slot.manifest.name != name:
            other = slot.problem if slot.manifest is None else "its slot holds another one"
            problems.append(f"{where}: {other}")
            return None
        try:
            return StoredSnapshot(name, assemble(slot.manifest, slot.chunks))
        except SnapshotError as error:
            problems.append(f"{where}: {error.message}")
            return None
