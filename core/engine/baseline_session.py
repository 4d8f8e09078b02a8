"""The baseline session in progress: the data of its records so far, by instrument."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.kernels.codes import NO_SESSION, NO_VOLUME, NOT_READY
from core.kernels.jit import BOOL, F8, I4, I8, ROWS, TICKS, U1, array_of, kernel
from core.model.records import NO_INSTRUMENT, TickKind, Update
from core.model.scale import LARGEST_PRICE, units_per_one
from core.partition.world import PartitionWorld

_UNKNOWN_VOLUME: Final = -NOT_READY
_SERIES: Final = int(Update.SERIES)
_VOLUME: Final = int(Update.VOLUME)
_TRADED: Final = int(Update.TRADED)
_BASELINE: Final = int(TickKind.BASELINE)
_MARK: Final = int(NO_INSTRUMENT)
_LARGEST_PRICE: Final = LARGEST_PRICE


class BaselineSession:
    """Closes, volumes and values of series of one session of history.

    Args:
        world: The partition's rows.
    """

    def __init__(self, world: PartitionWorld) -> None:
        self._world = world
        instruments = len(world.instruments)
        self._closes: NDArray[np.int64] = np.zeros(instruments, np.int64)
        self._volumes: NDArray[np.int64] = np.full(instruments, _UNKNOWN_VOLUME, np.int64)
        self._traded: NDArray[np.uint8] = np.zeros(instruments, np.uint8)
        self._values: NDArray[np.float64] = np.full(instruments, np.nan)
        self._is_series: NDArray[np.bool_] = np.array(
            [each.is_series for each in world.instruments], np.bool_
        )
        self._units = [units_per_one(each.price_exponent) for each in world.instruments]
        self._has_volume: NDArray[np.bool_] = np.array([i.has_volume for i in world.instruments], np.bool_)
        calendars = np.array([world.calendar_row(each.calendar) for each in world.instruments], np.int32)
        # A day of another calendar is a different day: its volume does not belong to the pair's session.
        self._same_day = calendars[world.numerators] == calendars[world.benchmarks]
        self._ready: NDArray[np.int32] = np.zeros(len(world.pairs), np.int32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays to store in a snapshot."""
        return {
            "baseline": self._closes,
            "baseline_volumes": self._volumes,
            "baseline_traded": self._traded,
            "baseline_values": self._values,
        }

    def take(self, records: NDArray[np.void]) -> NDArray[np.bool_]:
        """Take the leading records of one session, up to its mark or a record of another kind.

        Args:
            records: TICK array (n,), in log order; the last of an instrument wins.

        Returns:
            bool (m,), one per record taken: False if unusable: not one of our instruments, no price or
            one too large, or a series that is not flagged as one.
        """
        row_of_id = self._world.row_of_id
        used: NDArray[np.bool_] = np.empty(len(records), np.bool_)
        of_series: NDArray[np.int32] = np.empty(len(records), np.int32)
        packed = _take(
            records,
            row_of_id,
            self._is_series,
            self._has_volume,
            self._closes,
            self._volumes,
            self._traded,
            used,
            of_series,
        )
        for position in of_series[: packed >> 32].tolist():
            record = records[position]
            row = row_of_id[record["instrument_id"]]
            # Python's integer division rounds only once.
            self._values[row] = int(record["price"]) / self._units[row]
        return used[: packed & 0xFFFF_FFFF]

    def give(
        self,
        rows: NDArray[np.int32],
        done: NDArray[np.int32],
        session: int,
        prices: NDArray[np.int64],
        volumes: NDArray[np.int64],
        traded: NDArray[np.uint8],
        series: NDArray[np.float64],
    ) -> NDArray[np.int32]:
        """Write the data of the session to pairs.

        Args:
            rows: int32 (n,): pairs of one block.
            done: int32 (pairs,): last completed session of each pair.
            session: The session.
            prices: int64 (2, pairs): closes are written if both legs have one.
            volumes: int64 (2, pairs): minus a Quality if unknown.
            traded: uint8 (2, pairs): 1 where a volume is a sum of trades.
            series: float64 (roles, pairs): NaN if unknown.

        Returns:
            int32 (m,): the pairs that were updated: both legs have a close, and the session is new.
        """
        world = self._world
        count = _give(
            self._closes,
            self._volumes,
            self._traded,
            self._values,
            world.numerators,
            world.benchmarks,
            world.series,
            self._same_day,
            rows,
            done,
            session,
            prices,
            volumes,
            traded,
            series,
            self._ready,
        )
        return self._ready[:count].copy()

    def clear(self) -> None:
        """Reset at the end of the session."""
        self._closes[:] = 0
        self._volumes[:] = _UNKNOWN_VOLUME
        self._traded[:] = 0
        self._values[:] = np.nan


@kernel(
    I8,
    TICKS,
    ROWS,
    array_of(BOOL),
    array_of(BOOL),
    array_of(I8),
    array_of(I8),
    array_of(U1),
    array_of(BOOL),
    ROWS,
)
def _take(records, row_of_id, is_series, has_volume, closes, volumes, traded, used, of_series):
    """Return the number of records taken; above 32 bits, that of usable series records."""
    found = 0
    for position in range(len(records)):
        record = records[position]
        if record.kind != _BASELINE or record.instrument_id == _MARK:
            return position | (found << 32)
        row = row_of_id[record.instrument_id] if record.instrument_id < len(row_of_id) else -1
        flagged = (record.update & _SERIES) != 0
        priced = record.price > 0 and record.price <= _LARGEST_PRICE
        used[position] = row >= 0 and is_series[row] == flagged and (flagged or priced)
        if not used[position]:
            continue
        if flagged:
            of_series[found] = position
            found += 1
            continue
        known = (record.update & _VOLUME) != 0 and record.size >= 0 and has_volume[row]
        closes[row] = record.price
        volumes[row] = record.size if known else _UNKNOWN_VOLUME
        if volumes[row] == 0:
            volumes[row] = -NO_VOLUME
        traded[row] = 1 if (record.update & _TRADED) != 0 else 0
    return len(records) | (found << 32)


@kernel(
    I8,
    array_of(I8),
    array_of(I8),
    array_of(U1),
    array_of(F8),
    ROWS,
    ROWS,
    array_of(I4, 2),
    array_of(BOOL),
    ROWS,
    ROWS,
    I8,
    array_of(I8, 2),
    array_of(I8, 2),
    array_of(U1, 2),
    array_of(F8, 2),
    ROWS,
)
def _give(
    closes, day_volumes, day_traded, values, numerators, benchmarks, series_rows, same_day,
    rows, done, session, prices, volumes, traded, series, ready,
):  # fmt: skip
    count = 0
    for row in rows:
        numerator, benchmark = numerators[row], benchmarks[row]
        if done[row] >= session or closes[numerator] <= 0 or closes[benchmark] <= 0:
            continue
        prices[0, row], prices[1, row] = closes[numerator], closes[benchmark]
        # The benchmark's calendar is the pair's; a numerator on another one has no volume of that session.
        volumes[0, row] = day_volumes[numerator] if same_day[row] else -NO_SESSION
        volumes[1, row] = day_volumes[benchmark]
        traded[0, row], traded[1, row] = day_traded[numerator], day_traded[benchmark]
        for role in range(len(series)):
            instrument = series_rows[role, row]
            series[role, row] = values[instrument] if instrument >= 0 else np.nan
        ready[count] = row
        count += 1
    return count
