"""Output of one step of an engine."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.events.events import Event
from core.model.value_frames import ValueBatch


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Input that the engine could not use.

    Args:
        reason: Stable, low-cardinality label.
        payload: At most the first 4 KB of the bytes.
    """

    reason: str
    payload: bytes


@dataclass(slots=True)
class StepOutput:
    """Output of one step, in the order in which it became known.

    Args:
        events: Transitions.
        minute_bars: BAR arrays; a `minute complete` mark ends each minute.
        day_bars: BAR arrays.
        dead_letters: Unusable ticks.
        values: Values of all pairs, block by block; empty unless the engine was asked for them.
    """

    events: list[Event] = field(default_factory=list)
    minute_bars: list[NDArray[np.void]] = field(default_factory=list)
    day_bars: list[NDArray[np.void]] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    values: list[ValueBatch] = field(default_factory=list)
