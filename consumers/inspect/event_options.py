"""Flags that choose events, the same for every command that reads them."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from consumers.inspect.event_filter import EventFilter
from core.model.event_families import EVENT_FAMILIES
from core.model.records import EventState
from core.model.topics import EVENTS_PREFIX

Family = StrEnum("Family", {name: name for name in EVENT_FAMILIES})  # type: ignore[misc]
State = StrEnum("State", {s.label: s.label for s in EventState if s.label != "idle"})  # type: ignore[misc]

Families = Annotated[list[Family] | None, typer.Option("--family", help="Only this family; repeatable.")]
Definitions = Annotated[
    list[str] | None, typer.Option("--definition", help="Only this definition; repeatable.")
]
Pairs = Annotated[list[str] | None, typer.Option("--pair", help="Only this pair, as RUT/SPX; repeatable.")]
States = Annotated[list[State] | None, typer.Option("--state", help="Only this state; repeatable.")]
AtMostPerYear = Annotated[
    float | None,
    typer.Option(
        "--at-most-per-year",
        min=0,
        metavar="X",
        help="Only events whose definition opened at most X times a year on the pair; "
        "one with less than a year of history is left out.",
    ),
]
CatalogueFile = Annotated[
    Path | None,
    typer.Option("--catalogue", help="TOML file that names the definitions; default: the shipped one."),
]
UniverseFile = Annotated[
    Path | None, typer.Option("--universe", help="TOML file that names the pairs; default: the demo's.")
]


def filter_of(
    definitions: Sequence[str] | None,
    pairs: Sequence[str] | None,
    states: Sequence[State] | None,
    at_most_per_year: float | None,
) -> EventFilter:
    """Make the filter of these flags; each is None where it was not given."""
    return EventFilter(
        definitions=frozenset(definitions or ()),
        pairs=frozenset(pairs or ()),
        states=frozenset(state.value for state in states or ()),
        at_most_per_year=at_most_per_year,
    )


def topics_of(families: Sequence[Family] | None) -> list[str]:
    """Name the topics of these families; of all of them where none is given."""
    return [EVENTS_PREFIX + family for family in ([f.value for f in families or ()] or EVENT_FAMILIES)]
