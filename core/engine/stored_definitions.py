"""The definitions in force as a snapshot's head holds them, and what this release makes of each.

A definition is taken as it stands, or translated where an earlier release wrote it in another form.
What this release cannot compute becomes an orphan: its state waits until what it had opened can be
withdrawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from core.definitions.catalogue import Catalogue, stored_definition
from core.definitions.definition import Definition
from core.definitions.episode import EPISODE
from core.engine.published_versions import PublishedAs, PublishedVersions
from core.engine.sections import definition_section_name
from core.engine.snapshot import Section, Snapshot
from core.model.errors import SnapshotError
from core.model.records import Frequency

_ACTION: Final = "delete the snapshot and let the worker rebuild from the log's baseline"
_FREQUENCIES: Final = frozenset(frequency.label for frequency in Frequency)


class DefinitionRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """One definition in a snapshot's head.

    Args:
        entry: From `Definition.entry`.
        version: Version of the definition and of its section.
        family: Determines the topic of its events.
        values: Names of the values in its events, ascending.
        published: Pair → version and episodes that were published under another version.
    """

    entry: dict[str, Any]
    version: str
    family: str
    values: list[str]
    # The key keeps its name: snapshots of earlier releases have it.
    published: dict[str, PublishedAs] = msgspec.field(default_factory=dict, name="told")

    def as_plain(self) -> dict[str, Any]:
        """Return the record as plain values."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain


class Orphan(NamedTuple):
    """A definition of a snapshot that this release does not support; its episodes will be withdrawn.

    Args:
        entry: `Definition.entry` as of the release that wrote it.
        version: Version of the definition.
        family: Determines the topic.
        values: Names of the values in its events.
        section: Its state.
    """

    entry: Mapping[str, Any]
    version: str
    family: str
    values: tuple[str, ...]
    section: Section


class StoredDefinitions(NamedTuple):
    """A snapshot's definitions, as interpreted by this release.

    Args:
        catalogue: Supported definitions, in the order of the snapshot.
        published_as: Definition id → version under which its events were published and its section is stored.
        orphans: Unsupported definitions.
        published: Episodes that an earlier restore found published under another version.
    """

    catalogue: Catalogue
    published_as: Mapping[str, str]
    orphans: tuple[Orphan, ...]
    published: PublishedVersions


def record_of(definition: Definition, published: Mapping[str, PublishedAs]) -> DefinitionRecord:
    """Return the record of a definition in force."""
    return DefinitionRecord(
        definition.entry, definition.version, definition.family, sorted(definition.payload), dict(published)
    )


def read_definitions(snapshot: Snapshot, pairs: int) -> StoredDefinitions:
    """Read the definitions of a snapshot.

    Args:
        snapshot: The snapshot.
        pairs: Number of pairs of the partition.

    Raises:
        SnapshotError: They are not written as any release has written them, or a section is missing.
    """
    known: list[Definition] = []
    published_as: dict[str, str] = {}
    orphans: list[Orphan] = []
    published: dict[tuple[str, str], PublishedAs] = {}
    for record in _records(snapshot):
        definition_id = record.entry["id"]
        stored = stored_definition(record.entry, record.version)
        if stored is None:
            orphans.append(_orphan(snapshot, record, pairs))
        else:
            known.append(stored.definition)
            published_as[definition_id] = stored.published_as
        published |= {(definition_id, pair): one for pair, one in record.published.items()}
    return StoredDefinitions(Catalogue(tuple(known)), published_as, tuple(orphans), published)


def _records(snapshot: Snapshot) -> list[DefinitionRecord]:
    try:
        records = msgspec.convert(snapshot.head.get("definitions"), list[DefinitionRecord])
    except msgspec.ValidationError as error:
        raise _refusal(f"the definitions of the snapshot cannot be read: {error}") from error
    ids = [record.entry.get("id") for record in records]
    if not all(isinstance(each, str) for each in ids) or len(set(ids)) != len(ids):
        raise _refusal("the definitions of the snapshot cannot be read: an id is missing or is duplicated")
    return records


def _orphan(snapshot: Snapshot, record: DefinitionRecord, pairs: int) -> Orphan:
    definition_id = record.entry["id"]
    if record.entry.get("frequency") not in _FREQUENCIES:
        raise _refusal(f"definition {definition_id!r} of the snapshot has no frequency that is known")
    section = snapshot.section(definition_section_name(definition_id))
    episodes = section.arrays.get("lives")
    if episodes is None or episodes.dtype != EPISODE or episodes.shape != (pairs,):
        raise _refusal(f"the layout of definition {definition_id!r} in the snapshot is not known")
    return Orphan(record.entry, record.version, record.family, tuple(record.values), section)


def _refusal(message: str) -> SnapshotError:
    return SnapshotError(message, operator_action=_ACTION)
