"""Writes a figure for a reader: with the unit that its name carries.

…_pct  %        …_pp  percentage points        …_bp  basis points
days, sessions, weekly closes  words of the name
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_UNITS: Final[Mapping[str, str]] = MappingProxyType({"_pct": " %", "_pp": " pp", "_bp": " bp"})
_COUNTS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "days": (" day", " days"),
        "sessions": (" session", " sessions"),
        "weekly_closes": (" weekly close", " weekly closes"),
    }
)
_DECIMALS: Final = 2
_SMALL_DECIMALS: Final = 4
_LARGE: Final = 1e8
"""From here on decimals say nothing to a reader: volumes and flows, never prices."""


def figure_text(name: str, value: float, *, signed: bool = False, decimals: int | None = None) -> str:
    """Write one figure with its unit.

    Args:
        name: Its name in an event, which tells the unit.
        value: The figure; finite.
        signed: Whether a plus sign is written.
        decimals: Number of decimals; None: none for counts and other whole numbers, four below one, else two.

    Returns:
        Text from which the figure can be read back to the digits shown; thousands are separated by commas.

    Example:
        >>> figure_text("return_pct", 3.5718, signed=True), figure_text("gain_streak_sessions", 5.0)
        ('+3.57 %', '5 sessions')
        >>> figure_text("numerator_price", 2125.04), figure_text("ratio", 0.38054)
        ('2,125.04', '0.3805')
        >>> figure_text("weekly_closes_above", 1.0)
        '1 weekly close'
    """
    unit = next((text for suffix, text in _UNITS.items() if name.endswith(suffix)), "")
    count = next((words for word, words in _COUNTS.items() if f"_{word}_" in f"_{name}_"), None)
    if decimals is None:
        decimals = _decimals_of(value, unit=unit, counted=count is not None)
    # Adding zero turns a rounded -0.0 into 0.0.
    shown = round(value, decimals) + 0.0
    if count is not None:
        unit = count[0] if abs(shown) == 1.0 else count[1]
    return f"{shown:{'+' if signed else ''},.{decimals}f}{unit}"


def _decimals_of(value: float, *, unit: str, counted: bool) -> int:
    if counted or (not unit and (value.is_integer() or abs(value) >= _LARGE)):
        return 0
    if unit or abs(value) >= 1.0:
        return _DECIMALS
    return _SMALL_DECIMALS


def plural(count: int, word: str) -> str:
    """Return a count with its word.

    Example:
        >>> plural(1, "opening"), plural(2, "case")
        ('1 opening', '2 cases')
    """
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def words_of(name: str) -> str:
    """Write a name as words, without the unit that `figure_text` writes.

    Example:
        >>> words_of("instrument_return_pct"), words_of("gain_streak_sessions"), words_of("rsi_14")
        ('instrument return', 'gain streak', 'rsi 14')
    """
    for suffix in (*_UNITS, *(f"_{word}" for word in _COUNTS)):
        name = name.removesuffix(suffix)
    return name.replace("_", " ")


def is_known(value: float | str | None) -> bool:
    """Whether a value of an event is a text or a finite figure."""
    return isinstance(value, str) or (value is not None and math.isfinite(value))
