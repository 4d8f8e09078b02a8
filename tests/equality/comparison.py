"""Holds the records of one commit against those of another."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.equality.fields import ABSENT, VERSION, Kind, Record, comparable, differing, flat

MOST_TEXT: Final = 60
"""Characters shown of one value."""
Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """Two records of one key that are not the same, or one without its like.

    Args:
        key: Values of the kind's key, and the record's number among those of one key.
        fields: Path → value at the base, value at the head.
    """

    key: Key
    fields: Mapping[str, tuple[Any, Any]]

    def __str__(self) -> str:
        shown = ", ".join(f"{path}: {_text(was)} → {_text(now)}" for path, (was, now) in self.fields.items())
        return f"{'  '.join(str(part) for part in self.key[:-1])}  {shown}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of the records of one kind.

    Args:
        kind: Which.
        base: How many the base has.
        head: How many the head has.
        differences: One for each record that differs, in the base's order; records without their like
            in the head's order behind them.
        moved: Number of records that stand in another order.
        versioned: Number of events whose definition has another version, and which are equal otherwise.
        base_digest: Over all fields that have to be the same, in order.
        head_digest: The same of the head.
    """

    kind: Kind
    base: int
    head: int
    differences: tuple[Difference, ...]
    moved: int
    versioned: int
    base_digest: str
    head_digest: str

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return not self.differences and not self.moved and self.base_digest == self.head_digest


def compare(kind: Kind, base: Sequence[Record], head: Sequence[Record]) -> Comparison:
    """Match records by their key and compare them.

    Args:
        kind: Of all of them.
        base: In the order in which they were told.
        head: The same.
    """
    ours, theirs = _by_key(kind, base), _by_key(kind, head)
    differences, versioned = [], 0
    for key, record in ours.items():
        other = theirs.get(key)
        if other is None:
            differences.append(Difference(key, {"(record)": ("present", ABSENT)}))
            continue
        fields = differing(kind, record, other)
        if fields:
            differences.append(Difference(key, fields))
        versioned += not fields and bool(kind.versioned) and _version(record) != _version(other)
    differences += [Difference(key, {"(record)": (ABSENT, "present")}) for key in theirs if key not in ours]
    both_ours = [key for key in ours if key in theirs]
    both_theirs = [key for key in theirs if key in ours]
    return Comparison(
        kind,
        len(base),
        len(head),
        tuple(differences),
        sum(one != other for one, other in zip(both_ours, both_theirs, strict=True)),
        versioned,
        digest(kind, base),
        digest(kind, head),
    )


def digest(kind: Kind, records: Iterable[Record]) -> str:
    """Digest what has to be the same, in order; 16 hexadecimal digits."""
    total = hashlib.sha256()
    for record in records:
        total.update(json.dumps(comparable(kind, record), sort_keys=True).encode() + b"\n")
    return total.hexdigest()[:16]


def fields_that_differ(comparison: Comparison) -> Counter[str]:
    """Path → how many records differ in it."""
    return Counter(path for difference in comparison.differences for path in difference.fields)


def _by_key(kind: Kind, records: Iterable[Record]) -> dict[Key, Record]:
    found: dict[Key, Record] = {}
    seen: Counter[Key] = Counter()
    for record in records:
        values = flat(record)
        key = tuple(values.get(path, ABSENT) for path in kind.key)
        found[*key, seen[key]] = record
        seen[key] += 1
    return found


def _version(record: Record) -> Any:
    return flat(record).get(VERSION, ABSENT)


def _text(value: Any) -> str:
    text = str(value) if value == ABSENT else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}…"
