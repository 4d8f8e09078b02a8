"""The shape of a definition's entry in a catalogue file; its conditions have a parser of their own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from core.model.errors import CatalogueError
from core.model.event_families import EVENT_FAMILIES
from core.model.validation import TomlTable, one_of, validated

_ACTION: Final = "correct the catalogue; its header describes each key"
_NAME: Final = r"[a-z][a-z0-9_]*"
_MOST_STEPS: Final = 1_000_000
"""Two and a half years of session minutes; a life cycle counts steps in 32 bits."""


def _name(text: str) -> str:
    if not re.fullmatch(_NAME, text):
        raise ValueError(f"must be lower-case letters, digits and _, a letter first, not {text!r}")
    return text


Name = Annotated[str, AfterValidator(_name)]
Steps = Annotated[int, Field(ge=0, le=_MOST_STEPS)]
Percent = Annotated[float, Field(ge=0, lt=100)]
Word = Annotated[str, Field(min_length=1)]
Title = Annotated[str, Field(min_length=1, max_length=200)]
SentenceText = Annotated[str, Field(min_length=1, max_length=400)]


class InvalidateTable(TomlTable):
    """The level of `invalidate`: a distance in percent below or above the value at the opening."""

    key: str
    below_pct: Percent | None = None
    above_pct: Percent | None = None

    @model_validator(mode="after")
    def _has_one_side(self) -> Self:
        if (self.below_pct is None) == (self.above_pct is None):
            raise ValueError("is written { key = KEY, below_pct = NUMBER } or with above_pct")
        return self


class DefinitionEntry(TomlTable):
    """A `[[definition]]`; conditions, levels and texts are read by `rules`, `invalidation` and `sentence`."""

    id: Name
    title: Title | None = None
    sentence: SentenceText | None = None
    kind: Literal["rule"] = "rule"
    family: Annotated[str, AfterValidator(one_of("family", EVENT_FAMILIES))]
    frequency: Literal["1m", "1d"] = "1d"
    enter: Any
    exit: Any = None
    confirm: Any = None
    fade: Any = None
    extend: Any = None
    invalidate: InvalidateTable | None = None
    dwell: Annotated[int, Field(ge=1, le=10_000)] = 1
    cool_down: Steps = 0
    expires: Steps = 0
    point: bool = False
    pairs: list[str] = Field(default=[])
    values: list[str] = Field(default=[])
    show: dict[Name, str] = Field(default={})
    threshold: dict[Name, float] = Field(default={})
    series: Word = "close"
    operator: Word = ">="


class CatalogueFile(TomlTable):
    """A catalogue file."""

    definition: list[DefinitionEntry] = Field(default=[])


def check_shape(document: Mapping[str, Any]) -> None:
    """Check the tables of a catalogue; what its conditions say is checked when they are parsed.

    Raises:
        CatalogueError: The message names each problem with its entry and key.
    """
    validated(CatalogueFile, document, "catalogue", refusal)


def refusal(message: str, operator_action: str | None = None) -> CatalogueError:
    """Return the error of a catalogue that cannot be used."""
    return CatalogueError(message, operator_action=operator_action or _ACTION)
