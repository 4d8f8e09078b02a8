"""Where an instrument's open second stands, so that tests do not depend on how memory is laid out."""

from __future__ import annotations

import numpy as np

from core.partition.state import InstrumentState


def open_second(state: InstrumentState, row: int, second: int) -> np.void:
    """The slot of one instrument for a Unix second; a view, assignments write through."""
    rows = len(state.instruments)
    slots = state.seconds.size // rows
    assert slots != rows, "as many slots as instruments: their axes cannot be told apart"
    place = (row, second & (slots - 1))
    found: np.void = state.seconds[place if state.seconds.shape == (rows, slots) else place[::-1]]
    return found
