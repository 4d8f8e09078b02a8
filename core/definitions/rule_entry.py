"""A definition of kind "rule", as its entry in the catalogue says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

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
from core.model.event_families import EVENT_FAMILIES
from core.model.records import Frequency
from core.model.suggestions import nearest

RULE_KIND: Final = "rule"
RULE_KEYS: Final = (
    "family",
    "enter",
    "exit",
    "confirm",
    "fade",
    "invalidate",
    "dwell",
    "point",
    "values",
    "series",
    "operator",
)
INTRADAY_SERIES: Final = "intraday"
"""What definitions at minutes look at, for the provenance of "first since"."""

LEVEL_KEYS: Final = ("numerator_price", "benchmark_price", "ratio:1d")
"""What an invalidation level may be of: a split restates these, and the level with them."""

_MOST_DWELL: Final = 10_000
_ACTION: Final = "correct the catalogue; its head says what each key means"


@dataclass(frozen=True, slots=True)
class Invalidation:
    """A level fixed at the opening; beyond it the episode ends as invalidated.

    Args:
        key: Output that is held against the level.
        direction: 1 where falling below it invalidates, -1 where rising above it does.
        distance_pct: Distance of the level from the value at the opening, in percent of it.
    """

    key: str
    direction: float
    distance_pct: float

    @property
    def threshold_name(self) -> str:
        """Its name among an event's thresholds."""
        return f"invalidate_{'below' if self.direction > 0 else 'above'}_pct"


@dataclass(frozen=True, slots=True)
class RuleText:
    """Everything a rule says besides what every definition has.

    Args:
        family: Family of its events.
        enter: Opens an episode.
        leave: Ends it as resolved; None: when `enter` no longer holds; empty: never.
        confirm: Confirms it, None where there is nothing to wait for.
        fade: Ends it as faded before it is confirmed, None where nothing does.
        invalidation: Ends it as invalidated.
        dwell: Steps in a row at which `enter` must hold.
        point: An opening is all there is.
        values: Further outputs an event shows.
        series: For the provenance of "first since": the series that is looked at.
        operator: For the same: how a case is held against the threshold.
    """

    family: str
    enter: Condition
    leave: Condition | None
    confirm: Condition | None
    fade: Condition | None
    invalidation: Invalidation | None
    dwell: int
    point: bool
    values: tuple[str, ...]
    series: str
    operator: str

    @property
    def input_keys(self) -> tuple[str, ...]:
        """Outputs that decide something, each once."""
        atoms = atoms_of(self.enter, self.leave, self.confirm, self.fade)
        keys = [key for atom in atoms for key in atom.keys]
        if self.invalidation is not None:
            keys.append(self.invalidation.key)
        return tuple(dict.fromkeys(keys))

    @property
    def payload(self) -> dict[str, str]:
        """Name in an event's data → key of the output that goes there."""
        return {value_name(key): key for key in dict.fromkeys((*self.input_keys, *self.values))}

    @property
    def threshold(self) -> dict[str, float]:
        """Every number it compares with, by value and by what it decides."""
        found: dict[str, float] = {}
        parts = (("", self.enter), ("_exit", self.leave), ("_confirm", self.confirm), ("_fade", self.fade))
        for suffix, condition in parts:
            for atom in atoms_of(condition):
                _add(found, _threshold_name(atom) + suffix, atom.factor)
        if self.invalidation is not None:
            found[self.invalidation.threshold_name] = self.invalidation.distance_pct
        return found

    @property
    def entry(self) -> dict[str, Any]:
        """Its keys in an entry of a catalogue file, defaults filled in."""
        found: dict[str, Any] = {
            "family": self.family,
            "enter": texts_of(self.enter),
            "dwell": self.dwell,
            "point": self.point,
            "values": list(self.values),
            "series": self.series,
            "operator": self.operator,
        }
        parts = (("exit", self.leave), ("confirm", self.confirm), ("fade", self.fade))
        if not self.point:
            found |= {key: texts_of(condition) for key, condition in parts if condition is not None}
        if self.invalidation is not None:
            side = "below_pct" if self.invalidation.direction > 0 else "above_pct"
            found["invalidate"] = {"key": self.invalidation.key, side: self.invalidation.distance_pct}
        return found

    @property
    def content(self) -> dict[str, Any]:
        """What the version hashes: everything that decides, however it was spelled."""
        invalidation = self.invalidation
        return {
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
        where: Names the entry in errors.
        entry: The entry; keys that every definition has are passed over.
        frequency: How often it is evaluated.

    Returns:
        The rule.

    Raises:
        CatalogueError: Names the entry, the key and what is wrong with it.
    """
    if "parameters" in entry:
        raise _refusal(f"{where}: a rule has conditions, no 'parameters'")
    family = entry.get("family")
    if family not in EVENT_FAMILIES:
        raise _refusal(f"{where}: family {family!r} is not one of {', '.join(EVENT_FAMILIES)}")
    enter = _condition(where, "enter", entry, frequency)
    if not enter:
        raise _refusal(f"{where}: 'enter' is missing: a list of conditions that open an episode")
    point = entry.get("point", False)
    if not isinstance(point, bool):
        raise _refusal(f"{where}: 'point' must be true or false, not {point!r}")
    endings = [key for key in ("exit", "confirm", "fade", "invalidate") if key in entry]
    if point and (endings or entry.get("expires")):
        named = repr(endings[0]) if endings else "'expires'"
        raise _refusal(f"{where}: a point event ends with its opening, so {named} says nothing")
    return RuleText(
        family=family,
        enter=enter,
        leave=() if point else _condition(where, "exit", entry, frequency),
        confirm=_condition(where, "confirm", entry, frequency) or None,
        fade=_condition(where, "fade", entry, frequency) or None,
        invalidation=_invalidation(where, entry.get("invalidate"), frequency),
        dwell=_dwell(where, entry.get("dwell", 1)),
        point=point,
        values=_values(where, entry.get("values", []), frequency),
        series=_word(where, "series", entry, "close" if frequency == Frequency.DAY else INTRADAY_SERIES),
        operator=_operator(where, entry, enter[0][0]),
    )


def _condition(where: str, key: str, entry: Mapping[str, Any], frequency: Frequency) -> Condition | None:
    if key not in entry:
        return None
    try:
        return parse_condition(entry[key], frequency)
    except CatalogueError as error:
        raise _refusal(f"{where}: {key}: {error.message}", error.operator_action) from error


def _invalidation(where: str, given: object, frequency: Frequency) -> Invalidation | None:
    if given is None:
        return None
    if frequency != Frequency.DAY:
        raise _refusal(f"{where}: invalidation levels are for rules at 1d")
    sides = {"below_pct": 1.0, "above_pct": -1.0}
    if not isinstance(given, dict) or "key" not in given or len(given) != 2:
        raise _refusal(
            f"{where}: invalidate is written {{ key = KEY, below_pct = NUMBER }} or with above_pct"
        )
    side = next(name for name in given if name != "key")
    if side not in sides:
        raise _refusal(f"{where}: invalidate: unknown key {side!r}{nearest(side, sides, list_all=True)}")
    distance = given[side]
    if isinstance(distance, bool) or not isinstance(distance, int | float) or not 0 <= distance < 100:
        raise _refusal(f"{where}: invalidate: {side} must be a number from 0 to below 100, not {distance!r}")
    key = str(given["key"])
    try:
        key = find_key(key, frequency)
    except CatalogueError as error:
        raise _refusal(f"{where}: invalidate: {error.message}") from error
    if key not in LEVEL_KEYS:
        raise _refusal(f"{where}: invalidate: a level is of {', '.join(LEVEL_KEYS)}, not of {key}")
    return Invalidation(key, sides[side], float(distance))


def _dwell(where: str, given: object) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= _MOST_DWELL:
        raise _refusal(
            f"{where}: 'dwell' must be a whole number of steps, 1 to {_MOST_DWELL:,}, not {given!r}"
        )
    return given


def _values(where: str, given: object, frequency: Frequency) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise _refusal(f"{where}: 'values' must be a list of names, not {given!r}")
    try:
        return tuple(find_key(name, frequency) for name in given)
    except CatalogueError as error:
        raise _refusal(f"{where}: values: {error.message}") from error


def _word(where: str, key: str, entry: Mapping[str, Any], default: str) -> str:
    word = entry.get(key, default)
    if not isinstance(word, str) or not word:
        raise _refusal(f"{where}: {key!r} must be a text, not {word!r}")
    return word


def _operator(where: str, entry: Mapping[str, Any], first: Atom) -> str:
    default = f"abs {first.operator.text}" if first.form == "abs" else first.operator.text
    operator = _word(where, "operator", entry, default)
    if operator not in OPERATORS:
        raise _refusal(f"{where}: operator {operator!r} is not one of {', '.join(OPERATORS)}")
    return operator


def _refusal(message: str, operator_action: str | None = None) -> CatalogueError:
    return CatalogueError(message, operator_action=operator_action or _ACTION)
