"""The rule language: parses the conditions of a definition.

A condition compares an indicator's value with a number or with another value:

    drawdown_pct <= -10
    abs(relative_return_zscore:1d) >= 3
    ratio:1d > ratio_high:252d * 1.01
    pivot_divergence has 2                     the bit of value 2 is set
    quality(ratio) == stale                    never unknown, because a quality always exists
    relative_21d_pp <= 0 or ytd_pct >= 0       at least one must hold

A list of conditions holds if all of them hold. An unknown value makes the whole list unknown, and an
unknown list neither opens nor ends an episode.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Any, Final

from core.indicators import FAMILIES, Output
from core.model.errors import CatalogueError
from core.model.records import Frequency, Quality

SEMANTICS: Final = 1
"""Incremented when a fix changes the meaning of a text."""


class Operator(IntEnum):
    """How two values are compared."""

    AT_LEAST = 0
    AT_MOST = 1
    ABOVE = 2
    BELOW = 3
    EQUAL = 4
    UNEQUAL = 5
    HAS = 6

    @property
    def text(self) -> str:
        """Its text in a condition."""
        return _TEXTS[self]


_TEXTS: Final = (">=", "<=", ">", "<", "==", "!=", "has")
OPERATORS: Final = (*_TEXTS, *(f"abs {text}" for text in _TEXTS if text != "has"))
"""Operators that the provenance of "first since" may name."""

_KEY: Final = r"[a-z][a-z0-9_]*(?::[a-z0-9_]+)?"
_ATOM: Final = re.compile(
    rf"(?:(?P<form>abs|quality)\(\s*(?P<inner>{_KEY})\s*\)|(?P<plain>{_KEY}))"
    rf"\s*(?P<operator>>=|<=|==|!=|>|<|\bhas\b)\s*(?P<right>.+)"
)
_RIGHT: Final = re.compile(rf"(?P<key>{_KEY})(?:\s*\*\s*(?P<factor>\S+))?")
_OR: Final = re.compile(r"\s+or\s+")
_QUALITIES: Final = MappingProxyType({quality.label: quality for quality in Quality})
_ACTION: Final = "correct the condition; core/definitions/rules.py and the catalogue's header show the forms"


@dataclass(frozen=True, slots=True)
class Atom:
    """One comparison.

    Args:
        form: "" for the value, "abs" for its size, "quality" for its quality.
        left: Key of the output on the left.
        operator: How it is compared with the right side.
        right: Key of the output on the right, None for a number.
        factor: The number, or the factor of the value on the right.
    """

    form: str
    left: str
    operator: Operator
    right: str | None
    factor: float

    @property
    def keys(self) -> tuple[str, ...]:
        """The outputs it reads."""
        return (self.left,) if self.right is None else (self.left, self.right)

    @property
    def text(self) -> str:
        """The comparison in canonical spelling."""
        left = f"{self.form}({self.left})" if self.form else self.left
        right = f"{self.factor!r}" if self.right is None else f"{self.right} * {self.factor!r}"
        if self.form == "quality":
            right = Quality(int(self.factor)).label
        return f"{left} {self.operator.text} {right}"


Clause = tuple[Atom, ...]
"""Alternatives: at least one must hold."""

Condition = tuple[Clause, ...]
"""Clauses that must all hold."""


def known_outputs() -> Mapping[str, tuple[Output, Frequency]]:
    """Every output by its key, with the frequency at which it is computed."""
    return _OUTPUTS


_OUTPUTS: Final[Mapping[str, tuple[Output, Frequency]]] = MappingProxyType(
    {output.key: (output, family.frequency) for family in FAMILIES for output in family.outputs}
)


def value_name(key: str) -> str:
    """Public name of an output, as events and studies show it.

    Example:
        >>> value_name("ratio_high:252d")
        'ratio_high_252d'
    """
    return _OUTPUTS[key][0].value_name


def _names_of(frequencies: tuple[Frequency, ...]) -> Mapping[str, str]:
    keys = [key for key, (_, computed) in _OUTPUTS.items() if computed in frequencies]
    return MappingProxyType({value_name(key): key for key in keys} | {key: key for key in keys})


_SEEN: Final[Mapping[Frequency, Mapping[str, str]]] = MappingProxyType(
    {
        Frequency.MINUTE: _names_of((Frequency.SECOND, Frequency.MINUTE)),
        Frequency.DAY: _names_of((Frequency.DAY,)),
    }
)
"""Outputs available to a rule of a frequency: a daily rule can use daily values only."""


def find_key(name: str, frequency: Frequency) -> str:
    """The key of an output, by its key or its public name.

    Args:
        name: Key or public name.
        frequency: Frequency of the rule.

    Raises:
        CatalogueError: There is no such output, or it is not computed at this frequency.

    Example:
        >>> find_key("relative_21d_pp", Frequency.DAY), find_key("ratio", Frequency.MINUTE)
        ('relative_strength_pp:21d', 'ratio')
    """
    seen = _SEEN[frequency]
    if name in seen:
        return seen[name]
    close = difflib.get_close_matches(name, sorted(seen), n=6, cutoff=0.0)
    nearest = list(dict.fromkeys(seen[each] for each in close))[:3]
    elsewhere = [computed.label for key, (_, computed) in _OUTPUTS.items() if name in (key, value_name(key))]
    where = f", which is computed at {elsewhere[0]}," if elsewhere else ""
    raise CatalogueError(
        f"no indicator gives {name!r}{where} to a rule at {frequency.label}; "
        f"did you mean {' or '.join(nearest)}?",
        operator_action=_ACTION,
    )


def parse_condition(texts: object, frequency: Frequency = Frequency.DAY) -> Condition:
    """Read a list of conditions.

    Args:
        texts: A list of strings, or one string.
        frequency: Frequency of the rule.

    Returns:
        The clauses, keys resolved.

    Raises:
        CatalogueError: A text cannot be parsed; the message suggests the nearest names.

    Example:
        >>> parse_condition(["abs(ratio:1d) >= 3 or ratio:1d < ratio_low:63d * 2"])[0][1].text
        'ratio:1d < ratio_low:63d * 2.0'
    """
    if isinstance(texts, str):
        texts = [texts]
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise _refusal(f'conditions must be a list of strings such as "ratio:1d >= 1", not {texts!r}')
    return tuple(tuple(_atom(part, frequency) for part in _OR.split(text.strip())) for text in texts)


def _atom(text: str, frequency: Frequency) -> Atom:
    found = _ATOM.fullmatch(text.strip())
    if found is None:
        raise _refusal(
            f"cannot read {text!r}: write KEY, abs(KEY) or quality(KEY), then one of "
            f"{' '.join(_TEXTS)}, then a number or KEY or KEY * number"
        )
    form = found["form"] or ""
    left = find_key(found["inner"] or found["plain"], frequency)
    operator = Operator(_TEXTS.index(found["operator"]))
    right = found["right"].strip()
    if form == "quality":
        return Atom(form, left, _of_quality(text, operator), None, float(_quality(right)))
    number = _number(right)
    if number is not None:
        if operator is Operator.HAS and (number != int(number) or not 0 < number < 2**31):
            raise _refusal(f"{text!r}: `has` needs an integer above 0, such as 1, 2, 4 or 8")
        return Atom(form, left, operator, None, number)
    other = _RIGHT.fullmatch(right)
    if other is None or operator is Operator.HAS:
        raise _refusal(f"{text!r}: {right!r} is neither a number nor a value{_or_number(operator)}")
    factor = 1.0 if other["factor"] is None else _number(other["factor"])
    if factor is None:
        raise _refusal(f"{text!r}: {other['factor']!r} is not a number")
    return Atom(form, left, operator, find_key(other["key"], frequency), factor)


def _or_number(operator: Operator) -> str:
    return "; `has` takes a number only" if operator is Operator.HAS else ""


def _of_quality(text: str, operator: Operator) -> Operator:
    if operator not in (Operator.EQUAL, Operator.UNEQUAL):
        raise _refusal(f"{text!r}: a quality is compared with == or != only")
    return operator


def _quality(label: str) -> Quality:
    if label not in _QUALITIES:
        raise _refusal(f"{label!r} is not a quality; known are {', '.join(_QUALITIES)}")
    return _QUALITIES[label]


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def atoms_of(*conditions: Condition | None) -> Iterator[Atom]:
    """Every comparison, in order."""
    for condition in conditions:
        for clause in condition or ():
            yield from clause


def _refusal(message: str) -> CatalogueError:
    return CatalogueError(message, operator_action=_ACTION)


def texts_of(condition: Condition) -> list[str]:
    """The texts from which `parse_condition` reads the same condition."""
    return [" or ".join(atom.text for atom in clause) for clause in condition]


def canonical(condition: Condition | None) -> Any:
    """Content of a condition hashed by a version, independent of spelling."""
    return None if condition is None else [[atom.text for atom in clause] for clause in condition]
