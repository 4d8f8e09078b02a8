"""Custom names of values and thresholds in a rule's events."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from core.definitions.entry_table import refusal
from core.definitions.rules import Atom, find_key
from core.model.errors import CatalogueError
from core.model.records import Frequency

_DIGITS: Final = 9
"""Decimals to which a shown threshold must equal a number of the rule: 0.5 % is 1 - 0.995."""


def read_show(where: str, given: Mapping[str, str], frequency: Frequency) -> tuple[tuple[str, str], ...]:
    """Read `show = { NAME = VALUE, … }`.

    Args:
        where: Name of the entry in errors.
        given: Its value.
        frequency: Frequency of the rule.

    Returns:
        Name in the event's data and key of the output, in the order given.

    Raises:
        CatalogueError: The value is invalid.
    """
    found: list[tuple[str, str]] = []
    for name, key in given.items():
        try:
            found.append((name, find_key(key, frequency)))
        except CatalogueError as error:
            raise refusal(f"{where}: show: {error.message}") from error
    return tuple(found)


def read_threshold(
    where: str, given: Mapping[str, float], atoms: Iterable[Atom], distance_pct: float | None
) -> tuple[tuple[str, float], ...]:
    """Read `threshold = { NAME = NUMBER, … }`.

    Each number must be used by the rule, so that events cannot show an outdated threshold after a condition
    was changed: a number in a comparison, the distance in percent of a factor, the invalidation
    distance, or the length of a window.

    Args:
        where: Name of the entry in errors.
        given: Its value.
        atoms: Every comparison of the rule.
        distance_pct: Distance of its invalidation level, None if it has none.

    Returns:
        Name in the event's data and number, in the order given.

    Raises:
        CatalogueError: The value is invalid.
    """
    used = {round(number, _DIGITS) for number in _numbers(atoms)}
    if distance_pct is not None:
        used.add(round(distance_pct, _DIGITS))
    found: list[tuple[str, float]] = []
    for name, number in given.items():
        if round(float(number), _DIGITS) not in used:
            known = ", ".join(f"{each:g}" for each in sorted(used))
            raise refusal(f"{where}: threshold: {name} = {number} is not used by the rule; it uses {known}")
        found.append((name, float(number)))
    return tuple(found)


def _numbers(atoms: Iterable[Atom]) -> Iterator[float]:
    for atom in atoms:
        for key in atom.keys:
            length = re.fullmatch(r"(\d+)[a-z]+", key.partition(":")[2])
            if length is not None:
                yield float(length[1])
        if atom.right is None:
            yield from (atom.factor, abs(atom.factor))
        else:
            yield abs(100.0 * (atom.factor - 1.0))
