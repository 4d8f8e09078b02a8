"""The summary of an event: one line of at most 200 characters that says what happened and how rare it is.

It is built from the event's own figures and the texts of its definition, so that equal events have equal
summaries. An event with a value that its sentence needs and does not know lists what it knows instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from core.definitions.event_words import EventWords
from core.definitions.sentence import LEGS, THRESHOLD
from core.events.per_year import openings_before
from core.model.figure_text import figure_text, is_known, words_of
from core.model.records import EventState

LONGEST: Final = 200
"""Characters of a summary."""

_EXTENDED: Final = "extended"
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
        _EXTENDED: "extended",
    }
)
_RARE_STATES: Final = frozenset(
    {EventState.CANDIDATE.label, EventState.OPENED.label, EventState.REVISED.label, _EXTENDED}
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
    for called in (names.spoken, names.symbols):
        body = _body(words, called, happened)
        if len(head) + len(body) + len(tail) <= LONGEST:
            return head + body + tail
    return _cut_to(head + body, LONGEST - len(tail)) + tail


def since_text(first_since: Mapping[str, object] | None, state: str) -> str:
    """Write since when an event is the first, to follow a sentence.

    Args:
        first_since: Field of the event; that of an earlier schema, with `date` and `count`, is read as well.
        state: The state entered.

    Returns:
        Text that begins with a colon; "" if nothing is known.

    Example:
        >>> since = {"last_true": "2008-10-10", "openings": 1, "history_start": "1990-01-02"}
        >>> since_text(since, "opened")
        ': first since 2008-10-10, 2 times since 1990'
        >>> since_text({**since, "last_true": None, "openings": 0}, "opened")
        ': first in the history from 1990-01-02'
    """
    if first_since is None:
        return ""
    latest = first_since.get("last_true", first_since.get("date"))
    start = str(first_since.get("history_start"))
    if latest is None:
        return f": first in the history from {start}"
    if state == _EXTENDED:
        return f": last on {latest}"
    openings = openings_before(first_since)
    # This event counts as well; a case that opened nothing, as in a cool-down, is no number of times.
    times = f", {openings + 1} times since {start[:4]}" if openings else ""
    return f": first since {latest}{times}"


def legs_text(
    symbols: Mapping[str, str], legs: Mapping[str, Mapping[str, object]], reasons: Mapping[str, str]
) -> str:
    """Write both legs' returns since their previous close.

    Args:
        symbols: Leg → symbol.
        legs: Field of the event.
        reasons: Field of the event.

    Example:
        >>> symbols = {"numerator": "RUT", "benchmark": "SPX"}
        >>> legs = {"numerator": {"return_pct": 3.5718}, "benchmark": {"return_pct": None}}
        >>> legs_text(symbols, legs, {"legs.benchmark.return_pct": "halted"})
        'RUT +3.57 %, SPX unknown (halted)'
    """
    parts = []
    for leg in LEGS:
        moved = legs.get(leg, {}).get("return_pct")
        if isinstance(moved, int | float) and is_known(moved):
            parts.append(f"{symbols[leg]} {figure_text('return_pct', float(moved), signed=True)}")
        else:
            reason = reasons.get(f"legs.{leg}.return_pct", "not given")
            parts.append(f"{symbols[leg]} unknown ({reason})")
    return ", ".join(parts)


def _body(words: EventWords, called: Mapping[str, str], happened: Happened) -> str:
    sentence = None if words.sentence is None else words.sentence.render(happened.figures, called)
    if sentence is not None:
        return sentence
    listed = ", ".join(listed_values(happened.values, happened.reasons))
    return f"{words.title}, {called[LEGS[0]]} against {called[LEGS[1]]}; {listed}"


def listed_values(values: Mapping[str, float | str | None], reasons: Mapping[str, str]) -> Iterator[str]:
    """Yield each value with its name in words; an unknown one with its reason.

    Args:
        values: Field of an event.
        reasons: Field of the event.

    Example:
        >>> list(listed_values({"spread_pp": 4.448, "zscore": None}, {"zscore": "gap"}))
        ['spread 4.45 pp', 'zscore unknown (gap)']
    """
    for name, value in values.items():
        if value is None or not is_known(value):
            yield f"{words_of(name)} unknown ({reasons.get(name, 'no reason')})"
        elif isinstance(value, str):
            yield f"{words_of(name)} {value}"
        else:
            yield f"{words_of(name)} {figure_text(name, float(value))}"


def _cut_to(text: str, room: int) -> str:
    """Cut a text at a word."""
    if len(text) <= room:
        return text
    return text[: room - len(_CUT)].rsplit(" ", 1)[0].rstrip(",;:") + _CUT
