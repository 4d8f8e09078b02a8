"""The baseline session in progress: what its records have said so far, by instrument."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.records import PRICE_UNITS_PER_ONE, Quality, Update
from core.universe_file import SERIES_CLASSES
from core.world import PartitionWorld

_UNKNOWN_VOLUME: Final = -int(Quality.NOT_READY)


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
        self._is_series = [each.is_series for each in world.instruments]
        calendars = np.array([world.calendar_row(each.calendar) for each in world.instruments], np.int32)
        # A day of another calendar is another day: its volume is none of the pair's.
        self._same_day = calendars[world.numerators] == calendars[world.benchmarks]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What a snapshot must hold of it."""
        return {
            "baseline": self._closes,
            "baseline_volumes": self._volumes,
            "baseline_values": self._values,
        }

    def add(self, row: int, price: int, size: int, update: int) -> bool:
        """Take one record.

        Args:
            row: Its instrument.
            price: Close, or value of a series, 1e-9 units.
            size: Volume, 1e-9 units.
            update: Its `Update` flags.

        Returns:
            False where it says nothing usable: no price, or a series that is not flagged as one.
        """
        if self._is_series[row] or update & Update.SERIES:
            if not (self._is_series[row] and update & Update.SERIES):
                return False
            self._values[row] = price / PRICE_UNITS_PER_ONE
            return True
        if price <= 0:
            return False
        counted = update & Update.VOLUME and size >= 0 and self._world.instruments[row].has_volume
        self._closes[row] = price
        self._volumes[row] = size if counted else _UNKNOWN_VOLUME
        return True

    def closes(self, rows: NDArray[np.int32]) -> NDArray[np.int64]:
        """Closes of both legs, int64 (2, n), 0 where there is none."""
        return np.stack(
            (self._closes[self._world.numerators[rows]], self._closes[self._world.benchmarks[rows]])
        )

    def volumes(self, rows: NDArray[np.int32]) -> NDArray[np.int64]:
        """Volumes of both legs, int64 (2, n), minus a Quality where unknown."""
        world = self._world
        volumes = np.stack((self._volumes[world.numerators[rows]], self._volumes[world.benchmarks[rows]]))
        # The benchmark's calendar is the pair's; a numerator on another one has no volume of that session.
        volumes[0, ~self._same_day[rows]] = -int(Quality.NO_SESSION)
        return volumes

    def series(self, rows: NDArray[np.int32]) -> NDArray[np.float64]:
        """Values of each role's series, float64 (roles, n), NaN where there is none."""
        values = np.full((len(SERIES_CLASSES), len(rows)), np.nan)
        for role, instruments in enumerate(self._world.series):
            known = instruments[rows] >= 0
            values[role, known] = self._values[instruments[rows][known]]
        return values

    def clear(self) -> None:
        """The session has ended."""
        self._closes[:] = 0
        self._volumes[:] = _UNKNOWN_VOLUME
        self._values[:] = np.nan
