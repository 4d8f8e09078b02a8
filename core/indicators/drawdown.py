"""Record closes, the drawdown from them, and the gain needed to recover.

Records are over the whole supplied history: values are known after one year of it, and every event
carries `history_start`. A tie is not a new record.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.indicators.base import DayFamily, Output
from core.indicators.day_rows import put, put_all_unknown
from core.indicators.passes import PAIRS, day_pass, state
from core.kernels.codes import BENCHMARK, NOT_READY, NUMERATOR, OK
from core.kernels.jit import inlined
from core.kernels.returns import blocked_by

LEAST_SESSIONS: Final = 252
"""Minimum number of finished sessions for a record."""

# Outputs.
_DRAWDOWN, _BENCHMARK_DRAWDOWN, _RECOVERY_GAP, _PEAK_DATE, _UNDER_WATER, _UNDER_WATER_BEFORE = range(6)
_RECORD_HIGH, _RECORDS_THIS_YEAR, _CATCH_UP_GAP, _BENCHMARK_SINCE_PEAK, _BENCHMARK_RECORD = range(6, 11)
# State: the numerator's record, its session, the benchmark's close then; the benchmark's record; the year's
# records.
_PEAK, _PEAK_COUNT, _PEAK_SESSION, _BENCHMARK_THEN, _BENCHMARK_PEAK, _RECORDS, _YEAR, _FIELDS = range(8)


@inlined
def _percent_from(now, then):
    return 100.0 * ((now - then) / then)


@inlined
def _catch_up_gap(s_change, l_change):
    """(L / L then) / (S / S then) - 1 in percent, from differences to keep precision near zero."""
    return 100.0 * ((l_change - s_change) / (1.0 + s_change))


@day_pass(peaks=state(_FIELDS, PAIRS))
def _day_pass(prices, counts, rows, session, year, peaks, values, quality, observations, commit):
    for row in rows:
        reason = blocked_by(prices, row)
        count = counts[row]
        if reason != OK or count < LEAST_SESSIONS:
            put_all_unknown(values, quality, observations, row, max(reason, NOT_READY), count)
        if reason != OK:
            continue
        price = float(prices[NUMERATOR, row])
        benchmark = float(prices[BENCHMARK, row])
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
            put(values, quality, observations, _DRAWDOWN, row, _percent_from(price, peak), seen)
            fallen = _percent_from(benchmark, benchmark_peak)
            put(values, quality, observations, _BENCHMARK_DRAWDOWN, row, fallen, seen)
            put(values, quality, observations, _RECOVERY_GAP, row, _percent_from(peak, price), seen)
            put(values, quality, observations, _PEAK_DATE, row, peak_session, seen)
            put(values, quality, observations, _UNDER_WATER, row, since, seen)
            put(values, quality, observations, _UNDER_WATER_BEFORE, row, before, seen)
            put(values, quality, observations, _RECORD_HIGH, row, 1.0 if record else 0.0, seen)
            put(values, quality, observations, _RECORDS_THIS_YEAR, row, records, seen)
            l_change = (benchmark - then) / then
            gap = _catch_up_gap((price - peak) / peak, l_change)
            put(values, quality, observations, _CATCH_UP_GAP, row, gap, seen)
            put(values, quality, observations, _BENCHMARK_SINCE_PEAK, row, 100.0 * l_change, seen)
            put(values, quality, observations, _BENCHMARK_RECORD, row, 1.0 if benchmark_record else 0.0, seen)
        if commit:
            peaks[_PEAK, row] = peak
            if record:
                peaks[_PEAK_COUNT, row] = count
            peaks[_PEAK_SESSION, row] = peak_session
            peaks[_BENCHMARK_THEN, row] = then
            peaks[_BENCHMARK_PEAK, row] = benchmark_peak
            peaks[_RECORDS, row] = records
            peaks[_YEAR, row] = year


class Drawdown(DayFamily):
    """Distance from the record close, time under water, and the gap to the benchmark since then.

    `recovery_gap_pct` is the gain needed to reach the record again: 20.5 % after a loss of 17 %.
    `catch_up_gap_pct` is by how much the numerator must outperform the benchmark to draw level with it
    since the numerator's record close. `sessions_under_water_before` is the length of the drawdown that a
    new record has just ended.
    """

    name = "drawdown"
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
    evaluation = _day_pass

    def adjust(self, rows: NDArray[np.int32], side: int, factor: float) -> None:
        """Restate the records, rounded like the ring's prices: a close at its record still equals it."""
        peaks = self.arrays["peaks"]
        for price in (_PEAK,) if side == NUMERATOR else (_BENCHMARK_THEN, _BENCHMARK_PEAK):
            peaks[price, rows] = np.floor(peaks[price, rows] * factor + 0.5)
