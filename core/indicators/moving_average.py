"""Moving averages of the numerator's closes, distances from them, and Mansfield's relative strength.

Averages include the session itself. What they need of the finished sessions is summed once a
session, from the ring: prices as exact integers, so that nothing drifts, no split has to restate a
sum, and price and average are compared without rounding.

Mansfield's relative strength is 100 * (ratio / average ratio - 1). Stan Weinstein ("Secrets for
Profiting in Bull and Bear Markets", 1988) takes 52 weeks; 200 sessions is the daily form.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.indicators.base import DayFamily, DayStep, Output
from core.indicators.day_rows import (
    RUN_FIELDS,
    RUN_LENGTH,
    RUN_SEEN,
    longer_run,
    put,
    put_unknown,
    run_is_known,
    sign_of,
)
from core.indicators.windows import NEVER_DERIVED
from core.kernels.jit import BOOL, F8, I4, I8, U1, array_of, inlined, kernel
from core.kernels.returns import blocked_by
from core.model.records import Frequency, Quality
from core.partition.pair_days import DAY_SLOTS

SHORT: Final = 50
LONG: Final = 200
_DAY_MASK: Final = DAY_SLOTS - 1
_NOT_READY: Final = int(Quality.NOT_READY)
_RUNS: Final = 3
"""Price against the long average, short average against the long one, Mansfield against zero."""


@kernel(I8, array_of(I8, 3), array_of(I8), array_of(I4), array_of(I8), array_of(I8, 2), array_of(F8, 2))
def _session_pass(closes, counts, rows, derived_for, sums, moments):  # type: ignore[no-untyped-def]
    for row in rows:
        count = counts[row]
        if derived_for[row] == count:
            continue
        derived_for[row] = count
        total = 0
        ratios = 0.0
        lost = 0.0  # Neumaier's compensation: what additions have rounded away
        for index in range(max(0, count - LONG + 1), count):
            close = closes[row, index & _DAY_MASK]
            total += close[0]
            ratio = close[0] / close[1]
            larger = ratios + ratio
            lost += (ratios - larger) + ratio if ratios >= ratio else (ratio - larger) + ratios
            ratios = larger
        sums[1, row] = total
        moments[1, row] = ratios + lost
        total = 0
        for index in range(max(0, count - SHORT + 1), count):
            total += closes[row, index & _DAY_MASK, 0]
        squares = 0.0
        for index in range(max(0, count - SHORT + 1), count):
            deviation = ((SHORT - 1) * closes[row, index & _DAY_MASK, 0] - total) / (SHORT - 1)
            squares += deviation * deviation
        sums[0, row] = total
        moments[0, row] = squares
    return len(rows)


@inlined
def _put_run(run, row, sign, output, count, values, quality, observations, runs, commit):  # type: ignore[no-untyped-def]
    """Write how long something has had its sign, and keep it."""
    first = run * RUN_FIELDS
    length = runs[first + RUN_LENGTH, row]
    known = run_is_known(length, runs[first + RUN_SEEN, row], sign)
    length = longer_run(length, sign)
    if known:
        put(values, quality, observations, output, row, length, count)
    else:
        put_unknown(values, quality, observations, output, row, _NOT_READY, count)
    if commit:
        runs[first + RUN_LENGTH, row] = length
        runs[first + RUN_SEEN, row] = 1.0 if known else 0.0


@kernel(
    I8,
    array_of(I8, 2),
    array_of(I8),
    array_of(I4),
    array_of(I8, 2),
    array_of(F8, 2),
    array_of(F8, 2),
    array_of(F8, 2),
    array_of(U1, 2),
    array_of(I4, 2),
    BOOL,
)
def _day_pass(  # type: ignore[no-untyped-def]
    prices, counts, rows, sums, moments, runs, values, quality, observations, commit
):
    for row in rows:
        reason = blocked_by(prices, row)
        count = min(counts[row] + 1, LONG)
        for output in range(7):
            least = SHORT if output < 2 else LONG
            why = reason if reason != 0 else _NOT_READY
            put_unknown(values, quality, observations, output, row, why, min(count, least))
        if reason != 0 or count < SHORT:
            continue
        price = prices[0, row]
        short = sums[0, row] + price
        put(values, quality, observations, 0, row, 100.0 * ((SHORT * price - short) / short), SHORT)
        # Welford's step from the finished sessions' moments to those with this session's price.
        away = ((SHORT - 1) * price - sums[0, row]) / (SHORT - 1)
        squares = moments[0, row] + away * away * (SHORT - 1) / SHORT
        deviation = np.nan
        if squares > 0.0:
            deviation = ((SHORT * price - short) / SHORT) / np.sqrt(squares / (SHORT - 1))
        put(values, quality, observations, 1, row, deviation, SHORT)
        if count < LONG:
            continue
        long = sums[1, row] + price
        put(values, quality, observations, 2, row, 100.0 * ((LONG * price - long) / long), LONG)
        sign = sign_of(LONG * price - long)
        _put_run(0, row, sign, 3, LONG, values, quality, observations, runs, commit)
        sign = sign_of((LONG // SHORT) * short - long)
        _put_run(1, row, sign, 4, LONG, values, quality, observations, runs, commit)
        ratio = price / prices[1, row]
        total = moments[1, row] + ratio
        mansfield = 100.0 * ((LONG * ratio - total) / total)
        put(values, quality, observations, 5, row, mansfield, LONG)
        sign = sign_of(np.floor(mansfield * 1e10 + 0.5))
        _put_run(2, row, sign, 6, LONG, values, quality, observations, runs, commit)
    return len(rows)


class MovingAverages(DayFamily):
    """Averages over 50 and 200 sessions; runs are signed: positive above, negative below.

    A run is known once its start has been seen. The deviation over 50 sessions is the sample's, as
    whoever says "so many standard deviations above the 50-day average" uses it.
    """

    name = "moving_averages"
    frequency = Frequency.DAY
    outputs = (
        Output("ma50_distance_pct", ""),
        Output("ma50_distance_sd", ""),
        Output("ma200_distance_pct", ""),
        Output("ma200_side_sessions", ""),
        Output("ma50_over_ma200_sessions", ""),
        Output("mansfield_pct", "200d"),
        Output("mansfield_side_sessions", ""),
    )

    def __init__(self, pairs: int) -> None:
        super().__init__(pairs)
        self._runs = np.zeros((_RUNS * RUN_FIELDS, pairs))
        self._derived_for: NDArray[np.int64] = np.full(pairs, NEVER_DERIVED, np.int64)
        self._sums: NDArray[np.int64] = np.zeros((2, pairs), np.int64)
        self._moments = np.zeros((2, pairs))

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Signed lengths of the runs, and whether their starts have been seen."""
        return {"runs": self._runs}

    def forget(self, rows: NDArray[np.int32]) -> None:
        """Sum anew: finished days have changed."""
        self._derived_for[rows] = NEVER_DERIVED

    def evaluate(self, step: DayStep, *, commit: bool) -> None:
        """Sum the finished sessions once, then let the session's price join the averages."""
        _session_pass(
            step.days.closes, step.days.counts, step.rows, self._derived_for, self._sums, self._moments
        )
        _day_pass(
            step.prices,
            step.days.counts,
            step.rows,
            self._sums,
            self._moments,
            self._runs,
            self.values,
            self.quality,
            self.observations,
            commit,
        )
