"""The summary of an event: one line of at most 200 characters that says what happened and how rare it is.

It is built from the event's own figures and the texts of its definition, so that equal events have equal
summaries. An event with a value that its sentence needs and does not know lists what it knows instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from core.definitions.event_words import EventWords
from core.definitions.sentence import LEGS, THRESHOLD
from core.events.phrases import listed_values, since_text
from core.model.records import EventState

LONGEST: Final = 200
"""Characters of a summary."""

_PREFIXES: Final[Mapping[str, str]] = MappingProxyType(
    {
        EventState.CANDIDATE.label: "so far today",
        EventState.OPENED.label: "",
        EventState.CONFIRMED.label: "confirmed",
        EventState.RESOLVED.label: "ended",
        EventState.FADED.label: "ended without confirmation",
        EventState.INVALIDATED.label: "invalidated",
        EventState.EXPIRED.label: "expired",
        EventState.WITHDRAWN.label: "withdrawn",
        EventState.REVISED.label: "revised",
        EventState.EXTENDED.label: "extended",
    }
)
_RARE_STATES: Final = frozenset(
    {EventState.CANDIDATE.label, EventState.OPENED.label, EventState.REVISED.label, EventState.EXTENDED.label}
)
"""States in which something is true now, so that the summary says since when it is the first."""
_CUT: Final = "…"


@dataclass(frozen=True, slots=True)
class LegNames:
    """How the legs of a pair are called.

    Args:
        spoken: Leg → name inside a sentence.
        symbols: Leg → symbol.
    """

    spoken: Mapping[str, str]
    symbols: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Happened:
    """What an event's summary tells, besides the words of its definition.

    Args:
        state: The state entered.
        values: Name → value; None or NaN is unknown.
        threshold: Name → threshold.
        legs: Leg → its figures.
        reasons: Name of an unknown value → reason.
        first_since: Field of the event.
    """

    state: str
    values: Mapping[str, float | str | None]
    threshold: Mapping[str, float]
    legs: Mapping[str, Mapping[str, float | None]]
    reasons: Mapping[str, str]
    first_since: Mapping[str, object] | None

    @property
    def figures(self) -> dict[str, float | str | None]:
        """Everything a sentence may name."""
        found = dict(self.values)
        found |= {THRESHOLD + name: number for name, number in self.threshold.items()}
        found |= {f"{leg}.{name}": figure for leg in self.legs for name, figure in self.legs[leg].items()}
        return found


def summary_of(words: EventWords, names: LegNames, happened: Happened) -> str:
    """Write the summary of an event.

    Args:
        words: Words of its definition.
        names: Names of its legs.
        happened: What it says.

    Returns:
        State, sentence, and since when it is the first. What is too long is told with symbols in place of
        names, then cut at a word.
    """
    prefix = _PREFIXES.get(happened.state, happened.state)
    head = f"{prefix}: " if prefix else ""
    tail = since_text(happened.first_since, happened.state) if happened.state in _RARE_STATES else ""
    told = head + _body(words, names.spoken, happened)
    if len(told) + len(tail) > LONGEST:
        told = head + _body(words, names.symbols, happened)
    return _cut_to(told, LONGEST - len(tail)) + tail


def _body(words: EventWords, called: Mapping[str, str], happened: Happened) -> str:
    sentence = None if words.sentence is None else words.sentence.render(happened.figures, called)
    if sentence is not None:
        return sentence
    listed = ", ".join(listed_values(happened.values, happened.reasons))
    return f"{words.title}, {called[LEGS[0]]} against {called[LEGS[1]]}; {listed}"


def _cut_to(text: str, room: int) -> str:
    """Cut a text at a word."""
    if len(text) <= room:
        return text
    return text[: room - len(_CUT)].rsplit(" ", 1)[0].rstrip(",;:") + _CUT
