"""The rule of a definition, parsed from its entry in the catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from core.definitions.entry_table import refusal
from core.definitions.invalidation import Invalidation, read_invalidation
from core.definitions.rule_words import read_show, read_threshold
from core.definitions.rules import (
    OPERATORS,
    SEMANTICS,
    Atom,
    Condition,
    atoms_of,
    canonical,
    find_key,
    parse_condition,
    texts_of,
    value_name,
)
from core.model.errors import CatalogueError
from core.model.records import Frequency

INTRADAY_SERIES: Final = "intraday"
"""Series of definitions at 1m, for the provenance of "first since"."""


_SIDES: Final[Mapping[str, int]] = MappingProxyType({">=": 1, ">": 1, "<=": -1, "<": -1})


@dataclass(frozen=True, slots=True)
class RuleText:
    """Conditions of a rule, and what its events show.

    Args:
        family: Family of its events.
        enter: Opens an episode.
        leave: Ends it as resolved; None: when `enter` no longer holds; empty: never.
        confirm: Confirms it; None if it is never confirmed.
        fade: Ends it as faded before it is confirmed; None for never.
        extend: Extends an open one: it happened once more; None for never.
        invalidation: Ends it as invalidated.
        dwell: Consecutive steps at which `enter` must hold.
        point: Whether an episode ends with its opening.
        values: Additional outputs shown in events.
        show: Name and output of everything shown in events; empty: the compared outputs and `values`.
        shown_threshold: Thresholds shown in events; empty: the numbers in the conditions.
        series: The series it evaluates, for the provenance of "first since".
        operator: How a case is compared with the threshold, for the provenance of "first since".
    """

    family: str
    enter: Condition
    leave: Condition | None
    confirm: Condition | None
    fade: Condition | None
    extend: Condition | None
    invalidation: Invalidation | None
    dwell: int
    point: bool
    values: tuple[str, ...]
    show: tuple[tuple[str, str], ...]
    shown_threshold: tuple[tuple[str, float], ...]
    series: str
    operator: str

    @property
    def input_keys(self) -> tuple[str, ...]:
        """Outputs read by the conditions, without duplicates."""
        atoms = atoms_of(self.enter, self.leave, self.confirm, self.fade, self.extend)
        keys = [key for atom in atoms for key in atom.keys]
        if self.invalidation is not None:
            keys.append(self.invalidation.key)
        return tuple(dict.fromkeys(keys))

    @property
    def payload(self) -> dict[str, str]:
        """Name in an event's data → key of the output shown."""
        if self.show:
            return dict(self.show)
        return {value_name(key): key for key in dict.fromkeys((*self.input_keys, *self.values))}

    @property
    def threshold(self) -> dict[str, float]:
        """Thresholds shown in events: `shown_threshold`, or every number in the conditions by name."""
        if self.shown_threshold:
            return dict(self.shown_threshold)
        found: dict[str, float] = {}
        parts = (("", self.enter), ("_exit", self.leave), ("_confirm", self.confirm), ("_fade", self.fade))
        for suffix, condition in parts:
            for atom in atoms_of(condition):
                _add(found, _threshold_name(atom) + suffix, atom.factor)
        entering = set(atoms_of(self.enter))
        for atom in atoms_of(self.extend):
            if atom not in entering:  # What opens an episode is there already.
                _add(found, f"{_threshold_name(atom)}_extend", atom.factor)
        if self.invalidation is not None:
            found[self.invalidation.threshold_name] = self.invalidation.distance_pct
        return found

    @property
    def entry(self) -> dict[str, Any]:
        """Its keys in an entry of a catalogue file, including defaults."""
        found: dict[str, Any] = {
            "family": self.family,
            "enter": texts_of(self.enter),
            "dwell": self.dwell,
            "point": self.point,
            "values": list(self.values),
            "series": self.series,
            "operator": self.operator,
        }
        if self.show:
            found["show"] = dict(self.show)
        if self.shown_threshold:
            found["threshold"] = dict(self.shown_threshold)
        parts = (
            ("exit", self.leave),
            ("confirm", self.confirm),
            ("fade", self.fade),
            ("extend", self.extend),
        )
        if not self.point:
            found |= {key: texts_of(condition) for key, condition in parts if condition is not None}
        if self.invalidation is not None:
            side = "below_pct" if self.invalidation.direction > 0 else "above_pct"
            found["invalidate"] = {"key": self.invalidation.key, side: self.invalidation.distance_pct}
        return found

    @property
    def content(self) -> dict[str, Any]:
        """Content hashed by the version: the conditions, independent of spelling."""
        invalidation = self.invalidation
        # Only where there is one: a definition without it keeps the version it had before there was the key.
        extend = {} if self.extend is None else {"extend": canonical(self.extend)}
        return extend | {
            "rule_semantics": SEMANTICS,
            "family": self.family,
            "enter": canonical(self.enter),
            "exit": canonical(self.leave),
            "confirm": canonical(self.confirm),
            "fade": canonical(self.fade),
            "invalidate": None
            if invalidation is None
            else [invalidation.key, invalidation.direction, invalidation.distance_pct],
            "dwell": self.dwell,
            "point": self.point,
        }


def _threshold_name(atom: Atom) -> str:
    name = value_name(atom.left)
    if atom.form == "quality":
        return f"{name}_quality"
    return name if atom.right is None else f"{name}_to_{value_name(atom.right)}"


def _add(found: dict[str, float], name: str, number: float) -> None:
    free, count = name, 1
    while free in found and found[free] != number:
        count += 1
        free = f"{name}_{count}"
    found[free] = number


def parse_rule(where: str, entry: Mapping[str, Any], frequency: Frequency) -> RuleText:
    """Read the keys of a rule.

    Args:
        where: Name of the entry in errors.
        entry: The entry; keys common to all definitions are ignored.
        frequency: How often it is evaluated.

    Returns:
        The rule.

    Raises:
        CatalogueError: A key is invalid.
    """
    enter = _condition(where, "enter", entry, frequency)
    if not enter:
        raise refusal(f"{where}: 'enter' is empty; write a list of conditions that open an episode")
    point = entry.get("point", False)
    endings = [key for key in ("exit", "confirm", "fade", "extend", "invalidate") if key in entry]
    if point and (endings or entry.get("expires")):
        named = repr(endings[0]) if endings else "'expires'"
        raise refusal(f"{where}: a point event ends with its opening, so {named} has no effect")
    leave = () if point else _condition(where, "exit", entry, frequency)
    confirm = _condition(where, "confirm", entry, frequency) or None
    fade = _condition(where, "fade", entry, frequency) or None
    extend = _condition(where, "extend", entry, frequency) or None
    if extend and frequency != Frequency.DAY:
        raise refusal(f"{where}: 'extend' is for rules at 1d, because an episode is extended once a session")
    invalidation = read_invalidation(where, entry.get("invalidate"), frequency)
    values = _values(where, entry.get("values", []), frequency)
    show = read_show(where, entry.get("show", {}), frequency)
    if values and show:
        raise refusal(f"{where}: 'show' names everything that events show, so 'values' has no effect")
    atoms = tuple(atoms_of(enter, leave, confirm, fade, extend))
    distance_pct = None if invalidation is None else invalidation.distance_pct
    return RuleText(
        family=entry["family"],
        enter=enter,
        leave=leave,
        confirm=confirm,
        fade=fade,
        extend=extend,
        invalidation=invalidation,
        dwell=entry.get("dwell", 1),
        point=point,
        values=values,
        show=show,
        shown_threshold=read_threshold(where, entry.get("threshold", {}), atoms, distance_pct),
        series=entry.get("series", "close" if frequency == Frequency.DAY else INTRADAY_SERIES),
        operator=_operator(where, entry, enter[0][0]),
    )


def _condition(where: str, key: str, entry: Mapping[str, Any], frequency: Frequency) -> Condition | None:
    if key not in entry:
        return None
    try:
        return parse_condition(entry[key], frequency)
    except CatalogueError as error:
        raise refusal(f"{where}: {key}: {error.message}", error.operator_action) from error


def _values(where: str, given: Sequence[str], frequency: Frequency) -> tuple[str, ...]:
    try:
        return tuple(find_key(name, frequency) for name in given)
    except CatalogueError as error:
        raise refusal(f"{where}: values: {error.message}") from error


def _operator(where: str, entry: Mapping[str, Any], first: Atom) -> str:
    default = f"abs {first.operator.text}" if first.form == "abs" else first.operator.text
    operator: str = entry.get("operator", default)
    if operator not in OPERATORS:
        raise refusal(f"{where}: operator {operator!r} is not one of {', '.join(OPERATORS)}")
    # Catalogues of earlier releases say ">=" of a fall.
    opposite = _SIDES.get(operator, 0) * _SIDES.get(default, 0) < 0
    return default if opposite else operator
