"""Daily families whose values follow from the ring of closes alone: no state, nothing to drift.

What the finished sessions contribute is derived once a session, when a pair's number of days has
moved on; the session in progress is then added in a few steps. So a peek costs the same whatever
the window's length, and a value is a function of the closes in its window and of nothing else: not
of where a worker started, nor of what left the window long ago.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from core.indicators.base import DayFamily, DayStep
from core.kernels.jit import F8, I4, I8, U1, Kernel, array_of

NEVER_DERIVED: Final = -1

WINDOW_PASS: Final = (
    I8,  # pairs passed
    array_of(I8, 2),  # prices (2, pairs)
    array_of(I8, 3),  # closes (pairs, 512, 2)
    array_of(I8),  # counts (pairs,)
    array_of(I4),  # rows (n,)
    array_of(I8),  # derived_for (pairs,): number of days `derived` stands for
    array_of(F8, 2),  # derived (pairs, fields)
    array_of(F8, 2),  # values
    array_of(U1, 2),  # quality
    array_of(I4, 2),  # observations
)
"""Signature of a window family's kernel: what it returns, then its arguments."""


class WindowFamily(DayFamily):
    """Base of families derived from the ring.

    Args:
        pairs: Number of pairs of the partition.
    """

    derived_fields: ClassVar[int]
    """Numbers kept per pair for the rest of a session."""

    def __init__(self, pairs: int) -> None:
        super().__init__(pairs)
        self._derived_for: NDArray[np.int64] = np.full(pairs, NEVER_DERIVED, np.int64)
        self._derived: NDArray[np.float64] = np.zeros((pairs, self.derived_fields))

    @property
    @abstractmethod
    def window_pass(self) -> Kernel:
        """The kernel, of signature WINDOW_PASS."""

    def forget(self, rows: NDArray[np.int32]) -> None:
        """Derive anew what follows from finished days."""
        self._derived_for[rows] = NEVER_DERIVED

    def evaluate(self, step: DayStep, *, commit: bool) -> None:
        """Add the session to the windows of finished days; there is no state."""
        self.window_pass(
            step.prices,
            step.days.closes,
            step.days.counts,
            step.rows,
            self._derived_for,
            self._derived,
            self.values,
            self.quality,
            self.observations,
        )
