"""The level that a rule fixes at an opening, and beyond which the episode is invalidated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from core.definitions.entry_table import refusal
from core.definitions.rules import find_key
from core.model.errors import CatalogueError
from core.model.records import Frequency

_NUMERATOR_LEVELS: Final = ("numerator_price", "paired_numerator_price")
_BENCHMARK_LEVELS: Final = ("benchmark_price", "paired_benchmark_price")
_RATIO_LEVEL: Final = "ratio:1d"
LEVEL_KEYS: Final = (*_NUMERATOR_LEVELS, *_BENCHMARK_LEVELS, _RATIO_LEVEL)
"""What an invalidation level may be of: a split restates these, and the level with them."""


@dataclass(frozen=True, slots=True)
class Invalidation:
    """A level fixed at the opening; beyond it the episode ends as invalidated.

    Args:
        key: Output that is held against the level.
        direction: 1 where falling below it invalidates, -1 where rising above it does.
        distance_pct: Distance of the level from the value at the opening, in percent of it.
    """

    key: str
    direction: float
    distance_pct: float

    @property
    def threshold_name(self) -> str:
        """Its name among an event's thresholds."""
        return f"invalidate_{'below' if self.direction > 0 else 'above'}_pct"

    def split_factor(self, side: int, factor: float) -> float:
        """What a split of leg `side` (0 numerator, 1 benchmark) by `factor` multiplies the level by."""
        if self.key == _RATIO_LEVEL:
            return factor if side == 0 else 1.0 / factor
        return factor if (self.key in _NUMERATOR_LEVELS) == (side == 0) else 1.0


def read_invalidation(
    where: str, given: Mapping[str, Any] | None, frequency: Frequency
) -> Invalidation | None:
    """Read `invalidate = { key = KEY, below_pct = NUMBER }`, or with `above_pct`.

    Args:
        where: Names the entry in errors.
        given: What stands there, in its shape; None for nothing.
        frequency: Of the rule.

    Raises:
        CatalogueError: Names the entry and what is wrong with it.
    """
    if given is None:
        return None
    if frequency != Frequency.DAY:
        raise refusal(f"{where}: invalidation levels are for rules at 1d")
    below = "below_pct" in given
    try:
        key = find_key(given["key"], frequency)
    except CatalogueError as error:
        raise refusal(f"{where}: invalidate: {error.message}") from error
    if key not in LEVEL_KEYS:
        raise refusal(f"{where}: invalidate: a level is of {', '.join(LEVEL_KEYS)}, not of {key}")
    return Invalidation(key, 1.0 if below else -1.0, float(given["below_pct" if below else "above_pct"]))
