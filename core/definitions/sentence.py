"""The language of titles and sentences: text with placeholders for what an event holds.

    {numerator}  {benchmark}             names of the legs
    {instrument_return_pct}              a value of the event, with the unit of its name
    {instrument_return_pct:+.1f}         with a plus sign, with one decimal
    {abs(instrument_return_pct)}         its size
    {rose|fell:instrument_return_pct}    words by its sign; a third is for zero, which else takes the first
    {threshold.instrument_return_pct}    a threshold of the definition
    {numerator.price}                    a figure of a leg: price, previous_close or return_pct

Every placeholder is checked when the catalogue is read. A sentence that needs a value which an event does not
know is not written: `Sentence.render` gives None.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from core.model.errors import CatalogueError
from core.model.figure_text import figure_text, is_known
from core.model.suggestions import nearest

LEGS: Final = ("numerator", "benchmark")
LEG_FIGURES: Final = tuple(
    f"{leg}.{name}" for leg in LEGS for name in ("price", "previous_close", "return_pct")
)
THRESHOLD: Final = "threshold."
"""Begins the name of a threshold."""

_BRACES: Final = re.compile(r"\{([^{}]*)\}")
_NAME: Final = r"[a-z][a-z0-9_.]*"
_FIGURE: Final = re.compile(
    rf"(?:abs\((?P<inner>{_NAME})\)|(?P<plain>{_NAME}))(?::(?P<sign>\+?)(?:\.(?P<decimals>[0-9])f)?)?"
)
_WORDS: Final = re.compile(rf"(?P<words>[^:|]+(?:\|[^:|]*){{1,2}}):(?P<name>{_NAME})")
_ACTION: Final = "correct the text; core/definitions/sentence.py shows the forms of placeholders"


@dataclass(frozen=True, slots=True)
class LegPlace:
    """Stands for the name of a leg.

    Args:
        leg: One of `LEGS`.
    """

    leg: str


@dataclass(frozen=True, slots=True)
class FigurePlace:
    """Stands for a value, a threshold or a figure of a leg.

    Args:
        name: Its name.
        size: Whether the sign is left out.
        signed: Whether a plus sign is written.
        decimals: Number of decimals; None for the default of `figure_text`.
    """

    name: str
    size: bool
    signed: bool
    decimals: int | None

    def text(self, value: float | str) -> str:
        """Write the value."""
        if isinstance(value, str):
            return value
        shown = abs(value) if self.size else value
        if self.name.startswith(THRESHOLD) and self.decimals is None:
            return _threshold_text(self.name, shown, signed=self.signed)
        return figure_text(self.name, shown, signed=self.signed, decimals=self.decimals)


@dataclass(frozen=True, slots=True)
class WordPlace:
    """Stands for words that the sign of a value chooses.

    Args:
        name: Name of the value.
        words: For above zero, below zero and zero.
    """

    name: str
    words: tuple[str, str, str]

    def text(self, value: float) -> str:
        """Choose the words."""
        above, below, zero = self.words
        return zero if value == 0.0 else above if value > 0.0 else below


Piece = str | LegPlace | FigurePlace | WordPlace


@dataclass(frozen=True, slots=True)
class Sentence:
    """A text with placeholders.

    Args:
        text: As it is written in the catalogue.
        pieces: Its parts, in order.
    """

    text: str
    pieces: tuple[Piece, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the values, thresholds and figures of legs that it needs."""
        places = [each for each in self.pieces if isinstance(each, FigurePlace | WordPlace)]
        return tuple(dict.fromkeys(place.name for place in places))

    def render(self, figures: Mapping[str, float | str | None], legs: Mapping[str, str]) -> str | None:
        """Write the sentence of an event.

        Args:
            figures: Name → value, for every name of `names`.
            legs: Leg → its name.

        Returns:
            The text, its first letter a capital; None if a value it needs is unknown.
        """
        parts: list[str] = []
        for piece in self.pieces:
            if isinstance(piece, str):
                parts.append(piece)
            elif isinstance(piece, LegPlace):
                parts.append(legs[piece.leg])
            else:
                value = figures.get(piece.name)
                if value is None or not is_known(value):
                    return None
                parts.append(_written(piece, value))
        return capitalised("".join(parts))


def parse_sentence(
    text: str, values: Collection[str], *, dates: Collection[str] = (), thresholds: Iterable[str] = ()
) -> Sentence:
    """Read a sentence.

    Args:
        text: Text with placeholders.
        values: Names of the values that every event of the definition carries.
        dates: Those among them that are dates: written as they are.
        thresholds: Names of the definition's thresholds.

    Raises:
        CatalogueError: A placeholder is unknown or has another form; the message suggests the nearest name.

    Example:
        >>> sentence = parse_sentence("{numerator} {rose|fell:x_pct} {abs(x_pct)}", ["x_pct"])
        >>> sentence.render({"x_pct": -3.5718}, {"numerator": "small caps"})
        'Small caps fell 3.57 %'
    """
    known = {*values, *LEG_FIGURES, *(THRESHOLD + name for name in thresholds)}
    pieces: list[Piece] = []
    for number, part in enumerate(_BRACES.split(text)):
        if number % 2:
            pieces.append(_place(part.strip(), known, dates))
        elif "{" in part or "}" in part:
            raise _refusal(f"{text!r} has a brace without its counterpart")
        elif part:
            pieces.append(part)
    return Sentence(text, tuple(pieces))


def parse_title(text: str, thresholds: Mapping[str, float]) -> str:
    """Read a title, which says what the definition looks for on any pair: it holds thresholds and no values.

    Args:
        text: Text with placeholders.
        thresholds: The definition's thresholds.

    Returns:
        The title.

    Raises:
        CatalogueError: A placeholder is not a threshold.

    Example:
        >>> parse_title("up {threshold.x_pct} or more", {"x_pct": 3.0})
        'Up 3 % or more'
    """
    sentence = parse_sentence(text, (), thresholds=thresholds)
    figures = {THRESHOLD + name: number for name, number in thresholds.items()}
    for piece in sentence.pieces:
        if isinstance(piece, LegPlace) or (not isinstance(piece, str) and piece.name not in figures):
            raise _refusal(f"{text!r}: a title is of the definition and may only name thresholds")
    return sentence.render(figures, {}) or text


def title_of_id(definition_id: str) -> str:
    """Return the title of a definition that has none.

    Example:
        >>> title_of_id("three_up")
        'Three up'
    """
    return capitalised(definition_id.replace("_", " "))


def capitalised(text: str) -> str:
    """Begin a text with a capital, unless the first word has one of its own.

    Example:
        >>> capitalised("small caps rose"), capitalised("iShares rose")
        ('Small caps rose', 'iShares rose')
    """
    first_word = text.partition(" ")[0]
    return text if first_word[1:] != first_word[1:].lower() else text[:1].upper() + text[1:]


def _place(inside: str, known: Collection[str], dates: Collection[str]) -> Piece:
    if inside in LEGS:
        return LegPlace(inside)
    words, figure = _WORDS.fullmatch(inside), _FIGURE.fullmatch(inside)
    if words is not None:
        name = _checked(words["name"], known)
        above, below, *zero = words["words"].split("|")
        _refuse_date(name, dates, inside)
        return WordPlace(name, (above, below, zero[0] if zero else above))
    if figure is None:
        raise _refusal(
            f"cannot read {{{inside}}}: write {{NAME}}, {{NAME:+.2f}}, {{abs(NAME)}} or {{rose|fell:NAME}}"
        )
    name = _checked(figure["inner"] or figure["plain"], known)
    decimals = None if figure["decimals"] is None else int(figure["decimals"])
    if ":" in inside or figure["inner"]:
        _refuse_date(name, dates, inside)
    return FigurePlace(name, figure["inner"] is not None, bool(figure["sign"]), decimals)


def _checked(name: str, known: Collection[str]) -> str:
    if name not in known:
        names = [*LEGS, *sorted(known)]
        raise _refusal(f"{{{name}}} is nothing that its events carry{nearest(name, names, list_all=True)}")
    return name


def _refuse_date(name: str, dates: Collection[str], inside: str) -> None:
    if name in dates:
        raise _refusal(f"{{{inside}}}: {name} is a date; write {{{name}}}")


def _written(piece: FigurePlace | WordPlace, value: float | str) -> str:
    if isinstance(piece, FigurePlace):
        return piece.text(value)
    return piece.text(float(value))


def _threshold_text(name: str, number: float, *, signed: bool) -> str:
    """Write a threshold with the digits it was written with: 3 %, not 3.00 %."""
    text = f"{number:.9f}".rstrip("0").rstrip(".")
    decimals = len(text.partition(".")[2])
    return figure_text(name, number, signed=signed, decimals=decimals)


def _refusal(message: str) -> CatalogueError:
    return CatalogueError(message, operator_action=_ACTION)
