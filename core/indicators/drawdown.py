"""Record closes, the way down from them, and what it takes to come back.

Everything is of all history, so it says no more than the history that was supplied: values are used
after a year of it, and `history_start` travels with every event. A tie is no new record.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.indicators.base import DayFamily, DayStep, Output
from core.indicators.day_rows import put, put_unknown
from core.kernels.jit import BOOL, F8, I4, I8, U1, array_of, kernel
from core.kernels.returns import blocked_by
from core.model.records import Frequency, Quality

LEAST_SESSIONS: Final = 252
"""Finished sessions before anything is called a record."""

_NOT_READY: Final = int(Quality.NOT_READY)
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()

_PEAK: Final = 0
_PEAK_COUNT: Final = 1
_PEAK_SESSION: Final = 2
_BENCHMARK_THEN: Final = 3
_BENCHMARK_PEAK: Final = 4
_RECORDS: Final = 5
_YEAR: Final = 6
_FIELDS: Final = 7


@kernel(
    I8,
    array_of(I8, 2),
    array_of(I8),
    array_of(I4),
    I8,
    I8,
    array_of(F8, 2),
    array_of(F8, 2),
    array_of(U1, 2),
    array_of(I4, 2),
    BOOL,
)
def _day_pass(  # type: ignore[no-untyped-def]
    prices, counts, rows, session, year, peaks, values, quality, observations, commit
):
    for row in rows:
        reason = blocked_by(prices, row)
        count = counts[row]
        if reason != 0 or count < LEAST_SESSIONS:
            for output in range(11):
                why = reason if reason != 0 else _NOT_READY
                put_unknown(values, quality, observations, output, row, why, count)
            if reason != 0:
                continue
        price = float(prices[0, row])
        benchmark = float(prices[1, row])
        record = price > peaks[_PEAK, row]
        benchmark_record = benchmark > peaks[_BENCHMARK_PEAK, row]
        peak = price if record else peaks[_PEAK, row]
        since = 0.0 if record else count - peaks[_PEAK_COUNT, row]
        before = max(0.0, count - peaks[_PEAK_COUNT, row] - 1.0) if record else 0.0
        peak_session = float(session) if record else peaks[_PEAK_SESSION, row]
        then = benchmark if record else peaks[_BENCHMARK_THEN, row]
        benchmark_peak = benchmark if benchmark_record else peaks[_BENCHMARK_PEAK, row]
        records = (peaks[_RECORDS, row] if peaks[_YEAR, row] == year else 0.0) + (1.0 if record else 0.0)
        if count >= LEAST_SESSIONS:
            seen = count + 1
            put(values, quality, observations, 0, row, 100.0 * ((price - peak) / peak), seen)
            fallen = 100.0 * ((benchmark - benchmark_peak) / benchmark_peak)
            put(values, quality, observations, 1, row, fallen, seen)
            put(values, quality, observations, 2, row, 100.0 * ((peak - price) / price), seen)
            put(values, quality, observations, 3, row, peak_session, seen)
            put(values, quality, observations, 4, row, since, seen)
            put(values, quality, observations, 5, row, before, seen)
            put(values, quality, observations, 6, row, 1.0 if record else 0.0, seen)
            put(values, quality, observations, 7, row, records, seen)
            # (L / L then) / (S / S then) - 1, by differences: no digits are lost near zero.
            s_change = (price - peak) / peak
            l_change = (benchmark - then) / then
            gap = 100.0 * ((l_change - s_change) / (1.0 + s_change))
            put(values, quality, observations, 8, row, gap, seen)
            put(values, quality, observations, 9, row, 100.0 * l_change, seen)
            put(values, quality, observations, 10, row, 1.0 if benchmark_record else 0.0, seen)
        if commit:
            peaks[_PEAK, row] = peak
            if record:
                peaks[_PEAK_COUNT, row] = count
            peaks[_PEAK_SESSION, row] = peak_session
            peaks[_BENCHMARK_THEN, row] = then
            peaks[_BENCHMARK_PEAK, row] = benchmark_peak
            peaks[_RECORDS, row] = records
            peaks[_YEAR, row] = year
    return len(rows)


class Drawdown(DayFamily):
    """Distance from the record close, time under water, and the gap to the benchmark since then.

    `recovery_gap_pct` is what the price must gain to be at its record again: 17 % below takes 20.5 %.
    `catch_up_gap_pct` is by how much the numerator must outdo the benchmark to be level with it since
    the numerator's record close. `sessions_under_water_before` is the length of the run that a new
    record has just ended.
    """

    name = "drawdown"
    frequency = Frequency.DAY
    outputs = (
        Output("drawdown_pct", ""),
        Output("benchmark_drawdown_pct", ""),
        Output("recovery_gap_pct", ""),
        Output("peak_session", "", value_name="peak_date", is_session=True),
        Output("sessions_under_water", ""),
        Output("sessions_under_water_before", ""),
        Output("record_high", ""),
        Output("records_this_year", ""),
        Output("catch_up_gap_pct", ""),
        Output("benchmark_since_peak_pct", ""),
        Output("benchmark_record_high", ""),
    )

    def __init__(self, pairs: int) -> None:
        super().__init__(pairs)
        self._peaks = np.zeros((_FIELDS, pairs))

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Record closes, when they were, the benchmark then, and the year's records so far."""
        return {"peaks": self._peaks}

    def adjust(self, rows: NDArray[np.int32], side: int, factor: float) -> None:
        """Records are prices; rounded as the ring's are, or a close at its record would not be one."""
        for price in (_PEAK,) if side == 0 else (_BENCHMARK_THEN, _BENCHMARK_PEAK):
            self._peaks[price, rows] = np.floor(self._peaks[price, rows] * factor + 0.5)

    def evaluate(self, step: DayStep, *, commit: bool) -> None:
        """Hold the session's prices against the records before it."""
        year = date.fromordinal(_EPOCH_ORDINAL + step.session).year
        _day_pass(
            step.prices,
            step.days.counts,
            step.rows,
            step.session,
            year,
            self._peaks,
            self.values,
            self.quality,
            self.observations,
            commit,
        )
