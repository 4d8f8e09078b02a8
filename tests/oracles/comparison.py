"""How far two opinions are apart, per output, and at how many points they were compared."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

RELATIVE_TOLERANCE = 1e-9


@dataclass
class Tally:
    """One output's record.

    Args:
        ready: Points at which both had a value.
        unknown: Points at which neither had.
        worst: Largest relative error of those that are not tiny.
        tiny: Points judged by the absolute floor instead.
    """

    ready: int = 0
    unknown: int = 0
    worst: float = 0.0
    tiny: int = 0


@dataclass
class Comparison:
    """Holds values against an oracle's.

    Args:
        floors: Key → absolute error that counts as none: what rounding does to a difference of
            numbers that are nearly equal.
    """

    floors: dict[str, float] = field(default_factory=dict)
    tallies: dict[str, Tally] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def add(self, key: str, where: object, actual: float, expected: float | None) -> None:
        """Compare one point; NaN and None both say unknown."""
        tally = self.tallies.setdefault(key, Tally())
        if expected is None or math.isnan(actual):
            if expected is None and math.isnan(actual):
                tally.unknown += 1
            else:
                self.failures.append(f"{key} at {where}: {actual!r}, oracle says {expected!r}")
            return
        tally.ready += 1
        error = abs(actual - expected)
        if error <= self.floors.get(key, 0.0):
            tally.tiny += error > RELATIVE_TOLERANCE * abs(expected)
        elif not error <= RELATIVE_TOLERANCE * abs(expected):
            self.failures.append(f"{key} at {where}: {actual!r}, oracle says {expected!r}")
        if expected != 0 and error > self.floors.get(key, 0.0):
            tally.worst = max(tally.worst, error / abs(expected))

    def ready_less_than(self, least: int, keys: Iterable[str]) -> list[str]:
        """Keys that were compared at fewer points."""
        return [key for key in keys if self.tallies.get(key, Tally()).ready < least]

    def report(self, title: str) -> str:
        """Points compared, a line per kind of output with its windows."""
        kinds: dict[str, list[tuple[str, Tally]]] = {}
        for key, tally in self.tallies.items():
            kind, _, window = key.partition(":")
            kinds.setdefault(kind, []).append((window, tally))
        lines = [f"{title}: points compared, worst relative error"]
        for kind, tallies in sorted(kinds.items()):
            points = ", ".join(f"{window} {tally.ready:,}".strip() for window, tally in tallies)
            worst = max(tally.worst for _, tally in tallies)
            floored = sum(tally.tiny for _, tally in tallies)
            at_floor = f", {floored} at the absolute floor" if floored else ""
            lines.append(f"  {kind:32} {worst:7.1e}{at_floor}  {points}")
        return "\n".join(lines)
