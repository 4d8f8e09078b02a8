"""The invalidation level of an episode, set at its opening."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.definitions.rules import find_key
from core.model.errors import CatalogueError
from core.model.records import Frequency
from core.model.suggestions import nearest

_NUMERATOR_LEVELS: Final = ("numerator_price", "paired_numerator_price")
_BENCHMARK_LEVELS: Final = ("benchmark_price", "paired_benchmark_price")
_RATIO_LEVEL: Final = "ratio:1d"
LEVEL_KEYS: Final = (*_NUMERATOR_LEVELS, *_BENCHMARK_LEVELS, _RATIO_LEVEL)
"""Outputs that may have an invalidation level: a split restates them, and the level with them."""

_ACTION: Final = "correct the catalogue; its header describes each key"


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


def read_invalidation(where: str, given: object, frequency: Frequency) -> Invalidation | None:
    """Read `invalidate = { key = KEY, below_pct = NUMBER }`, or with `above_pct`.

    Args:
        where: Name of the entry in errors.
        given: Its value, None if absent.
        frequency: Frequency of the rule.

    Raises:
        CatalogueError: The value is invalid.
    """
    if given is None:
        return None
    if frequency != Frequency.DAY:
        raise _refusal(f"{where}: invalidation levels are for rules at 1d")
    sides = {"below_pct": 1.0, "above_pct": -1.0}
    if not isinstance(given, dict) or "key" not in given or len(given) != 2:
        raise _refusal(
            f"{where}: invalidate is written {{ key = KEY, below_pct = NUMBER }} or with above_pct"
        )
    side = next(name for name in given if name != "key")
    if side not in sides:
        raise _refusal(f"{where}: invalidate: unknown key {side!r}{nearest(side, sides, list_all=True)}")
    distance = given[side]
    if isinstance(distance, bool) or not isinstance(distance, int | float) or not 0 <= distance < 100:
        raise _refusal(f"{where}: invalidate: {side} must be a number from 0 to below 100, not {distance!r}")
    key = str(given["key"])
    try:
        key = find_key(key, frequency)
    except CatalogueError as error:
        raise _refusal(f"{where}: invalidate: {error.message}") from error
    if key not in LEVEL_KEYS:
        raise _refusal(f"{where}: invalidate: a level is of {', '.join(LEVEL_KEYS)}, not of {key}")
    return Invalidation(key, sides[side], float(distance))


def _refusal(message: str) -> CatalogueError:
    return CatalogueError(message, operator_action=_ACTION)
