"""One definition: an entry of the catalogue, and its parsing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from core.definitions.detector_translation import detector_version, possible_detectors, rule_of_detector
from core.definitions.digests import VERSION_DIGITS, digest
from core.definitions.entry_table import check_shape
from core.definitions.event_words import EventWords, read_words
from core.definitions.rule_entry import RuleText, parse_rule
from core.model.errors import CatalogueError
from core.model.records import EventState, Frequency

_KIND: Final = "rule"
_FREQUENCIES: Final = MappingProxyType({each.label: each for each in (Frequency.MINUTE, Frequency.DAY)})


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
        words: Its title and sentence, which decide nothing and are no part of the version.
    """

    definition_id: str
    frequency: Frequency
    cool_down: int
    expires: int
    pairs: tuple[str, ...]
    rule: RuleText
    words: EventWords

    @property
    def title(self) -> str:
        """What it looks for, in words, on any pair."""
        return self.words.title

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
    def without_extend(self) -> Definition:
        """The same definition before it had `extend`; itself if it has none."""
        return self if self.rule.extend is None else replace(self, rule=replace(self.rule, extend=None))

    @property
    def detector_version(self) -> str | None:
        """The version it had as a detector in an earlier release; None if it was not one."""
        own = self.without_extend.version
        for detector in possible_detectors(self.rule, self.frequency):
            was = detector | {
                "id": self.definition_id,
                "cool_down": self.cool_down,
                "expires": self.expires,
            }
            try:
                if parse_definition(rule_of_detector(was)).version == own:
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
            **self.words.entry,
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
            found |= {EventState.EXTENDED} if self.rule.extend else set()
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


def parse_definition(entry: Mapping[str, Any]) -> Definition:
    """Read one entry.

    Args:
        entry: Its keys.

    Raises:
        CatalogueError: The entry is invalid; the message suggests the nearest valid name.
    """
    check_shape({"definition": [entry]})
    frequency = _FREQUENCIES[entry.get("frequency", Frequency.DAY.label)]
    where = f"definition {entry['id']!r}"
    rule = parse_rule(where, entry, frequency)
    return Definition(
        definition_id=entry["id"],
        frequency=frequency,
        cool_down=entry.get("cool_down", 0),
        expires=entry.get("expires", 0),
        pairs=tuple(entry.get("pairs", ())),
        rule=rule,
        words=read_words(where, entry, rule),
    )
