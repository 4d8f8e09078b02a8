"""Copies TICK records as six words each, because NumPy copies structured records field by field.

Copying 2,000 records takes 5 ns each this way, and 90 ns each as structured records.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.model.records import TICK

_WORDS: Final = TICK.itemsize // 8


def words(ticks: NDArray[np.void]) -> NDArray[np.int64]:
    """View contiguous records as words, int64 (n, 6)."""
    return ticks.view(np.int64).reshape(-1, _WORDS)


def take(ticks: NDArray[np.void], rows: NDArray[Any]) -> NDArray[np.void]:
    """Copy the records at the given positions, or where the given flags are set."""
    positions = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
    return np.take(words(ticks), positions, axis=0).view(TICK)[:, 0]


def join(parts: Sequence[NDArray[np.void]]) -> NDArray[np.void]:
    """Concatenate parts into one array; a single part is returned unchanged."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return np.empty(0, TICK)
    return np.concatenate([words(part) for part in parts]).view(TICK)[:, 0]
