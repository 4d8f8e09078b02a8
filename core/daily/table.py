"""A file as columns, before anything is known of their meaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from core.daily.findings import Finding, shown
from core.model.errors import HistoryError

Column = list[str] | pl.Series
"""Text, blank where there is nothing; or values that have a type of their own."""


@dataclass(frozen=True, slots=True)
class Table:
    """Columns under names in lower case.

    Args:
        kind: "csv", "json" or "parquet".
        columns: Name → column; all of one length. Of a name that stands twice, the first.
        height: Number of rows.
        repeated: Names that stand twice.
        lines: Of a text, the line of each row, counted from 1.
        separator: Of a text, what stands between its fields.
        findings: What was passed over on the way.
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
        """Make the error that names the first of some rows.

        Args:
            name: What messages call the file.
            column: The column.
            rows: Those that cannot be used, at least one, counted from 0.
            why: What is wrong with them.
            action: What to do about it.
        """
        row = rows[0]
        value = self.columns[column][row]
        more = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
        # The line is what an editor shows; it needs no saying where it follows from the row.
        line = f" (line {self.lines[row]})" if self.lines and self.lines[row] != row + 2 else ""
        return HistoryError(
            f"{name}, data row {row + 1}, column {column!r}: {shown(value)} {why}{more}{line}",
            operator_action=action,
        )
