"""Values of all pairs of a partition: the indicator families, and the finished days they read."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.indicators import FAMILIES, DayFamily, IndicatorFamily, RingFamily
from core.indicators.base import DayStep, RingStep
from core.model.errors import CatalogueError
from core.model.records import NANOSECONDS_PER_SECOND, Frequency, Quality
from core.model.scale import LARGEST_PRICE
from core.model.universe_file import SERIES_CLASSES
from core.model.windows import DAY_WINDOWS, ends_week
from core.partition.pair_days import allocate_pair_days, append_days, find_bases, restate
from core.partition.world import PairBlock, PartitionWorld

_NOT_STORED: Final = 255
_NEVER: Final = 2**31 - 1

Column = tuple[NDArray[np.float64], NDArray[np.uint8]]
"""Values and qualities of one output, one entry per pair."""


class PairValues:
    """Values of all families in one matrix, and what they are computed from.

    Args:
        world: The partition's rows.
    """

    def __init__(self, world: PartitionWorld) -> None:
        pairs = len(world.pairs)
        self.world = world
        self.families: tuple[IndicatorFamily, ...] = tuple(family(pairs) for family in FAMILIES)
        ring_families = [f for f in self.families if isinstance(f, RingFamily)]
        self.second_families = [f for f in ring_families if f.frequency == Frequency.SECOND]
        self.minute_families = [f for f in ring_families if f.frequency == Frequency.MINUTE]
        self.day_families = [f for f in self.families if isinstance(f, DayFamily)]
        self.values, self.quality = self._join()
        self._rows = {o.key: row for row, o in enumerate(o for f in self.families for o in f.outputs)}
        self.columns: dict[str, Column] = {
            key: (self.values[row], self.quality[row]) for key, row in self._rows.items()
        }
        self.days = allocate_pair_days(pairs)
        self.prices: NDArray[np.int64] = np.full((2, pairs), -1, np.int64)
        self.volumes: NDArray[np.int64] = np.full((2, pairs), -1, np.int64)
        self.traded: NDArray[np.uint8] = np.ones((2, pairs), np.uint8)
        """1 where a volume is a sum of trades; sessions of the history set it, and put it back."""
        self.series: NDArray[np.float64] = np.full((len(SERIES_CLASSES), pairs), np.nan)
        self.bases: NDArray[np.int64] = np.zeros((len(DAY_WINDOWS), 2, pairs), np.int64)
        self.week_ends: NDArray[np.uint8] = np.zeros(pairs, np.uint8)
        self.intraday_start: NDArray[np.int32] = np.zeros(pairs, np.int32)
        self.as_of_ns: NDArray[np.int64] = np.zeros((len(Frequency), pairs), np.int64)
        self._as_of_second_ns = self.as_of_ns[Frequency.SECOND]

    def _join(self) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
        """Join the values of all families in one matrix, so that rules read any of them in one pass."""
        values = np.concatenate([family.values for family in self.families])
        quality = np.concatenate([family.quality for family in self.families])
        first = 0
        for family in self.families:
            last = first + len(family.outputs)
            family.place_outputs(values[first:last], quality[first:last])
            first = last
        return values, quality

    def row_of(self, key: str) -> int:
        """Row of an output in `values`.

        Raises:
            CatalogueError: No indicator gives it.
        """
        if key not in self._rows:
            raise CatalogueError(f"no indicator gives {key!r}; known: {', '.join(sorted(self._rows))}")
        return self._rows[key]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Pair state shared by all families and definitions, by name."""
        return {
            "prices": self.prices,
            "volumes": self.volumes,
            "bases": self.bases,
            "week_ends": self.week_ends,
            "day_closes": self.days.closes,
            "day_volumes": self.days.volumes,
            "day_traded": self.days.traded,
            "day_sessions": self.days.sessions,
            "day_counts": self.days.counts,
            "history_start": self.days.history_start,
            "intraday_start": self.intraday_start,
            "as_of": self.as_of_ns,
        }

    def resume(self) -> None:
        """Recompute derived data after the arrays have been restored."""
        self._infer_traded()
        rows = np.arange(len(self.world.pairs), dtype=np.int32)
        for family in self.day_families:
            family.forget(rows)

    def forget_traded(self) -> None:
        """Before a restore: a snapshot of an earlier release does not say which volume its days have."""
        self.days.traded[:] = _NOT_STORED

    def _infer_traded(self) -> None:
        """Where a snapshot did not say it: days since the first one in session are sums of trades."""
        stored = self.days.traded[:, 0, 0] != _NOT_STORED
        first = np.where(self.intraday_start > 0, self.intraday_start, _NEVER)
        own = self.days.sessions >= first[:, None]
        self.days.traded[~stored] = own[~stored][:, :, None]

    def warm(self, rows: NDArray[np.int32], session: int) -> None:
        """Derive now what the first look at a session would derive from the days before it.

        It is a look at the session as it stands, and what it computes is put back as it was: those
        values belong to the next minute's end.

        Args:
            rows: int32 (n,): pairs of one block.
            session: Days since 1970-01-01: the session in progress.
        """
        values, quality = self.values.copy(), self.quality.copy()
        observations = [family.observations.copy() for family in self.day_families]
        step = self._day_step(rows, session)
        for family in self.day_families:
            family.evaluate(step, commit=False)
        self.values[:], self.quality[:] = values, quality
        for family, before in zip(self.day_families, observations, strict=True):
            family.observations[:] = before

    def start_session(self, block: PairBlock, calendar_row: int, session_row: int) -> None:
        """Start a session: look up what is fixed during it, clear prices and intraday windows.

        Args:
            block: The pairs.
            calendar_row: Row of their calendar.
            session_row: Row of the session in that calendar.
        """
        self.look_up(block, calendar_row, session_row)
        self.prices[:, block.rows] = -1
        self.volumes[:, block.rows] = -1
        self.restart(block.rows)

    def restart(self, rows: NDArray[np.int32]) -> None:
        """Clear the incrementally summed intraday windows."""
        for family in self.minute_families:
            family.restart(rows)

    def look_up(self, block: PairBlock, calendar_row: int, session_row: int) -> None:
        """Derive from completed days what is fixed during a session.

        Args:
            block: The pairs.
            calendar_row: Row of their calendar.
            session_row: Row of the session in that calendar.
        """
        starts = self.world.starts_of(calendar_row)
        find_bases(
            self.days.closes,
            self.days.sessions,
            self.days.counts,
            block.rows,
            starts.days[session_row],
            starts.lags[session_row],
            self.bases,
        )
        self.week_ends[block.rows] = ends_week(self.world.calendars[calendar_row], session_row)
        step = self._day_step(block.rows, int(self.world.calendars[calendar_row].session[session_row]))
        for family in self.day_families:
            family.start_session(step)

    def adjust(self, rows: NDArray[np.int32], side: int, numerator: int, denominator: int) -> None:
        """Adjust stored daily figures of a leg for a split.

        Args:
            rows: int32 (n,): pairs with that leg.
            side: 0 numerator, 1 benchmark.
            numerator: Numerator of the factor, 1e-9 units.
            denominator: Denominator of the factor, 1e-9 units.
        """
        for row in rows:
            restate(self.days.closes[row, :, side], numerator, denominator, LARGEST_PRICE)
            restate(self.days.volumes[row, :, side], denominator, numerator)
        factor = numerator / denominator
        for family in self.families:
            family.adjust(rows, side, factor)
        for day_family in self.day_families:
            day_family.forget(rows)

    def second(self, step: RingStep) -> None:
        """Evaluate what is due every second."""
        rows = step.rows
        # A block's rows are contiguous, and a slice costs a quarter of a list of rows.
        self._as_of_second_ns[rows[0] : rows[-1] + 1] = (step.now + 1) * NANOSECONDS_PER_SECOND
        for family in self.second_families:
            family.evaluate(step, commit=True)

    def evaluate_minute(
        self, step: RingStep, session: int, ts_event_ns: int, behind: NDArray[np.int32]
    ) -> None:
        """Evaluate what is due every minute; of days, the session in progress.

        Args:
            step: The minute ring.
            session: Days since 1970-01-01.
            ts_event_ns: End of the minute.
            behind: int32 (n,): pairs whose finished days contain this session or later ones. Nothing that
                rests on them is known as of this session.
        """
        self.as_of_ns[Frequency.MINUTE :, step.rows] = ts_event_ns
        first = step.rows[self.intraday_start[step.rows] == 0]
        self.intraday_start[first] = session
        for family in self.minute_families:
            family.evaluate(step, commit=True)
        day_step = self._day_step(step.rows, session)
        for day_family in self.day_families:
            day_family.evaluate(day_step, commit=False)
            if len(behind):
                day_family.values[:, behind] = np.nan
                day_family.quality[:, behind] = int(Quality.HISTORY_AHEAD)
                day_family.observations[:, behind] = 0

    def evaluate_day(self, rows: NDArray[np.int32], session: int, ts_event_ns: int) -> None:
        """Evaluate a final session; its prices and volumes are set.

        Args:
            rows: int32 (n,): the pairs.
            session: Days since 1970-01-01.
            ts_event_ns: The session's close.
        """
        self.as_of_ns[Frequency.DAY, rows] = ts_event_ns
        step = self._day_step(rows, session)
        for family in self.day_families:
            family.evaluate(step, commit=True)

    def append_day(self, rows: NDArray[np.int32], session: int) -> None:
        """Add a final session to the finished days.

        Args:
            rows: int32 (n,): the pairs.
            session: Days since 1970-01-01.
        """
        append_days(
            self.days.closes,
            self.days.volumes,
            self.days.traded,
            self.days.sessions,
            self.days.counts,
            self.days.history_start,
            rows,
            session,
            self.prices,
            self.volumes,
            self.traded,
        )

    def _day_step(self, rows: NDArray[np.int32], session: int) -> DayStep:
        return DayStep(
            rows,
            self.prices,
            self.volumes,
            self.traded,
            self.series,
            self.bases,
            self.days,
            session,
            self.week_ends,
            self.world.scales,
        )
