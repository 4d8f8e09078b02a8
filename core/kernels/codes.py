"""Numbers that kernels compare with: qualities as plain integers, and the size and mask of the day ring.

Numba reads a module's integer as a constant; an enum member would make a type of its own.
"""

from __future__ import annotations

from typing import Final

from core.model.records import Quality

OK: Final = int(Quality.OK)
NOT_READY: Final = int(Quality.NOT_READY)
STALE: Final = int(Quality.STALE)
HALTED: Final = int(Quality.HALTED)
CONSTANT: Final = int(Quality.CONSTANT)
GAP: Final = int(Quality.GAP)
NO_SESSION: Final = int(Quality.NO_SESSION)
INCONCLUSIVE: Final = int(Quality.INCONCLUSIVE)
REBUILT: Final = int(Quality.REBUILT)
NO_VOLUME: Final = int(Quality.NO_VOLUME)
HISTORY_AHEAD: Final = int(Quality.HISTORY_AHEAD)
TRADED_VOLUME: Final = int(Quality.TRADED_VOLUME)
MIXED_VOLUME: Final = int(Quality.MIXED_VOLUME)

USABLE: Final = (OK, REBUILT, TRADED_VOLUME, MIXED_VOLUME)
"""Qualities of a known value."""

DAY_SLOTS: Final = 512
"""Finished days the ring of a pair holds: 252 sessions and any year to date."""
DAY_MASK: Final = DAY_SLOTS - 1
"""`count & DAY_MASK` is the slot of day number `count`."""

NUMERATOR: Final = 0
BENCHMARK: Final = 1
"""A pair's sides, by their row or column in arrays that hold both."""
