"""The baseline session in progress: what its records have said so far, by instrument."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.kernels.codes import NO_SESSION, NOT_READY
from core.kernels.jit import BOOL, F8, I4, I8, ROWS, TICKS, array_of, kernel
from core.model.records import NO_INSTRUMENT, TickKind, Update
from core.model.scale import LARGEST_PRICE, units_per_one
from core.partition.world import PartitionWorld

_UNKNOWN_VOLUME: Final = -NOT_READY
_SERIES: Final = int(Update.SERIES)
_VOLUME: Final = int(Update.VOLUME)
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
        self._values: NDArray[np.float64] = np.full(instruments, np.nan)
        self._is_series: NDArray[np.bool_] = np.array(
            [each.is_series for each in world.instruments], np.bool_
        )
        self._units = [units_per_one(each.price_exponent) for each in world.instruments]
        self._has_volume: NDArray[np.bool_] = np.array([i.has_volume for i in world.instruments], np.bool_)
        calendars = np.array([world.calendar_row(each.calendar) for each in world.instruments], np.int32)
        # A day of another calendar is another day: its volume is none of the pair's.
        self._same_day = calendars[world.numerators] == calendars[world.benchmarks]
        self._ready: NDArray[np.int32] = np.zeros(len(world.pairs), np.int32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What a snapshot must hold of it."""
        return {
            "baseline": self._closes,
            "baseline_volumes": self._volumes,
            "baseline_values": self._values,
        }

    def take(self, records: NDArray[np.void]) -> NDArray[np.bool_]:
        """Take the leading records of one session, up to its mark or a record of another kind.

        Args:
            records: TICK array (n,), in the log's order: the last of an instrument counts.

        Returns:
            bool (m,), one for each record taken: False where it says nothing usable: no instrument of
            ours, no price or one too large, or a series that is not flagged as one.
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
            used,
            of_series,
        )
        for position in of_series[: packed >> 32].tolist():
            record = records[position]
            row = row_of_id[record["instrument_id"]]
            # Python divides whole numbers of any size with one rounding.
            self._values[row] = int(record["price"]) / self._units[row]
        return used[: packed & 0xFFFF_FFFF]

    def give(
        self,
        rows: NDArray[np.int32],
        done: NDArray[np.int32],
        session: int,
        prices: NDArray[np.int64],
        volumes: NDArray[np.int64],
        series: NDArray[np.float64],
    ) -> NDArray[np.int32]:
        """Give pairs what the session says of them.

        Args:
            rows: int32 (n,): pairs of one block.
            done: int32 (pairs,): last session each pair has finished.
            session: The session in question.
            prices: int64 (2, pairs): closes are written where both legs have one.
            volumes: int64 (2, pairs): minus a Quality where unknown.
            series: float64 (roles, pairs): NaN where unknown.

        Returns:
            int32 (m,): the pairs that were given something: both legs have a close, and the session is new.
        """
        world = self._world
        count = _give(
            self._closes,
            self._volumes,
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
            series,
            self._ready,
        )
        return self._ready[:count].copy()

    def clear(self) -> None:
        """The session has ended."""
        self._closes[:] = 0
        self._volumes[:] = _UNKNOWN_VOLUME
        self._values[:] = np.nan


@kernel(
    I8,
    TICKS,
    ROWS,
    array_of(BOOL),
    array_of(BOOL),
    array_of(I8),
    array_of(I8),
    array_of(BOOL),
    ROWS,
)
def _take(records, row_of_id, is_series, has_volume, closes, volumes, used, of_series):
    """Number of records taken; above 32 bits, that of usable ones in `of_series`, left to the caller."""
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
        told = (record.update & _VOLUME) != 0 and record.size >= 0 and has_volume[row]
        closes[row] = record.price
        volumes[row] = record.size if told else _UNKNOWN_VOLUME
    return len(records) | (found << 32)


@kernel(
    I8,
    array_of(I8),
    array_of(I8),
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
    array_of(F8, 2),
    ROWS,
)
def _give(
    closes, day_volumes, values, numerators, benchmarks, series_rows, same_day,
    rows, done, session, prices, volumes, series, ready,
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
        for role in range(len(series)):
            instrument = series_rows[role, row]
            series[role, row] = values[instrument] if instrument >= 0 else np.nan
        ready[count] = row
        count += 1
    return count
