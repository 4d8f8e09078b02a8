"""What makes two records one and the same, and what may differ between them: stated here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Record = Mapping[str, Any]

VERSION: Final = "data.version"
FOLLOW_FROM_VERSION: Final = ("headers.ce_id", "headers.ce_definitionversion", VERSION)
"""The version of an event's definition, and the id that hashes it. An id may differ only where the version
does."""
DIGEST_OF_VERSIONS: Final = ("data.provenance.catalogue",)
"""Of all definitions: differs for every event as soon as one definition's version does."""
WORDING: Final = ("data.first_since.series", "data.first_since.operator", "data.title", "data.summary")
"""Words that tell a reader what was compared."""

ABSENT: Final = "(absent)"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of record.

    Args:
        name: In the plural.
        key: Paths of the fields that say which record it is.
        ignored: Paths of the fields that may differ.
        versioned: Paths of the fields that may differ where the field VERSION does.
    """

    name: str
    key: tuple[str, ...]
    ignored: tuple[str, ...] = ()
    versioned: tuple[str, ...] = ()


EVENTS: Final = Kind(
    "events",
    ("log", "data.definition", "data.pair", "data.episode", "data.transition"),
    (*DIGEST_OF_VERSIONS, *WORDING),
    FOLLOW_FROM_VERSION,
)
BARS: Final = Kind("bars", ("log", "frequency", "instrument_id", "ts_start", "flags"))
DEAD_LETTERS: Final = Kind("dead letters", ("log", "offset", "reason"))
KINDS: Final = (EVENTS, BARS, DEAD_LETTERS)


def flat(record: Record) -> dict[str, Any]:
    """Give every field under its dotted path; an empty mapping or list stays as it is.

    Example:
        >>> flat({"a": {"b": 1, "c": {}}, "d": [2]})
        {'a.b': 1, 'a.c': {}, 'd.0': 2}
    """
    return dict(_walk("", record))


def _walk(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    entries: Sequence[tuple[object, Any]] = ()
    if isinstance(value, Mapping):
        entries = list(value.items())
    elif isinstance(value, list | tuple):
        entries = list(enumerate(value))
    if not entries:
        yield path, value
    for name, item in entries:
        yield from _walk(f"{path}.{name}" if path else str(name), item)


def comparable(kind: Kind, record: Record) -> dict[str, Any]:
    """Give what has to be the same in every commit: the flat record without all that may differ."""
    unwanted = {*kind.ignored, *kind.versioned}
    return {path: value for path, value in flat(record).items() if path not in unwanted}


def differing(kind: Kind, base: Record, head: Record) -> dict[str, tuple[Any, Any]]:
    """Compare two records of one key.

    Args:
        kind: Of both.
        base: Of one commit.
        head: Of the other.

    Returns:
        Path → both values, for every field that has to be the same and is not.
    """
    ours, theirs = flat(base), flat(head)
    unwanted = set(kind.ignored)
    if ours.get(VERSION) != theirs.get(VERSION):
        unwanted.update(kind.versioned)
    return {
        path: (ours.get(path, ABSENT), theirs.get(path, ABSENT))
        for path in sorted((ours.keys() | theirs.keys()) - unwanted)
        if ours.get(path, ABSENT) != theirs.get(path, ABSENT)
    }
