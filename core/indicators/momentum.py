"""Momentum over twelve months without the latest one.

The latest month is left out because over a month returns tend to turn back, which is what one does
not want to measure (N. Jegadeesh and S. Titman, Journal of Finance 48 (1993) 65-91).
"""

from __future__ import annotations

from typing import Final

from core.indicators.base import DayFamily, DayStep, Output
from core.kernels.jit import F8, I4, I8, U1, array_of, kernel
from core.kernels.returns import blocked_by
from core.model.records import Frequency, Quality
from core.model.windows import DAY_WINDOWS

PRICES_COMPARED: Final = 2
"""Observations a value rests on: two closes of each leg."""

_FROM: Final = DAY_WINDOWS.index("252d")
_TO: Final = DAY_WINDOWS.index("21d")
_NOT_READY: Final = int(Quality.NOT_READY)


@kernel(I8, array_of(I8, 2), array_of(I8, 3), array_of(I4), array_of(F8, 2), array_of(U1, 2))
def _day_pass(prices, bases, rows, values, quality):  # type: ignore[no-untyped-def]
    for row in rows:
        reason = blocked_by(prices, row)
        known = bases[_FROM, 0, row] > 0 and bases[_TO, 0, row] > 0
        if reason == 0 and not (known and bases[_FROM, 1, row] > 0 and bases[_TO, 1, row] > 0):
            reason = _NOT_READY
        for side in range(2):
            values[side, row] = float("nan")
            quality[side, row] = reason
            if reason == 0:
                then = bases[_FROM, side, row]
                values[side, row] = 100.0 * ((bases[_TO, side, row] - then) / then)
        values[2, row] = values[0, row] - values[1, row]
        quality[2, row] = reason
    return len(rows)


class Momentum(DayFamily):
    """Change from 252 to 21 sessions ago: of both legs, and how much more the numerator's was.

    The closes are taken as they stand: a leg that pays dividends needs adjusted ones.
    """

    name = "momentum"
    frequency = Frequency.DAY
    outputs = (
        Output("momentum_pct", "12_1"),
        Output("benchmark_momentum_pct", "12_1"),
        Output("relative_momentum_pp", "12_1"),
    )

    def __init__(self, pairs: int) -> None:
        super().__init__(pairs)
        self.observations[:] = PRICES_COMPARED

    def evaluate(self, step: DayStep, *, commit: bool) -> None:
        """Compare two finished sessions; there is no state."""
        _day_pass(step.prices, step.bases, step.rows, self.values, self.quality)
