"""Volume of the session so far, relative to the mean of earlier sessions at the same time of day.

Volume is not spread evenly over a session, so at noon a comparison with whole days is meaningless. At the
end of every half hour since the open, the volume is compared with the plain mean of the previous 20
sessions at that time. Sessions of unknown volume are left out; at most a tenth may be missing. Only live
volume counts, because daily history has no time of day, so the quality is always `traded_volume`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.indicators.base import Output, RingFamily
from core.indicators.day_rows import put_unknown
from core.indicators.passes import PAIRS, ring_pass, scratch, state
from core.indicators.volume_kinds import volume_reason
from core.kernels.codes import NOT_READY, NUMERATOR, OK, TRADED_VOLUME
from core.kernels.jit import inlined
from core.kernels.returns import blocked_legs
from core.kernels.rolling import copy_fields
from core.model.records import PRICE_UNITS_PER_ONE, Frequency

SESSIONS: Final = 20
LEAST_SESSIONS: Final = 18
HALF_HOUR_MINUTES: Final = 30
HALF_HOURS: Final = 13
"""Half hours of a session of six and a half hours; later ones of a longer session are not compared."""

_UNITS: Final = float(PRICE_UNITS_PER_ONE)
"""Outputs are ratios of one leg's volumes, so the scale does not matter."""
_UNKNOWN: Final = -1.0
_RELATIVE: Final = 0  # the output

# Fields: opening minute of the session in progress, number of past sessions, its half hours, past half hours.
_OPENED, _HELD, _PRESENT = range(3)
_PAST: Final = _PRESENT + HALF_HOURS
_FIELDS: Final = _PAST + SESSIONS * HALF_HOURS


@inlined
def _begin_session(own, opened):
    """Move the session in progress to the past ones, and start another."""
    if own[_OPENED] != 0.0:
        first = _PAST + int(own[_HELD]) % SESSIONS * HALF_HOURS
        for half_hour in range(HALF_HOURS):
            own[first + half_hour] = own[_PRESENT + half_hour]
        own[_HELD] += 1.0
    for half_hour in range(HALF_HOURS):
        own[_PRESENT + half_hour] = _UNKNOWN
    own[_OPENED] = opened


@inlined
def _mean_by(own, half_hour):
    """Mean volume of past sessions by the end of a half hour, and the number of sessions."""
    total = 0.0
    known = 0
    for session in range(min(int(own[_HELD]), SESSIONS)):
        volume = own[_PAST + session * HALF_HOURS + half_hour]
        if volume > 0.0:
            total += volume
            known += 1
    return (total / known if known > 0 else 0.0), known


@ring_pass(scratch_session=scratch(_FIELDS), sessions=state(PAIRS, _FIELDS))
def _minute_pass(
    ring, numerators, benchmarks, volumes, rows, now, since_open,
    scratch_session, sessions, values, quality, observations, commit,
):  # fmt: skip
    prices = ring[now & (ring.shape[0] - 1)]
    done = (since_open + 1) // HALF_HOUR_MINUTES
    for row in rows:
        own = sessions[row]
        if not commit:
            copy_fields(scratch_session, own)
            own = scratch_session
        if own[_OPENED] != now - since_open:
            _begin_session(own, float(now - since_open))
        volume = volumes[NUMERATOR, row]
        if (since_open + 1) % HALF_HOUR_MINUTES == 0 and done <= HALF_HOURS:
            own[_PRESENT + done - 1] = volume / _UNITS if volume > 0 else _UNKNOWN
        blocked = blocked_legs(prices[numerators[row]], prices[benchmarks[row]])
        reason = blocked if blocked != OK else NOT_READY
        seen = min(int(own[_HELD]), SESSIONS)
        put_unknown(values, quality, observations, _RELATIVE, row, reason, seen)
        if blocked == OK and 0 < done <= HALF_HOURS:
            present = own[_PRESENT + done - 1]
            mean, known = _mean_by(own, done - 1)
            observations[_RELATIVE, row] = known
            if present <= 0.0:
                # Known now, it was not at the end of that half hour.
                quality[_RELATIVE, row] = max(volume_reason(volume), NOT_READY)
            elif known >= LEAST_SESSIONS:
                quality[_RELATIVE, row] = TRADED_VOLUME
                values[_RELATIVE, row] = present / mean


class VolumeByTime(RingFamily):
    """Volume up to the latest full half hour, over its mean at that time in 20 sessions."""

    name = "volume_by_time"
    frequency = Frequency.MINUTE
    outputs = (Output("relative_volume_tod", "20d"),)
    evaluation = _minute_pass

    def adjust(self, rows: NDArray[np.int32], side: int, factor: float) -> None:
        """Restate known volumes, inversely to prices."""
        if side == NUMERATOR:
            sessions = self.arrays["sessions"]
            volumes = sessions[rows, _PRESENT:]
            sessions[rows, _PRESENT:] = np.where(volumes > 0.0, volumes / factor, volumes)
