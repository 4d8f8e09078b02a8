"""The invalidation level of an episode, set at its opening."""

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
"""Outputs that may have an invalidation level: a split restates them, and the level with them."""


@dataclass(frozen=True, slots=True)
class Invalidation:
    """A level set at the opening; the episode is invalidated when the value crosses it.

    Args:
        key: Output that is compared with the level.
        direction: 1 if falling below the level invalidates, -1 if rising above it does.
        distance_pct: Distance of the level from the value at the opening, in percent of that value.
    """

    key: str
    direction: float
    distance_pct: float

    @property
    def threshold_name(self) -> str:
        """Its name among an event's thresholds."""
        return f"invalidate_{'below' if self.direction > 0 else 'above'}_pct"

    def split_factor(self, side: int, factor: float) -> float:
        """Factor of the level for a split of leg `side` (0 numerator, 1 benchmark) by `factor`."""
        if self.key == _RATIO_LEVEL:
            return factor if side == 0 else 1.0 / factor
        return factor if (self.key in _NUMERATOR_LEVELS) == (side == 0) else 1.0


def read_invalidation(
    where: str, given: Mapping[str, Any] | None, frequency: Frequency
) -> Invalidation | None:
    """Read `invalidate = { key = KEY, below_pct = NUMBER }`, or with `above_pct`.

    Args:
        where: Name of the entry in errors.
        given: The entry's `invalidate`, None if absent.
        frequency: Frequency of the rule.

    Raises:
        CatalogueError: The value is invalid.
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
