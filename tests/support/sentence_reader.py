"""Reads figures back out of a shipped sentence, by its text in the catalogue and nothing of the renderer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from core.runtime.files import CATALOGUE, read_text

LEGS = ("numerator", "benchmark")
PLACE = re.compile(r"\{([^{}]*)\}")
FIGURE = (
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}|[+-]?[0-9][0-9,]*(?:\.[0-9]+)?)"
    r"(?: %| pp| bp| days?| sessions?| weekly closes?)?"
)
SENTENCES: dict[str, str] = {
    text.split('"', 2)[1]: re.findall(r'^sentence = "(.*)"$', text, re.MULTILINE)[0]
    for text in read_text(None, CATALOGUE).split("[[definition]]\n")[1:]
}
Data = Mapping[str, Any]


def places(sentence: str) -> list[str]:
    return [inside for inside in PLACE.findall(sentence) if inside not in LEGS]


def name_of(inside: str) -> str:
    if "|" in inside:
        return inside.rpartition(":")[2]
    return re.sub(r"^abs\((.*)\)", r"\1", inside).partition(":")[0]


def value_of(data: Data, name: str) -> float | str | None:
    found: float | str | None
    group, dot, inner = name.partition(".")
    if not dot:
        found = data["values"][name]
    else:
        found = data["threshold"][inner] if group == "threshold" else data["legs"][group][inner]
    return found


def pattern(sentence: str, legs: Mapping[str, str]) -> re.Pattern[str]:
    """The sentence with a group for every placeholder that is no name of a leg."""
    found = ""
    for number, part in enumerate(PLACE.split(sentence)):
        if number % 2 == 0:
            found += re.escape(part)
        elif part in LEGS:
            found += re.escape(legs[part])
        elif "|" in part:
            words = sorted(part.rpartition(":")[0].split("|"), key=len, reverse=True)
            found += "(" + "|".join(map(re.escape, words)) + ")"
        else:
            found += FIGURE
    return re.compile(found, re.IGNORECASE)


def check(inside: str, shown: str, value: float | str | None) -> None:
    """One placeholder against the event's own value."""
    assert value is not None
    if "|" in inside:
        words = inside.rpartition(":")[0].split("|")
        assert isinstance(value, float | int)
        wanted = (
            words[0] if value > 0 else words[1] if value < 0 else words[2] if len(words) > 2 else words[0]
        )
        assert shown == wanted
        return
    if isinstance(value, str):
        assert shown == value
        return
    decimals = len(shown.partition(".")[2])
    assert float(shown.replace(",", "")) == pytest.approx(
        abs(value) if inside.startswith("abs(") else value, abs=0.5 * 10**-decimals + 1e-9 * abs(value)
    )
    assert ("+" in shown) == (":+" in inside and value >= 0.0)


def needed(data: Data) -> list[float | str | None]:
    """The values that the sentence of an event needs."""
    return [value_of(data, name_of(place)) for place in places(SENTENCES[data["definition"]])]


def check_sentence(data: Data, legs: Mapping[str, str]) -> int:
    """Hold every figure and word of an event's summary against its data; return how many there are."""
    sentence = SENTENCES[data["definition"]]
    match = pattern(sentence, legs).search(data["summary"])
    assert match is not None, data["summary"]
    inside = places(sentence)
    for place, shown in zip(inside, match.groups(), strict=True):
        check(place, shown, value_of(data, name_of(place)))
    return len(inside)
