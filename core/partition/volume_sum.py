"""Sums of volume that never wrap: what does not fit a record is unknown for the rest of its sum."""

from __future__ import annotations

from typing import Final

from core.kernels.jit import inlined
from core.model.scale import LARGEST_INTEGER

TOO_LARGE: Final = -(2**62)
"""Stands for a sum that does not fit. No sum of trades and cancels comes to just that."""

_LARGEST: Final = LARGEST_INTEGER


@inlined
def add_volume(total, size):
    """Add a size, negative for a cancel, or another sum.

    Args:
        total: int64, or TOO_LARGE.
        size: int64, or TOO_LARGE.

    Returns:
        The sum; TOO_LARGE where it does not fit or a part of it did not.
    """
    if total == TOO_LARGE or size == TOO_LARGE:
        return TOO_LARGE
    if (size > 0 and total > _LARGEST - size) or (size < 0 and total < -_LARGEST - size):
        return TOO_LARGE
    return total + size
