"""The state of a partition as sections of a snapshot.

Shared state of instruments and of pairs is one section each. Every indicator family and every
definition has its own section, undo copies included, so that adding or removing a definition affects
nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.engine.evaluation import PairEvaluator
from core.engine.pair_time import PairTime
from core.engine.snapshot import Section
from core.indicators import IndicatorFamily

INSTRUMENTS: Final = "instruments"
PAIRS: Final = "pairs"
ARTEFACTS: Final = "artefacts"
_FAMILY: Final = "family/"
_DEFINITION: Final = "definition/"
_SHARED_VERSION: Final = "1"
_VERSION_DIGITS: Final = 12
_ADDED_TO_PAIRS: Final = frozenset({"day_traded", "baseline_traded"})


def instrument_section(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Section]:
    """Sources, instruments and their rings."""
    return {INSTRUMENTS: Section(_SHARED_VERSION, arrays)}


def artefacts_section(mark: NDArray[np.uint64]) -> dict[str, Section]:
    """The set of artefacts in force."""
    return {ARTEFACTS: Section(_SHARED_VERSION, {"mark": mark})}


def pair_sections(evaluator: PairEvaluator, pair_time: PairTime) -> dict[str, Section]:
    """Return the sections of pairs: shared state, each family, each definition.

    Returns:
        Section name → views of the state.
    """
    undo = pair_time.undo
    shared = evaluator.arrays() | pair_time.arrays() | undo.arrays()
    sections = {PAIRS: Section(_SHARED_VERSION, shared, _ADDED_TO_PAIRS)}
    for family in evaluator.families:
        arrays: dict[str, NDArray[Any]] = {
            "values": family.values,
            "quality": family.quality,
            "observations": family.observations,
        }
        arrays |= {f"state/{name}": array for name, array in family.state().items()}
        arrays |= {f"undo/{name}": array for name, array in undo.of_family(family.name).items()}
        sections[family_section_name(family.name)] = Section(family_version(family), arrays)
    lifecycle, undone = evaluator.lifecycle, undo.lifecycle
    for watch in evaluator.watches:
        number = watch.rule.number
        sections[definition_section_name(watch.definition.definition_id)] = Section(
            watch.definition.version,
            {
                "lives": lifecycle.episodes[number],
                "levels": lifecycle.levels[number],
                "undo/lives": undone.episodes[number],
                "undo/levels": undone.levels[number],
            },
        )
    return sections


def family_section_name(name: str) -> str:
    """Name of a family's section."""
    return f"{_FAMILY}{name}"


def is_definition_section(name: str) -> bool:
    """Whether a section is that of a definition."""
    return name.startswith(_DEFINITION)


def definition_section_name(definition_id: str) -> str:
    """Name of a definition's section."""
    return f"{_DEFINITION}{definition_id}"


def family_version(family: IndicatorFamily) -> str:
    """Hash of the meaning of a family's state: its semantics and its outputs in order."""
    content = [family.semantics, int(family.frequency), [output.key for output in family.outputs]]
    return hashlib.sha256(msgspec.json.encode(content)).hexdigest()[:_VERSION_DIGITS]


def carry(into: Mapping[str, Section], source: Mapping[str, Section], names: Iterable[str]) -> None:
    """Copy whole sections from one state to another of the same layout."""
    for name in names:
        for array_name, array in into[name].arrays.items():
            np.copyto(array, source[name].arrays[array_name])
