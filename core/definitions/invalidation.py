"""The level that a rule fixes at an opening, and beyond which the episode is invalidated."""

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
"""What an invalidation level may be of: a split restates these, and the level with them."""

_ACTION: Final = "correct the catalogue; its head says what each key means"


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


def read_invalidation(where: str, given: object, frequency: Frequency) -> Invalidation | None:
    """Read `invalidate = { key = KEY, below_pct = NUMBER }`, or with `above_pct`.

    Args:
        where: Names the entry in errors.
        given: What stands there, None for nothing.
        frequency: Of the rule.

    Raises:
        CatalogueError: Names the entry and what is wrong with it.
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
