"""Tolerated defects of a daily file: counted, dated and listed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

import polars as pl

_MOST_DATES_SHOWN: Final = 5
_MOST_NAMES_SHOWN: Final = 8
_LONGEST_TEXT: Final = 40


@dataclass(frozen=True, slots=True)
class Finding:
    """A tolerated defect of a file.

    Args:
        kind: Stable label: `blank_close`, `close_not_positive`, `close_too_small`, `repeated_row`,
            `no_session`, `missing_session`, `open_unknown`, `range_unknown`, `volume_unknown`,
            `volume_too_large`, `after_today`, `unit_glitch`, `scale_step`, `no_such_jump`, `utc_midnight`,
            `lines_before_header` or `encoding`.
        dates: Affected dates, ascending; empty if it concerns the whole file.
        message: The defect and how it was handled.
    """

    kind: str
    dates: tuple[date, ...]
    message: str

    @property
    def count(self) -> int:
        """Number of affected dates."""
        return len(self.dates)

    def __str__(self) -> str:
        if not self.dates:
            return f"{self.kind}: {self.message}"
        return f"{self.count} × {self.kind}: {self.message} ({listed(self.dates)})"


class CheckedHistory(NamedTuple):
    """A frame in session order without bad closes, and the findings."""

    frame: pl.DataFrame
    findings: list[Finding]


def finding_on(kind: str, dates: pl.Series, message: str) -> Finding:
    """Build a finding from a column of dates."""
    return Finding(kind, tuple(dates.to_list()), message)


def listed(dates: Sequence[date]) -> str:
    """List the first few dates."""
    shown = ", ".join(map(str, dates[:_MOST_DATES_SHOWN]))
    return shown if len(dates) <= _MOST_DATES_SHOWN else f"{shown}, … {len(dates) - _MOST_DATES_SHOWN} more"


def shown(value: object) -> str:
    """Quote a text from a file, truncated so that a message fits one line.

    Example:
        >>> shown("abc")
        "'abc'"
    """
    text = str(value)
    return repr(text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…")


def some_names(names: Iterable[str]) -> list[str]:
    """Return the first names of a header, each truncated if long."""
    known = [name for name in names if name]
    cut = [name if len(name) <= _LONGEST_TEXT // 2 else f"{name[: _LONGEST_TEXT // 2]}…" for name in known]
    more = [f"… {len(cut) - _MOST_NAMES_SHOWN} more"] if len(cut) > _MOST_NAMES_SHOWN else []
    return cut[:_MOST_NAMES_SHOWN] + more
