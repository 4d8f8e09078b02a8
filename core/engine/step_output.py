"""What one step of an engine gives."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.events.events import Event


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Something the engine could not use.

    Args:
        reason: A stable, low-cardinality label.
        payload: The bytes, at most 4 KB of them.
    """

    reason: str
    payload: bytes


@dataclass(slots=True)
class StepOutput:
    """What one step gives, in the order in which it became known.

    Args:
        events: Transitions.
        minute_bars: BAR arrays; a `minute complete` mark ends each minute.
        day_bars: BAR arrays.
        dead_letters: Ticks that could not be used.
    """

    events: list[Event] = field(default_factory=list)
    minute_bars: list[NDArray[np.void]] = field(default_factory=list)
    day_bars: list[NDArray[np.void]] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
