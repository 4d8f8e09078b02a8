"""Volume of the session so far against the mean of earlier sessions at the same time of day.

A session's volume is not spread evenly, so at noon it says little against whole days. It is noted at the
end of every half hour since the open and compared with the plain mean of what the 20 sessions before
had by then. Sessions whose volume is unknown are left out of the mean; a tenth of them may be
missing. Only what was traded while the worker watched is known: daily history has no time of day.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.indicators.base import Output, RingFamily, RingStep
from core.kernels.jit import BOOL, F8, I4, I8, U1, array_of, inlined, kernel
from core.kernels.rolling import copy_fields
from core.model.records import PRICE_UNITS_PER_ONE, Frequency, Quality

SESSIONS: Final = 20
LEAST_SESSIONS: Final = 18
HALF_HOUR_MINUTES: Final = 30
HALF_HOURS: Final = 13
"""Of a session of six and a half hours; what a longer one has after them is not compared."""

_UNITS: Final = float(PRICE_UNITS_PER_ONE)
"""Only shares of volumes of one leg leave this family, so its scale does not matter."""
_NOT_READY: Final = int(Quality.NOT_READY)
_CONSTANT: Final = int(Quality.CONSTANT)
_UNKNOWN: Final = -1.0

# Fields: the minute the session in progress opened, sessions held, its half hours, those of the past.
_OPENED: Final = 0
_HELD: Final = 1
_PRESENT: Final = 2
_PAST: Final = _PRESENT + HALF_HOURS
_FIELDS: Final = _PAST + SESSIONS * HALF_HOURS


@inlined
def _begin_session(own, opened):  # type: ignore[no-untyped-def]
    """Let the session in progress join the past ones, and start another."""
    if own[_OPENED] != 0.0:
        first = _PAST + int(own[_HELD]) % SESSIONS * HALF_HOURS
        for half_hour in range(HALF_HOURS):
            own[first + half_hour] = own[_PRESENT + half_hour]
        own[_HELD] += 1.0
    for half_hour in range(HALF_HOURS):
        own[_PRESENT + half_hour] = _UNKNOWN
    own[_OPENED] = opened


@inlined
def _mean_by(own, half_hour):  # type: ignore[no-untyped-def]
    """Mean volume of past sessions by the end of a half hour, and how many of them it is over."""
    total = 0.0
    known = 0
    for session in range(min(int(own[_HELD]), SESSIONS)):
        volume = own[_PAST + session * HALF_HOURS + half_hour]
        if volume >= 0.0:
            total += volume
            known += 1
    return (total / known if known > 0 else 0.0), known


@kernel(
    I8,
    array_of(I8, 2),
    array_of(I8, 2),
    array_of(I4),
    array_of(I4),
    array_of(I4),
    I8,
    I8,
    array_of(F8),
    array_of(F8, 2),
    array_of(F8, 2),
    array_of(U1, 2),
    array_of(I4, 2),
    BOOL,
)
def _minute_pass(  # type: ignore[no-untyped-def]
    ring_prices,
    volumes,
    numerators,
    benchmarks,
    rows,
    now,
    since_open,
    scratch,
    sessions,
    values,
    quality,
    observations,
    commit,
):
    prices = ring_prices[now & (ring_prices.shape[0] - 1)]
    done = (since_open + 1) // HALF_HOUR_MINUTES
    for row in rows:
        own = sessions[row]
        if not commit:
            copy_fields(scratch, own)
            own = scratch
        if own[_OPENED] != now - since_open:
            _begin_session(own, float(now - since_open))
        volume = volumes[0, row]
        if (since_open + 1) % HALF_HOUR_MINUTES == 0 and done <= HALF_HOURS:
            own[_PRESENT + done - 1] = volume / _UNITS if volume >= 0 else _UNKNOWN
        values[0, row] = np.nan
        observations[0, row] = min(int(own[_HELD]), SESSIONS)
        reason = _NOT_READY
        if prices[numerators[row]] <= 0:
            reason = max(-prices[numerators[row]], _NOT_READY)
        elif prices[benchmarks[row]] <= 0:
            reason = max(-prices[benchmarks[row]], _NOT_READY)
        elif 0 < done <= HALF_HOURS:
            present = own[_PRESENT + done - 1]
            mean, known = _mean_by(own, done - 1)
            observations[0, row] = known
            if present < 0.0:
                reason = max(-volume, _NOT_READY)
            elif known >= LEAST_SESSIONS:
                reason = 0 if mean > 0.0 else _CONSTANT
                if mean > 0.0:
                    values[0, row] = present / mean
        quality[0, row] = reason
    return len(rows)


class VolumeByTime(RingFamily):
    """Volume since the open by the latest full half hour, over its mean by then in 20 sessions."""

    name = "volume_by_time"
    frequency = Frequency.MINUTE
    outputs = (Output("relative_volume_tod", "20d"),)

    def __init__(self, pairs: int) -> None:
        super().__init__(pairs)
        self._sessions = np.zeros((pairs, _FIELDS))
        self._scratch = np.zeros(_FIELDS)

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Volumes by half hour: of the session in progress and of those before it."""
        return {"sessions": self._sessions}

    def adjust(self, rows: NDArray[np.int32], side: int, factor: float) -> None:
        """A split restates volumes the other way; what is unknown stays so."""
        if side == 0:
            volumes = self._sessions[rows, _PRESENT:]
            self._sessions[rows, _PRESENT:] = np.where(volumes >= 0.0, volumes / factor, volumes)

    def evaluate(self, step: RingStep, *, commit: bool) -> None:
        """Note the volume where a half hour ends, and compare it with that time of day before."""
        _minute_pass(
            step.prices,
            step.volumes,
            step.numerators,
            step.benchmarks,
            step.rows,
            step.now,
            step.since_open,
            self._scratch,
            self._sessions,
            self.values,
            self.quality,
            self.observations,
            commit,
        )
