"""Which events `rotascope events tail` prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from consumers.inspect.event_lines import per_year
from core.model.errors import ConfigurationError
from core.model.instruments import parse_universe
from core.model.suggestions import nearest
from core.runtime.files import CATALOGUE, UNIVERSE, parsed


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Selects events; an empty set selects all.

    Args:
        definitions: Definition ids.
        pairs: `NUMERATOR/BENCHMARK`.
        states: `EventState` labels.
        at_most_per_year: Largest number of openings a year; an event whose number is unknown is not
            selected. None selects all.
    """

    definitions: frozenset[str] = frozenset()
    pairs: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()
    at_most_per_year: float | None = None

    def admits(self, data: Mapping[str, Any]) -> bool:
        """Return whether the event data match every condition."""
        return (
            (not self.definitions or data["definition"] in self.definitions)
            and (not self.pairs or data["pair"] in self.pairs)
            and (not self.states or data["state"] in self.states)
            and self._is_rare_enough(data)
        )

    def _is_rare_enough(self, data: Mapping[str, Any]) -> bool:
        if self.at_most_per_year is None:
            return True
        rate = per_year(data)
        return rate is not None and rate <= self.at_most_per_year


def refuse_unknown(wanted: EventFilter, catalogue: Path | None, universe: Path | None) -> None:
    """Refuse an unknown definition or pair, which would never match.

    Args:
        wanted: The filter.
        catalogue: Catalogue file; None for Rotascope's own.
        universe: Universe file; None for the demo's.

    Raises:
        ConfigurationError: A name is unknown; the message gives the nearest.
    """
    if wanted.definitions:
        # Parsing a catalogue loads every indicator, which a command without the filter need not wait for.
        from core.definitions.catalogue import parse_catalogue

        known = [each.definition_id for each in parsed(catalogue, CATALOGUE, parse_catalogue).definitions]
        _refuse("definition", wanted.definitions, known, f"in {catalogue or 'the shipped catalogue'}")
    if wanted.pairs:
        pairs = [pair.name for pair in parsed(universe, UNIVERSE, parse_universe).pairs]
        _refuse("pair", wanted.pairs, pairs, f"in {universe or 'the universe of the demo'}")


def _refuse(what: str, wanted: Iterable[str], known: list[str], where: str) -> None:
    file = "catalogue" if what == "definition" else "universe"
    for name in sorted(wanted):
        if name not in known:
            raise ConfigurationError(
                f"no {what} {name!r} {where}{nearest(name, known, list_all=True)}",
                operator_action=f"correct --{what}, or name the file that has it with --{file}",
            )
