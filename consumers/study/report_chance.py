"""How often definitions open by chance, as a report compares it with history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from consumers.study.inputs import StudyInputs
from core.model.errors import InputError
from core.model.sessions import day_to_date
from core.research.study_rates import daily_definitions

_SELDOM: Final = 0.025
"""Largest share of simulations with as many openings for a definition that opens more often than by chance;
the same, of those with fewer, for one that opens less often. Five percent for both sides together."""


@dataclass(frozen=True, slots=True)
class Chance:
    """Openings of one definition on simulated histories of one pair, over all nulls.

    Args:
        low_a_year: Openings a year under the null with the fewest.
        high_a_year: Openings a year under the null with the most.
        history_a_year: Openings a year in the history that the nulls were made from.
        shares: Null → share of its simulations with at least as many openings as in history.
        simulations: Number of simulations per null.
        history_end: Last session of that history.
    """

    low_a_year: float
    high_a_year: float
    history_a_year: float
    shares: Mapping[str, float]
    simulations: int
    history_end: str

    @property
    def compared(self) -> str:
        """History against chance: more, less or about as often; only what holds under every null is said."""
        if all(share <= _SELDOM for share in self.shares.values()):
            return "more often"
        fewer = self.history_a_year < self.low_a_year
        if fewer and all(share >= 1.0 - _SELDOM for share in self.shares.values()):
            return "less often"
        return "about as often"

    @property
    def judgement(self) -> str:
        """The comparison as the end of a sentence."""
        return f"{self.compared} {'as' if self.compared.startswith('about') else 'than'} by chance"


def chance_of(inputs: StudyInputs, last: int) -> dict[tuple[str, str], Chance]:
    """Find the chance frequencies that were known at the end of the history.

    Args:
        inputs: Inputs of the study, with the file of `--rarity`.
        last: Last session of the history, days since 1970-01-01.

    Returns:
        (definition, pair) → its chance; empty without a file.

    Raises:
        InputError: There is a file, and nothing in it can be used.
    """
    if inputs.artefacts.rarities is None:
        return {}
    # A file made from this very history is known from its last close on.
    known_ns = int(inputs.calendar.close_ns[inputs.calendar.row_of(last)]) + 1
    found = {
        (definition.definition_id, pair.name): _chance(card)
        for definition in daily_definitions(inputs.catalogue)
        for pair in inputs.universe.pairs
        if (card := inputs.artefacts.rarity(definition, pair, known_ns)) is not None
    }
    if not found:
        day = day_to_date(last)
        raise InputError(
            f"--rarity: nothing in the file is for these pairs and definitions and was known by {day}",
            operator_action=f"make it from the same files: rotascope study nulls … --to {day} --store FILE",
        )
    return found


def _chance(card: Mapping[str, Any]) -> Chance:
    nulls: Mapping[str, Mapping[str, float]] = card["by_chance"]
    rates = [null["per_year"] for null in nulls.values()]
    return Chance(
        low_a_year=min(rates),
        high_a_year=max(rates),
        history_a_year=card["per_year"],
        shares={name: null["at_least_real"] for name, null in nulls.items()},
        simulations=card["simulations"],
        history_end=card["history_end"],
    )
