"""Reads separated text as a table, tolerating preambles, various separators and blank lines."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import Final

from core.daily.columns import DATE_NAMES
from core.daily.encodings import decoded
from core.daily.findings import Finding, shown
from core.daily.table import Table
from core.model.errors import HistoryError

_SEPARATORS: Final = (",", ";", "\t", "|")
_HEADER_WITHIN: Final = 50
"""Maximum line number of the header."""
_SEVERAL_TICKERS: Final = "download one ticker with flat columns (multi_level_index=False)"

Line = tuple[int, str]


def text_table(data: bytes, name: str, *, wanted: str | None = None) -> Table:
    """Read separated text.

    Args:
        data: The file.
        name: Name of the file in messages.
        wanted: Requested date column.

    Returns:
        The table. Blank lines and lines that begin with # are ignored; lines before the header are
        dropped with a finding.

    Raises:
        HistoryError: The file is not text, has no header or no rows, a row longer than the header, or a
            misplaced quotation mark.
    """
    text, findings = decoded(data, name)
    lines = [
        (number, line)
        for number, line in enumerate(io.StringIO(text, newline=None), start=1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not lines:
        raise HistoryError(f"{name} is not a readable csv file: it contains no rows")
    at, separator = _header(lines, wanted)
    numbers, rows = _rows(lines[at:], separator, name)
    names = [field.strip().lower() for field in rows[0]]
    numbers, rows = numbers[1:], rows[1:]
    if _is_stacked(names, rows):
        names, numbers, rows = _unstacked(names, numbers, rows, name)
    _refuse_headless(names, lines[at], name)
    if not rows:
        raise HistoryError(f"{name} has a header but no rows", operator_action="export it again")
    if at:
        skipped = Finding("lines_before_header", (), f"{at} before the header in line {lines[at][0]} dropped")
        findings = (*findings, skipped)
    columns: dict[str, list[str]] = {}
    for position, each in enumerate(names):
        columns.setdefault(each, [row[position] for row in rows])
    repeated = frozenset(each for each in names if names.count(each) > 1)
    return Table("csv", columns, len(rows), repeated, numbers, separator, findings)


def _header(lines: Sequence[Line], wanted: str | None) -> tuple[int, str]:
    """Find the header and its separator: the first line with a date column, otherwise the first line."""
    known = {wanted.strip().lower()} if wanted is not None else set(DATE_NAMES)
    for at, (_, line) in enumerate(lines[:_HEADER_WITHIN]):
        for separator in _SEPARATORS:
            names = [field.strip().strip('"').lower() for field in line.split(separator)]
            if len(names) > 1 and (
                known & set(names) or (wanted is None and names[0] == "price" and at == 0)
            ):
                return at, separator
    first = lines[0][1]
    return 0, max(_SEPARATORS, key=first.count)


def _rows(lines: Sequence[Line], separator: str, name: str) -> tuple[list[int], list[list[str]]]:
    """Split lines into fields; blank rows are dropped."""
    place = 0

    def counted() -> Iterator[str]:
        nonlocal place
        for number, line in lines:
            place = number
            yield line

    reader = csv.reader(counted(), delimiter=separator, strict=True, skipinitialspace=True)
    numbers: list[int] = []
    rows: list[list[str]] = []
    try:
        for row in reader:
            if any(field.strip() for field in row):
                rows.append(_fitted(row, len(rows[0]) if rows else len(row), len(rows), place, name))
                numbers.append(place)
    except csv.Error as error:
        raise HistoryError(
            f"{name} is not a readable csv file: line {place} has a quotation mark that is unclosed "
            "or inside a field, or a field that is too long",
            operator_action="correct the line",
        ) from error
    return numbers, rows


def _fitted(row: list[str], width: int, number: int, line: int, name: str) -> list[str]:
    """Pad a row to the number of fields of the header."""
    if len(row) == width:
        return row
    if any(field.strip() for field in row[width:]):
        raise HistoryError(
            f"{name}, data row {number} (line {line}) has {len(row)} fields, the header has {width}",
            operator_action="correct the line; a figure with a comma in it needs quotation marks",
        )
    return row[:width] + [""] * (width - len(row))


def _is_stacked(names: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    return names[0] == "price" and bool(rows) and rows[0][0].strip().lower() == "ticker"


def _unstacked(
    names: list[str], numbers: list[int], rows: list[list[str]], name: str
) -> tuple[list[str], list[int], list[list[str]]]:
    """Merge three header rows (price, ticker, date) into one."""
    tickers = sorted({field.strip() for field in rows[0][1:]} - {""})
    if len(tickers) > 1:
        raise HistoryError(
            f"{name} contains {len(tickers)} tickers ({', '.join(tickers[:5])}) in stacked columns",
            operator_action=_SEVERAL_TICKERS,
        )
    start = 2 if len(rows) > 1 and rows[1][0].strip().lower() in DATE_NAMES else 1
    return ["date", *names[1:]], numbers[start:], rows[start:]


def _refuse_headless(names: Sequence[str], line: Line, name: str) -> None:
    if any(re.fullmatch(r"\d{4}-\d{2}-\d{2}.*|\d{1,2}[/.]\d{1,2}[/.]\d{4}.*|\d{8}", each) for each in names):
        raise HistoryError(
            f"{name} has no header: line {line[0]} begins with {shown(line[1].strip())}",
            operator_action="add a line with the column names before it, such as date,close",
        )
