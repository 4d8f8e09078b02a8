"""Parses columns of figures with currency signs, thousands separators, decimal commas, K, M and B."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from core.daily.table import Table

_BLANKS: Final = frozenset(
    ("", "nan", "null", "none", "na", "n/a", "#n/a", "n.a.", "nd", "-", "--", "—", ".", "<na>", "nat")
)
_PLAIN: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_POINT: Final = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?(?:[eE][+-]?\d+)?")
_COMMA: Final = re.compile(r"[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d*)?(?:[eE][+-]?\d+)?")
_SIGNS: Final = re.compile(r"[$€£¥%\s'’]")  # noqa: RUF001
_EITHER: Final = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+")
_POWERS: Final = {"K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}


def read_figures(table: Table, name: str, wanted: Mapping[str, str]) -> dict[str, pl.Series]:
    """Read columns of figures.

    Args:
        table: The file.
        name: Name of the file in messages.
        wanted: Column name in the result → its name in the file.

    Returns:
        Float64 columns, with blanks and NaN as null.

    Raises:
        HistoryError: A text is not a number, a number is infinite, or decimal points and commas are mixed.
    """
    texts = [column for column in wanted.values() if isinstance(table.columns[column], list)]
    comma = _has_decimal_comma(table, name, texts)
    return {what: _column(table, name, column, comma).alias(what) for what, column in wanted.items()}


def _column(table: Table, name: str, column: str, comma: bool) -> pl.Series:
    values = table.columns[column]
    if isinstance(values, pl.Series):
        if not values.dtype.is_numeric():
            raise table.refuse(name, column, [0], "is a date, not a number")
        figures = values.cast(pl.Float64).fill_nan(None)
    else:
        figures = _from_text(table, name, column, values, comma)
    infinite = figures.is_infinite().fill_null(False).arg_true().to_list()
    if infinite:
        raise table.refuse(name, column, infinite, "is infinite")
    return figures


def _from_text(table: Table, name: str, column: str, texts: Sequence[str], comma: bool) -> pl.Series:
    found: list[float | None] = []
    bad: list[int] = []
    for row, raw in enumerate(texts):
        text = raw.strip()
        if not comma and _PLAIN.fullmatch(text):
            found.append(float(text))
        elif text.lower() in _BLANKS:
            found.append(None)
        else:
            found.append(value := _figure(text, comma))
            if value is None:
                bad.append(row)
    if bad:
        raise table.refuse(name, column, bad, "is not a number", "correct the row, or leave it blank")
    return pl.Series(column, found, dtype=pl.Float64)


def _figure(text: str, comma: bool) -> float | None:
    """Parse one figure; None if it is not one.

    Example:
        >>> _figure("$2,211.77", False), _figure("30.99M", False), _figure("2.058,9", True)
        (2211.77, 30990000.0, 2058.9)
    """
    if text.lower().lstrip("+-") in ("inf", "infinity"):
        return math.inf
    text = _SIGNS.sub("", text.replace("−", "-"))
    if text.startswith("(") and text.endswith(")"):
        text = f"-{text[1:-1]}"
    power = _POWERS.get(text[-1:].upper(), 1.0)
    if power != 1.0:
        text = text[:-1]
    if not (_COMMA if comma else _POINT).fullmatch(text):
        return None
    plain = text.replace(".", "").replace(",", ".") if comma else text.replace(",", "")
    # Converted as text, so that 30.99M is exact.
    return float(plain) if power == 1.0 else round(float(plain) * power, 6)


def _has_decimal_comma(table: Table, name: str, columns: Sequence[str]) -> bool:
    """Determine from the figures whether the comma is the decimal sign.

    It is one if it does not precede groups of three digits, or follows a point. "2,058" is ambiguous:
    in quotation marks in a comma-separated file it means two thousand.
    """
    commas: tuple[str, int] | None = None
    points: tuple[str, int] | None = None
    unclear: tuple[str, int] | None = None
    for column in columns:
        for row, raw in enumerate(table.columns[column]):
            if "," not in raw:
                if points is None and "." in raw and _PLAIN.fullmatch(raw.strip()):
                    points = (column, row)
                continue
            text = _SIGNS.sub("", raw).rstrip("KMBTkmbt")
            if _EITHER.fullmatch(text):
                unclear = unclear or (column, row)
            elif _COMMA.fullmatch(text):
                commas = commas or (column, row)
            elif _POINT.fullmatch(text):
                points = points or (column, row)
    if commas is not None and points is not None and not _is_group(table, points):
        raise table.refuse(
            name,
            commas[0],
            [commas[1]],
            "has a decimal comma, but other rows have a decimal point",
            "write all in the same form",
        )
    if commas is None and points is None and unclear is not None and table.separator != ",":
        raise table.refuse(
            name,
            unclear[0],
            [unclear[1]],
            "may be thousands or a decimal comma",
            "write figures with a decimal point",
        )
    return commas is not None


def _is_group(table: Table, place: tuple[str, int]) -> bool:
    """Return whether a point may separate groups of three digits, as it does with decimal commas."""
    return re.fullmatch(r"[+-]?\d{1,3}(\.\d{3})+", str(table.columns[place[0]][place[1]]).strip()) is not None
