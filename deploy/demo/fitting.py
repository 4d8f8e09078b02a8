"""What fits a terminal: whole columns, whole parts of a line, whole words. No figure is ever cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

PADDING: Final = 2
"""Columns of space that belong to each column of a table: one on each side."""


def fitting_columns(widths: Mapping[str, int], width: int, priority: Sequence[str]) -> list[str]:
    """Choose the columns that fit.

    Args:
        widths: Column → width of its widest cell, in the order of display.
        width: Width of the terminal.
        priority: All columns, the most important first. The first that does not fit ends the choice, so that
            a wider terminal never loses a column.

    Returns:
        Columns in the order of display.

    Example:
        >>> widths = {"pair": 7, "1d": 5, "5d": 5, "year": 6}
        >>> fitting_columns(widths, 24, ["pair", "1d", "year", "5d"])
        ['pair', '1d', 'year']
    """
    chosen: set[str] = set()
    used = 0
    for name in priority:
        used += widths[name] + PADDING
        if used > width:
            break
        chosen.add(name)
    return [name for name in widths if name in chosen]


def whole_words(text: str, width: int) -> str:
    """Cut a text between two words.

    Example:
        >>> whole_words("RUT +3.57 %, SPX -0.88 %", 18), whole_words("RUT +3.57 %", 11)
        ('RUT +3.57 %, SPX …', 'RUT +3.57 %')
        >>> whole_words("compiling", 4)
        '…'
    """
    if len(text) <= width:
        return text
    kept = text[: max(0, width - 1)].rpartition(" ")[0].rstrip()
    return f"{kept} …" if kept else "…"[:width]


def fitting_parts(parts: Sequence[str], width: int, between: str = "   ") -> str:
    """Join as many of the leading parts as fit.

    Example:
        >>> fitting_parts(["ticks 100,000", "lag 3 s"], 16), fitting_parts(["ticks 100,000"], 5)
        ('ticks 100,000', '')
    """
    line = ""
    for number, part in enumerate(parts):
        longer = part if number == 0 else f"{line}{between}{part}"
        if len(longer) > width:
            break
        line = longer
    return line
