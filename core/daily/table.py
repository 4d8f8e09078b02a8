"""A file as columns, before they are interpreted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from core.daily.findings import Finding, shown
from core.model.errors import HistoryError

Column = list[str] | pl.Series
"""Text, blank if missing; or typed values."""


@dataclass(frozen=True, slots=True)
class Table:
    """Columns with lower-case names.

    Args:
        kind: "csv", "json" or "parquet".
        columns: Name → column; all of equal length; the first of a duplicated name.
        height: Number of rows.
        repeated: Duplicated names.
        lines: For a text file, the line of each row, from 1.
        separator: For a text file, its field separator.
        findings: Tolerated defects.
    """

    kind: str
    columns: Mapping[str, Column]
    height: int
    repeated: frozenset[str] = frozenset()
    lines: Sequence[int] = ()
    separator: str = ","
    findings: tuple[Finding, ...] = ()

    def refuse(
        self, name: str, column: str, rows: Sequence[int], why: str, action: str | None = None
    ) -> HistoryError:
        """Build the error that names the first of some invalid rows.

        Args:
            name: Name of the file in messages.
            column: The column.
            rows: Invalid rows, at least one, from 0.
            why: What is wrong with them.
            action: How to fix it.
        """
        row = rows[0]
        value = self.columns[column][row]
        more = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
        # The editor's line number, omitted if it follows from the row number.
        line = f" (line {self.lines[row]})" if self.lines and self.lines[row] != row + 2 else ""
        return HistoryError(
            f"{name}, data row {row + 1}, column {column!r}: {shown(value)} {why}{more}{line}",
            operator_action=action,
        )
