"""The catalogue: which definitions exist, with which numbers.

Definitions are data. A definition's version is a hash of everything that decides when it fires,
so an event always says which rule made it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

from core.definitions.definition import Definition, parse_definition
from core.definitions.detector_translation import detector_version, is_detector, rule_of_detector
from core.definitions.digests import digest
from core.definitions.entry_table import check_shape, refusal
from core.definitions.entry_text import entry_text
from core.definitions.event_words import WORD_KEYS
from core.model.errors import CatalogueError
from core.model.suggestions import nearest
from core.model.validation import read_toml

_MARK_DIGITS: Final = 16


@dataclass(frozen=True)
class Catalogue:
    """All definitions, in file order."""

    definitions: tuple[Definition, ...]

    @cached_property
    def digest(self) -> str:
        """Hash over meaning and texts: equal digests give equal events."""
        texts = {d.definition_id: d.words.entry for d in self.definitions if d.words.entry}
        return digest([self.meaning_digest, texts]) if texts else self.meaning_digest

    @cached_property
    def meaning_digest(self) -> str:
        """Hash over ids, versions and pairs: it stays when only a title or a sentence changes."""
        return digest([[d.definition_id, d.version, list(d.pairs)] for d in self.definitions])

    @property
    def mark(self) -> int:
        """What a settings mark says to ask for this catalogue: the digest's first 64 bits."""
        return _mark(self.digest)

    @cached_property
    def marks(self) -> frozenset[int]:
        """Every mark that asks for this catalogue: its own, those of releases without texts or `extend`.

        The oldest of them had detectors.
        """
        before = self.without_extend
        content = [
            [d.definition_id, d.detector_version or d.version, list(d.pairs)] for d in before.definitions
        ]
        marks = (_mark(each) for each in (self.meaning_digest, before.meaning_digest, digest(content)))
        return frozenset({self.mark, *marks})

    @cached_property
    def without_extend(self) -> Catalogue:
        """The same definitions before they had `extend`."""
        return Catalogue(tuple(definition.without_extend for definition in self.definitions))

    def get(self, definition_id: str) -> Definition:
        """One definition by id; CatalogueError names the nearest ones."""
        for definition in self.definitions:
            if definition.definition_id == definition_id:
                return definition
        known = [definition.definition_id for definition in self.definitions]
        raise refusal(f"no definition {definition_id!r}{nearest(definition_id, known, list_all=True)}")


def parse_catalogue(text: str) -> Catalogue:
    """Read a catalogue.

    Args:
        text: TOML with `[[definition]]` entries.

    Returns:
        The catalogue, defaults filled in.

    Raises:
        CatalogueError: Names the entry, what is wrong with it and the nearest valid name.

    Example:
        >>> parse_catalogue('''
        ... [[definition]]
        ... id = "three_up"
        ... family = "level"
        ... enter = ["return_1d_pct >= 3"]
        ... ''').get("three_up").threshold
        {'return_1d_pct': 3.0}
    """
    document = read_toml(text, "catalogue", refusal)
    entries = document.get("definition", [])
    if isinstance(entries, list):
        _refuse_detectors([entry for entry in entries if isinstance(entry, dict) and is_detector(entry)])
    check_shape(document)
    definitions = [parse_definition(entry) for entry in entries]
    seen: set[str] = set()
    for definition in definitions:
        if definition.definition_id in seen:
            raise refusal(f"definition {definition.definition_id!r} is duplicated")
        seen.add(definition.definition_id)
    return Catalogue(tuple(definitions))


class StoredDefinition(NamedTuple):
    """A definition that a snapshot holds, as this release computes it.

    Args:
        definition: The definition.
        published_as: The version under which its events were published: another one where it was a detector.
    """

    definition: Definition
    published_as: str


def stored_definition(entry: Mapping[str, Any], version: str) -> StoredDefinition | None:
    """Give a definition that a snapshot holds, as this release would compute it.

    Args:
        entry: From `Definition.entry`, of this release or of one with detectors.
        version: What the definition's version was.

    Returns:
        None where this release cannot compute it, or would mean something else by it.
    """
    try:
        if is_detector(entry):
            definition, was = parse_definition(rule_of_detector(entry)), detector_version(entry)
        else:
            definition = _without_unreadable_words(entry)
            was = definition.version
    except CatalogueError:
        return None
    return StoredDefinition(definition, version) if was == version else None


def _without_unreadable_words(entry: Mapping[str, Any]) -> Definition:
    """Read a stored entry; texts that this release cannot read must not end what is open."""
    try:
        return parse_definition(entry)
    except CatalogueError:
        return parse_definition({key: value for key, value in entry.items() if key not in WORD_KEYS})


def _mark(of: str) -> int:
    """The first 64 bits of a digest."""
    return int(of[:_MARK_DIGITS], 16)


def _refuse_detectors(entries: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a catalogue of an earlier release once, with every rule that has to be written instead."""
    if not entries:
        return
    for entry in entries:
        if not isinstance(entry.get("id"), str):
            raise refusal(f"definition of kind {entry['kind']!r}: 'id' is missing")
    try:
        rules = "\n\n".join(entry_text(rule_of_detector(entry)) for entry in entries)
    except CatalogueError as error:
        raise refusal(error.message) from error
    names = ", ".join(f"{entry['id']!r} (kind {entry['kind']!r})" for entry in entries)
    raise refusal(
        f"{names}: there are no kinds of definitions any more, every definition is a rule; "
        f"written as rules:\n\n{rules}\n",
        "replace these entries of the catalogue by the rules above; their events stay the same",
    )
