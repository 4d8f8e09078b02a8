"""The catalogue: which definitions exist, with which numbers.

Definitions are data. A definition's version is a hash of everything that decides when it fires,
so an event always says which rule made it.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

from core.definitions.rule_entry import INTRADAY_SERIES, RULE_KEYS, RULE_KIND, RuleText, parse_rule
from core.detectors import DETECTORS
from core.model.errors import CatalogueError
from core.model.records import EventState, Frequency

_FREQUENCIES: Final = MappingProxyType({frequency.label: frequency for frequency in Frequency})
_KEYS: Final = ("id", "kind", "frequency", "cool_down", "expires", "pairs", "parameters")
_KINDS: Final = (*DETECTORS, RULE_KIND)
_RULE_FREQUENCIES: Final = (Frequency.MINUTE.label, Frequency.DAY.label)
_VERSION_DIGITS: Final = 12
_ID: Final = r"[a-z][a-z0-9_]*"
_MOST_NAMES: Final = 8
_ACTION: Final = "correct the catalogue; its head says what each key means"
_MOST_STEPS: Final = 1_000_000
"""Two and a half years of session minutes; a life cycle counts steps in 32 bits."""


@dataclass(frozen=True, slots=True)
class Definition:
    """One entry of the catalogue.

    Args:
        definition_id: Its name in events, metrics and files.
        kind: Its detector, or "rule".
        family: Family of its events; decides the topic.
        frequency: How often it is evaluated.
        parameters: Every number of the detector, defaults filled in.
        cool_down: Steps after an episode before the next may open.
        expires: Steps after which an episode ends by itself, 0 for never.
        pairs: Names of pairs, empty for all.
        rule: What a definition of kind "rule" says, None for the others.
    """

    definition_id: str
    kind: str
    family: str
    frequency: Frequency
    parameters: Mapping[str, float]
    cool_down: int
    expires: int
    pairs: tuple[str, ...]
    rule: RuleText | None = None

    @property
    def version(self) -> str:
        """Hash of everything that decides when the definition fires."""
        content: dict[str, Any] = {
            "id": self.definition_id,
            "kind": self.kind,
            "frequency": self.frequency.label,
            "cool_down": self.cool_down,
            "expires": self.expires,
        }
        if self.rule is None:
            content |= {
                "semantics": DETECTORS[self.kind].semantics,
                "parameters": dict(self.parameters),
            }
        else:
            content |= self.rule.content
        return _digest(content)[:_VERSION_DIGITS]

    @property
    def entry(self) -> dict[str, Any]:
        """The definition as an entry of a catalogue file, defaults filled in."""
        head: dict[str, Any] = {
            "id": self.definition_id,
            "kind": self.kind,
            "frequency": self.frequency.label,
            "cool_down": self.cool_down,
            "expires": self.expires,
            "pairs": list(self.pairs),
        }
        if self.rule is not None:
            return head | self.rule.entry
        return head | {"parameters": dict(self.parameters)}

    @property
    def point(self) -> bool:
        """An opening is all there is."""
        return DETECTORS[self.kind].point if self.rule is None else self.rule.point

    @property
    def dwell(self) -> int:
        """Steps in a row at which it must be true to open."""
        return 1 if self.rule is None else self.rule.dwell

    @property
    def states(self) -> tuple[EventState, ...]:
        """Every state its events can enter, in the order of their numbers."""
        found = {EventState.OPENED}
        if self.frequency == Frequency.DAY:
            found |= {EventState.CANDIDATE, EventState.WITHDRAWN, EventState.REVISED}
        if not self.point:
            found.add(EventState.RESOLVED)
            if self.expires or self.frequency == Frequency.MINUTE:
                found.add(EventState.EXPIRED)
            if self.rule is None or self.rule.invalidation:
                found.add(EventState.INVALIDATED)
            if self.rule is not None:
                found |= {EventState.CONFIRMED} if self.rule.confirm else set()
                found |= {EventState.FADED} if self.rule.fade else set()
        return tuple(sorted(found))

    @property
    def series(self) -> str:
        """The series it looks at, for the provenance of "first since"."""
        if self.rule is not None:
            return self.rule.series
        return DETECTORS[self.kind].series if self.frequency == Frequency.DAY else INTRADAY_SERIES

    @property
    def operator(self) -> str:
        """How a case is held against the threshold, for the same."""
        return DETECTORS[self.kind].operator if self.rule is None else self.rule.operator

    @property
    def threshold(self) -> dict[str, float]:
        """What its events say the values were held against."""
        if self.rule is not None:
            return self.rule.threshold
        return DETECTORS[self.kind].threshold(self.parameters)

    @property
    def input_keys(self) -> tuple[str, ...]:
        """Keys of the outputs that decide."""
        if self.rule is not None:
            return self.rule.input_keys
        return DETECTORS[self.kind].input_keys(self.frequency, self.parameters)

    @property
    def payload(self) -> dict[str, str]:
        """Name in its events' values → key of the output that goes there."""
        if self.rule is not None:
            return self.rule.payload
        return DETECTORS[self.kind].payload_keys(self.frequency, self.parameters)


@dataclass(frozen=True)
class Catalogue:
    """All definitions, in file order."""

    definitions: tuple[Definition, ...]

    @cached_property
    def digest(self) -> str:
        """Hash over ids, versions and pairs."""
        return _digest([[d.definition_id, d.version, list(d.pairs)] for d in self.definitions])

    @property
    def mark(self) -> int:
        """What a settings mark says to ask for this catalogue: the digest's first 64 bits."""
        return int(self.digest[:16], 16)

    def get(self, definition_id: str) -> Definition:
        """One definition by id; CatalogueError names the nearest ones."""
        for definition in self.definitions:
            if definition.definition_id == definition_id:
                return definition
        known = [definition.definition_id for definition in self.definitions]
        raise _refusal(f"no definition {definition_id!r}{_nearest(definition_id, known)}")


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
        ... kind = "opposite_day"
        ... ''').get("three_up").parameters["instrument_return_pct"]
        3.0
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _refusal(f"the catalogue is not TOML: {error}") from error
    unknown = set(document) - {"definition"}
    if unknown:
        raise _refusal(f"unknown table {sorted(unknown)[0]!r}; definitions stand in [[definition]]")
    entries = document.get("definition", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise _refusal("'definition' is not a list of tables; write each as [[definition]]")
    definitions = [_definition(number, entry) for number, entry in enumerate(entries, start=1)]
    seen: set[str] = set()
    for definition in definitions:
        if definition.definition_id in seen:
            raise _refusal(f"definition {definition.definition_id!r} stands twice")
        seen.add(definition.definition_id)
    return Catalogue(tuple(definitions))


def stored_definition(entry: Mapping[str, Any], version: str) -> Definition | None:
    """Give a definition that a snapshot holds, as this release would compute it.

    Args:
        entry: From `Definition.entry`.
        version: What the definition's version was.

    Returns:
        None where this release cannot compute it, or would mean something else by it.
    """
    try:
        definition = _definition(1, entry)
    except CatalogueError:
        return None
    return definition if definition.version == version else None


def _definition(number: int, entry: Mapping[str, Any]) -> Definition:
    where = f"definition {entry.get('id', f'number {number}')!r}"
    for key in ("id", "kind"):
        if not isinstance(entry.get(key), str) or not entry[key]:
            raise _refusal(f"{where}: {key!r} is missing")
    if not re.fullmatch(_ID, entry["id"]):
        raise _refusal(f"{where}: an id is lower-case letters, digits and _, a letter first")
    kind = entry["kind"]
    if kind not in _KINDS:
        raise _refusal(f"{where}: unknown kind {kind!r}{_nearest(kind, _KINDS)}")
    keys = (*_KEYS, *RULE_KEYS) if kind == RULE_KIND else _KEYS
    for key in entry:
        if key not in keys:
            raise _refusal(f"{where}: unknown key {key!r}{_nearest(key, keys)}")
    if kind == RULE_KIND:
        return _rule(where, entry)
    detector = DETECTORS[kind]
    label = entry.get("frequency", Frequency.DAY.label)
    allowed = [name for name, frequency in _FREQUENCIES.items() if detector.supports(frequency)]
    if label not in allowed:
        raise _refusal(f"{where}: frequency {label!r} is not one of {', '.join(allowed)} for {kind}")
    frequency = _FREQUENCIES[label]
    parameters = _parameters(where, kind, entry.get("parameters", {}))
    try:
        detector.check(parameters)
    except CatalogueError as error:
        raise _refusal(f"{where}: {error.message}", error.operator_action) from error
    return Definition(
        definition_id=entry["id"],
        kind=kind,
        family=detector.family,
        frequency=frequency,
        parameters=parameters,
        cool_down=_steps(where, "cool_down", entry),
        expires=_steps(where, "expires", entry),
        pairs=_pairs(where, entry.get("pairs", [])),
    )


def _rule(where: str, entry: Mapping[str, Any]) -> Definition:
    label = entry.get("frequency", Frequency.DAY.label)
    if label not in _RULE_FREQUENCIES:
        raise _refusal(
            f"{where}: frequency {label!r} is not one of {', '.join(_RULE_FREQUENCIES)} for a rule"
        )
    frequency = _FREQUENCIES[label]
    rule = parse_rule(where, entry, frequency)
    return Definition(
        definition_id=entry["id"],
        kind=RULE_KIND,
        family=rule.family,
        frequency=frequency,
        parameters=MappingProxyType({}),
        cool_down=_steps(where, "cool_down", entry),
        expires=_steps(where, "expires", entry),
        pairs=_pairs(where, entry.get("pairs", [])),
        rule=rule,
    )


def _pairs(where: str, given: object) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise _refusal(f"{where}: 'pairs' must be a list of names such as \"RUT/SPX\", not {given!r}")
    return tuple(given)


def _parameters(where: str, kind: str, given: object) -> Mapping[str, float]:
    if not isinstance(given, dict):
        raise _refusal(f"{where}: 'parameters' must be a table of numbers, not {given!r}")
    known = {parameter.name: parameter for parameter in DETECTORS[kind].parameters}
    for name, value in given.items():
        if name not in known:
            raise _refusal(f"{where}: unknown parameter {name!r}{_nearest(name, known)}")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _refusal(f"{where}: parameter {name!r} must be a number, not {value!r}")
        if not known[name].least <= value <= known[name].most:
            raise _refusal(
                f"{where}: {name} = {value} is outside {known[name].least:g} to {known[name].most:g}"
            )
        choices = known[name].choices
        if choices and value not in choices:
            raise _refusal(
                f"{where}: {name} = {value} is not one of {', '.join(f'{choice:g}' for choice in choices)}"
            )
    return MappingProxyType({name: float(given.get(name, p.default)) for name, p in known.items()})


def _steps(where: str, key: str, entry: Mapping[str, Any]) -> int:
    value = entry.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST_STEPS:
        raise _refusal(
            f"{where}: {key!r} must be a whole number of steps, 0 to {_MOST_STEPS:,}, not {value!r}"
        )
    return value


def _refusal(message: str, operator_action: str | None = None) -> CatalogueError:
    return CatalogueError(message, operator_action=operator_action or _ACTION)


def _nearest(name: str, known: Iterable[str]) -> str:
    names = list(known)
    close = difflib.get_close_matches(name, names, n=3)
    if close:
        return f"; did you mean {' or '.join(close)}?"
    more = f", … {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"; known are {', '.join(names[:_MOST_NAMES])}{more}"


def _digest(content: Any) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
