"""What the detectors of earlier releases said of one pair, kind by kind, as plain conditions.

Every answer is True, False or None where it was unknown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

Values = Mapping[str, float | None]
"""Key of an output → its value, None where it is not known."""

Numbers = Mapping[str, float]


class Said(NamedTuple):
    """Answers of one detector.

    Args:
        enter: Opens an episode.
        leave: Ends it as resolved.
        invalid: Ends it as invalidated.
        level: That an opening would fix, 0 for none.
    """

    enter: bool | None
    leave: bool | None
    invalid: bool | None
    level: float = 0.0


def _seen(value: float) -> float:
    """A value as thresholds saw it."""
    return math.floor(value * 1e10 + 0.5) / 1e10


def opposite_day(values: Values, numbers: Numbers, window: str, open_level: float) -> Said:
    """One leg up by so much while the other falls, or the reverse."""
    numerator, benchmark = values["instrument_return_pct:1d"], values["benchmark_return_pct:1d"]
    if numerator is None or benchmark is None:
        return Said(None, False, False)
    sign = numbers["direction"]
    beyond = _seen(sign * numerator) >= numbers["instrument_return_pct"]
    return Said(beyond and _seen(sign * benchmark) < 0, False, False)


def spread_z(values: Values, numbers: Numbers, window: str, open_level: float) -> Said:
    """The z-score of the horizon beyond one size, then inside another."""
    z = values[f"relative_return_zscore:{window}"]
    if z is None:
        return Said(None, None, False)
    size = _seen(abs(z) if numbers["direction"] == 0 else numbers["direction"] * z)
    return Said(size >= numbers["enter_z"], size <= numbers["exit_z"], False)


def nonconfirmation(values: Values, numbers: Numbers, window: str, open_level: float) -> Said:
    """A leg at a new extreme that the other leg does not confirm."""
    legs = ("numerator", "benchmark") if numbers["leader"] == 1 else ("benchmark", "numerator")
    side = "high" if numbers["direction"] > 0 else "low"
    leader, follower = (values[f"{leg}_price"] for leg in legs)
    marks = [values[f"{leg}_{side}:{int(numbers['window_sessions'])}d"] for leg in legs]
    return _new_extreme(leader, marks[0], follower, marks[1], numbers, numbers["direction"], open_level)


def strength_high(values: Values, numbers: Numbers, window: str, open_level: float) -> Said:
    """The ratio at a new high before the numerator's price."""
    length = f"{int(numbers['window_sessions'])}d"
    return _new_extreme(
        values["ratio:1d"],
        values[f"ratio_high:{length}"],
        values["numerator_price"],
        values[f"numerator_high:{length}"],
        {**numbers, "delta_pct": 0.0},
        1.0,
        open_level,
    )


def _new_extreme(
    leader: float | None,
    leader_mark: float | None,
    follower: float | None,
    follower_mark: float | None,
    numbers: Numbers,
    sign: float,
    open_level: float,
) -> Said:
    if leader is None or leader_mark is None or follower is None or follower_mark is None:
        return Said(None, None, None)
    leads = _seen(sign * 100 * (leader - leader_mark) / leader_mark)
    follows = _seen(sign * 100 * (follower - follower_mark) / follower_mark)
    level = leader * (1 - sign * numbers["invalidation_pct"] / 100)
    back = open_level > 0 and _seen(sign * 100 * (leader - open_level) / open_level) < 0
    return Said(leads > 0 and follows < -numbers["delta_pct"], follows > 0, back, level)


DETECTORS: Mapping[str, Callable[[Values, Numbers, str, float], Said]] = {
    "opposite_day": opposite_day,
    "spread_z": spread_z,
    "nonconfirmation": nonconfirmation,
    "strength_high": strength_high,
}
"""Kind → what it said of values, under its numbers, a window and the level of an open episode."""
