"""Figures of an event as JSON values: rounded, in order, and with a reason for each that is unknown."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from typing import Any, Final

from core.model.errors import InputError

_FIGURE: Final = "%.9e"
"""Ten significant digits."""
_PLAIN_TYPES: Final = frozenset({str, int, bool})


class PlainTable(dict[str, object]):
    """A mapping that `plain` has converted; it is not converted again."""


def plain_table(table: Mapping[str, object]) -> PlainTable:
    """Convert a mapping that many events carry, once for all of them.

    Args:
        table: Figures, texts, and mappings and lists of them.

    Raises:
        InputError: A figure is unknown, or a value that JSON cannot represent.

    Example:
        >>> plain_table({"n": 21, "hit_rate": 0.6190000000001})
        {'hit_rate': 0.619, 'n': 21}
    """
    nulls: dict[str, str] = {}
    converted = PlainTable(_table(table, "", "unknown", nulls))
    if nulls:
        raise InputError(f"unknown figures in a table without reasons: {', '.join(sorted(nulls))}")
    return converted


def plain(value: object, path: str, unknown: str, nulls: dict[str, str]) -> object:
    """Convert a figure or a mapping of figures to JSON values.

    Args:
        value: The figure, text, mapping or list; figures may be NumPy scalars.
        path: Its place in the event.
        unknown: The reason of a null.
        nulls: Takes the reason of each null under its path.

    Raises:
        InputError: A value that JSON cannot represent.
    """
    # Concrete classes first: to ask an abstract one costs ten times as much, and a study asks for millions.
    if type(value) in _PLAIN_TYPES or type(value) is PlainTable:
        return value
    if isinstance(value, float):
        return _figure(value, path, unknown, nulls)
    if isinstance(value, dict):
        return _table(value, path, unknown, nulls)
    if value is None:
        nulls.setdefault(path, unknown)
        return None
    if isinstance(value, list | tuple):
        return [plain(item, f"{path}.{row}", unknown, nulls) for row, item in enumerate(value)]
    if isinstance(value, bool | str):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return _figure(float(value), path, unknown, nulls)
    if isinstance(value, Mapping):
        return _table(value, path, unknown, nulls)
    raise InputError(f"{path} is a {type(value).__name__}, which JSON cannot represent")


def rounded(value: float) -> float:
    """Round a figure to ten significant digits; infinite where that is beyond a float.

    Example:
        >>> rounded(0.1 + 0.2), rounded(-0.0)
        (0.3, 0.0)
    """
    # Adding zero turns -0.0 into 0.0: equal events must not differ in an invisible sign.
    return float(_FIGURE % value) + 0.0


def _figure(value: float, path: str, unknown: str, nulls: dict[str, str]) -> float | None:
    figure = rounded(value)
    if math.isfinite(figure):
        return figure
    nulls.setdefault(path, unknown)
    return None


def _table(table: Mapping[Any, object], path: str, unknown: str, nulls: dict[str, str]) -> dict[str, object]:
    converted: dict[str, object] = {}
    for key in sorted(table):
        item = table[key]
        # Most items; a call and a path for each would double the time of an event.
        if type(item) in _PLAIN_TYPES:
            converted[str(key)] = item
        elif type(item) is float and math.isfinite(figure := float(_FIGURE % item)):
            converted[str(key)] = figure + 0.0
        else:
            converted[str(key)] = plain(item, f"{path}.{key}", unknown, nulls)
    return converted
