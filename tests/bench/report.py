"""Figures: a median of several runs, how far the runs lie apart, and the goal beside it."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

_NAME_WIDTH = 62


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure should be.

    Args:
        bound: In the figure's unit.
        at_least: The figure should not be less; otherwise it should not be more.
    """

    bound: float
    at_least: bool = False

    def __str__(self) -> str:
        return f"goal {'≥' if self.at_least else '≤'} {_plain(self.bound)}"

    def is_met(self, value: float) -> bool:
        """Say whether a value reaches the goal."""
        return value >= self.bound if self.at_least else value <= self.bound


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing measured.

    Args:
        name: What was measured, under which conditions.
        unit: Of the values.
        runs: One value for each run, or a single one.
        goal: What it should be, where that is laid down.
        note: What a reader must know to read it rightly.
    """

    name: str
    unit: str
    runs: tuple[float, ...]
    goal: Goal | None = None
    note: str = ""

    @property
    def median(self) -> float:
        """The value in the middle."""
        return statistics.median(self.runs)

    def __str__(self) -> str:
        parts = [f"  {self.name:<{_NAME_WIDTH}} {_plain(self.median):>9} {self.unit}"]
        if len(self.runs) > 1:
            parts.append(f"({_plain(min(self.runs))} – {_plain(max(self.runs))} in {len(self.runs)} runs)")
        if self.goal is not None:
            parts.append(f"[{self.goal}: {'met' if self.goal.is_met(self.median) else 'MISSED'}]")
        if self.note:
            parts.append(f"· {self.note}")
        return "  ".join(parts)


def figure(
    name: str, unit: str, runs: float | Sequence[float], goal: Goal | None = None, note: str = ""
) -> Figure:
    """Make a figure of one value, or of one value for each run."""
    values = (runs,) if isinstance(runs, int | float) else tuple(runs)
    return Figure(name, unit, tuple(float(value) for value in values), goal, note)


def missed(figures: Sequence[Figure]) -> list[Figure]:
    """Give the figures that do not reach their goal."""
    return [each for each in figures if each.goal is not None and not each.goal.is_met(each.median)]


def progress(text: str, stream: TextIO | None = None) -> None:
    """Say on standard error what is being done."""
    print(f"bench: {text}", file=stream or sys.stderr, flush=True)


def _plain(value: float) -> str:
    if value == 0 or abs(value) >= 10_000:
        return f"{value:,.0f}"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"
