"""How far a currency unit of trading moves each leg: illiquidity, one leg over the other.

Of the 21 sessions before this one: today's volume is not whole before the close, and a ratio to
part of a day's volume would fall all day long.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.indicators.base import DayFamily, DayStep, Output
from core.kernels.jit import F8, I4, I8, U1, array_of, inlined, kernel
from core.kernels.returns import blocked_by
from core.model.records import Frequency, Quality
from core.partition.pair_days import DAY_SLOTS

SESSIONS: Final = 21

_DAY_MASK: Final = DAY_SLOTS - 1
_NOT_READY: Final = int(Quality.NOT_READY)
_CONSTANT: Final = int(Quality.CONSTANT)


@inlined
def _derive(closes, volumes, row, count, scale, own):  # type: ignore[no-untyped-def]
    """The legs' ratio, and why it is unknown: the newest reason found."""
    own[0] = np.nan
    own[1] = _NOT_READY
    if count < SESSIONS + 1:
        return
    numerator = 0.0
    benchmark = 0.0
    for day in range(count - 1, count - 1 - SESSIONS, -1):
        now = closes[row, day & _DAY_MASK]
        then = closes[row, (day - 1) & _DAY_MASK]
        traded = volumes[row, day & _DAY_MASK]
        for side in range(2):
            if traded[side] <= 0:
                own[1] = max(-traded[side], _NOT_READY)
                return
        numerator += abs((now[0] - then[0]) / then[0]) / (float(now[0]) * traded[0])
        benchmark += abs((now[1] - then[1]) / then[1]) / (float(now[1]) * traded[1])
    own[1] = _CONSTANT
    if benchmark > 0.0:
        own[0] = numerator / benchmark * scale[0, row] / scale[1, row]
        own[1] = 0.0


@kernel(
    I8,
    array_of(I8, 2),
    array_of(I8, 3),
    array_of(I8, 3),
    array_of(I8),
    array_of(I4),
    array_of(F8, 2),
    array_of(I8),
    array_of(F8, 2),
    array_of(F8, 2),
    array_of(U1, 2),
    array_of(I4, 2),
)
def _day_pass(  # type: ignore[no-untyped-def]
    prices, closes, volumes, counts, rows, scale, derived_for, derived, values, quality, observations
):
    for row in rows:
        if derived_for[row] != counts[row]:
            _derive(closes, volumes, row, counts[row], scale, derived[row])
            derived_for[row] = counts[row]
        reason = blocked_by(prices, row)
        quality[0, row] = reason if reason != 0 else int(derived[row, 1])
        values[0, row] = derived[row, 0] if quality[0, row] == 0 else np.nan
        observations[0, row] = min(max(counts[row] - 1, 0), SESSIONS)
    return len(rows)


class Amihud(DayFamily):
    """Mean of |return| over traded value in 21 sessions, the numerator's over the benchmark's.

    Traded value is close times volume. Above one, the numerator is the less liquid leg.

    Source:
        Y. Amihud, Journal of Financial Markets 5 (2002) 31-56.
    """

    name = "amihud"
    frequency = Frequency.DAY
    outputs = (Output("amihud_ratio", "21d"),)

    def __init__(self, pairs: int) -> None:
        super().__init__(pairs)
        self._derived_for: NDArray[np.int64] = np.full(pairs, -1, np.int64)
        self._derived = np.zeros((pairs, 2))

    def forget(self, rows: NDArray[np.int32]) -> None:
        """Derive anew what follows from finished days."""
        self._derived_for[rows] = -1

    def evaluate(self, step: DayStep, *, commit: bool) -> None:
        """Show what the finished sessions gave; there is no state."""
        _day_pass(
            step.prices,
            step.days.closes,
            step.days.volumes,
            step.days.counts,
            step.rows,
            step.scales.illiquidity,
            self._derived_for,
            self._derived,
            self.values,
            self.quality,
            self.observations,
        )
