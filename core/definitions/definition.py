"""One definition: an entry of the catalogue, and its parsing."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from core.definitions.detector_translation import detector_version, possible_detectors, rule_of_detector
from core.definitions.digests import VERSION_DIGITS, digest
from core.definitions.rule_entry import RULE_KEYS, RuleText, parse_rule
from core.model.errors import CatalogueError
from core.model.records import EventState, Frequency

_KIND: Final = "rule"
_KEYS: Final = ("id", "kind", "frequency", "cool_down", "expires", "pairs", *RULE_KEYS)
_FREQUENCIES: Final = MappingProxyType({each.label: each for each in (Frequency.MINUTE, Frequency.DAY)})
_ID: Final = r"[a-z][a-z0-9_]*"
_MOST_NAMES: Final = 8
_ACTION: Final = "correct the catalogue; its header describes each key"
_MOST_STEPS: Final = 1_000_000
"""Two and a half years of session minutes; steps are counted in 32 bits."""


@dataclass(frozen=True, slots=True)
class Definition:
    """One entry of the catalogue.

    Args:
        definition_id: Its name in events, metrics and files.
        frequency: How often it is evaluated.
        cool_down: Steps after an episode before the next may open.
        expires: Steps after which an open episode expires, 0 for never.
        pairs: Names of pairs, empty for all.
        rule: Its conditions, and what its events show.
    """

    definition_id: str
    frequency: Frequency
    cool_down: int
    expires: int
    pairs: tuple[str, ...]
    rule: RuleText

    @property
    def version(self) -> str:
        """Hash of everything that decides when the definition fires."""
        content = {
            "id": self.definition_id,
            "kind": _KIND,
            "frequency": self.frequency.label,
            "cool_down": self.cool_down,
            "expires": self.expires,
            **self.rule.content,
        }
        return digest(content)[:VERSION_DIGITS]

    @property
    def detector_version(self) -> str | None:
        """The version it had as a detector in an earlier release; None if it was not one."""
        own = self.version
        for detector in possible_detectors(self.rule, self.frequency):
            was = detector | {
                "id": self.definition_id,
                "cool_down": self.cool_down,
                "expires": self.expires,
            }
            try:
                if parse_definition(1, rule_of_detector(was)).version == own:
                    return detector_version(was)
            except CatalogueError:
                continue
        return None

    @property
    def entry(self) -> dict[str, Any]:
        """The definition as an entry of a catalogue file, defaults filled in."""
        return {
            "id": self.definition_id,
            "kind": _KIND,
            "frequency": self.frequency.label,
            "cool_down": self.cool_down,
            "expires": self.expires,
            "pairs": list(self.pairs),
            **self.rule.entry,
        }

    @property
    def family(self) -> str:
        """Family of its events, which determines the topic."""
        return self.rule.family

    @property
    def point(self) -> bool:
        """Whether an episode ends with its opening."""
        return self.rule.point

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
            found |= {EventState.INVALIDATED} if self.rule.invalidation else set()
            found |= {EventState.CONFIRMED} if self.rule.confirm else set()
            found |= {EventState.FADED} if self.rule.fade else set()
        return tuple(sorted(found))

    @property
    def series(self) -> str:
        """The series it evaluates, for the provenance of "first since"."""
        return self.rule.series

    @property
    def operator(self) -> str:
        """How a case is compared with the threshold, for the provenance of "first since"."""
        return self.rule.operator

    @property
    def threshold(self) -> dict[str, float]:
        """Thresholds shown in its events."""
        return self.rule.threshold

    @property
    def input_keys(self) -> tuple[str, ...]:
        """Keys of the outputs that its conditions read."""
        return self.rule.input_keys

    @property
    def payload(self) -> dict[str, str]:
        """Name in its events' values → key of the output shown."""
        return self.rule.payload


def parse_definition(number: int, entry: Mapping[str, Any]) -> Definition:
    """Read one entry.

    Args:
        number: Position, for errors if it has no id.
        entry: Its keys.

    Raises:
        CatalogueError: The entry is invalid; the message suggests the nearest valid name.
    """
    where = identify(entry, number)
    kind = entry.get("kind", _KIND)
    if kind != _KIND:
        raise refusal(
            f"{where}: unknown kind {kind!r}; every definition is a {_KIND}, and 'kind' can be left out"
        )
    for key in entry:
        if key not in _KEYS:
            raise refusal(f"{where}: unknown key {key!r}{near(key, _KEYS)}")
    label = entry.get("frequency", Frequency.DAY.label)
    if not isinstance(label, str) or label not in _FREQUENCIES:
        raise refusal(f"{where}: frequency {label!r} is not one of {', '.join(_FREQUENCIES)}")
    frequency = _FREQUENCIES[label]
    return Definition(
        definition_id=entry["id"],
        frequency=frequency,
        cool_down=_steps(where, "cool_down", entry),
        expires=_steps(where, "expires", entry),
        pairs=_pairs(where, entry.get("pairs", [])),
        rule=parse_rule(where, entry, frequency),
    )


def _pairs(where: str, given: object) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise refusal(f"{where}: 'pairs' must be a list of names such as \"RUT/SPX\", not {given!r}")
    return tuple(given)


def _steps(where: str, key: str, entry: Mapping[str, Any]) -> int:
    value = entry.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST_STEPS:
        raise refusal(
            f"{where}: {key!r} must be a whole number of steps, 0 to {_MOST_STEPS:,}, not {value!r}"
        )
    return value


def identify(entry: Mapping[str, Any], number: object) -> str:
    """Check an entry's id, and return the name of the entry for errors.

    Raises:
        CatalogueError: The id is missing or has invalid characters.
    """
    where = f"definition {entry.get('id', f'number {number}')!r}"
    if not isinstance(entry.get("id"), str) or not entry["id"]:
        raise refusal(f"{where}: 'id' is missing")
    if not re.fullmatch(_ID, entry["id"]):
        raise refusal(f"{where}: an id has lower-case letters, digits and _, and starts with a letter")
    return where


def refusal(message: str, operator_action: str | None = None) -> CatalogueError:
    """Create the error for an invalid catalogue."""
    return CatalogueError(message, operator_action=operator_action or _ACTION)


def near(name: str, known: Iterable[str]) -> str:
    """Return the end of an error message that suggests the nearest known names."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=3)
    if close:
        return f"; did you mean {' or '.join(close)}?"
    more = f", … {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"; known are {', '.join(names[:_MOST_NAMES])}{more}"
