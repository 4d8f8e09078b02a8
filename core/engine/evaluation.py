"""Everything computed for the pairs of a partition: families, then definitions, then life cycles.

The order is fixed here, so live, replay and history cannot differ: values first, verdicts from those
values, transitions from those verdicts, events from those transitions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.definitions.answers import allocate_answers
from core.definitions.catalogue import Catalogue
from core.definitions.definition import Definition
from core.definitions.lifecycle import LifeCycle
from core.definitions.watch import Watch, WatchGroup, make_watch
from core.engine.told_versions import ToldVersions, version_of
from core.events.events import Event
from core.events.lookups import Lookups, NoLookups
from core.events.payload import build_event, leg_figures
from core.indicators import FAMILIES, DayFamily, IndicatorFamily, RingFamily
from core.indicators.base import DayStep, RingStep
from core.model.errors import CatalogueError
from core.model.records import NANOSECONDS_PER_SECOND, Frequency
from core.model.scale import LARGEST_PRICE
from core.model.sessions import calendars_digest
from core.model.universe_file import SERIES_CLASSES
from core.model.windows import DAY_WINDOWS, ends_week
from core.partition.pair_days import allocate_pair_days, append_days, find_bases, restate
from core.partition.world import PairBlock, PartitionWorld

Emit = Callable[[Event], None]
Column = tuple[NDArray[np.float64], NDArray[np.uint8]]
"""Values and qualities of one output, one entry per pair."""


class PairEvaluator:
    """Values, verdicts and episodes of all pairs of a partition.

    Args:
        world: The partition's rows.
        catalogue: The definitions.
        lookups: Base rates and tags for events.

    Raises:
        CatalogueError: A definition names an unknown pair.
    """

    def __init__(self, world: PartitionWorld, catalogue: Catalogue, lookups: Lookups | None = None) -> None:
        pairs = len(world.pairs)
        self.world = world
        self.catalogue = catalogue
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
        self.watches = [self._watch(number, d) for number, d in enumerate(catalogue.definitions)]
        self.lifecycle = LifeCycle(
            [watch.rule for watch in self.watches],
            np.array([watch.wanted for watch in self.watches], np.bool_).reshape(len(self.watches), pairs),
        )
        self._answers = allocate_answers(len(self.watches), pairs)
        self._daily = self._group(Frequency.DAY)
        self._minutely = self._group(Frequency.MINUTE)
        self.days = allocate_pair_days(pairs)
        self.prices: NDArray[np.int64] = np.full((2, pairs), -1, np.int64)
        self.volumes: NDArray[np.int64] = np.full((2, pairs), -1, np.int64)
        self.series: NDArray[np.float64] = np.full((len(SERIES_CLASSES), pairs), np.nan)
        self.bases: NDArray[np.int64] = np.zeros((len(DAY_WINDOWS), 2, pairs), np.int64)
        self.week_ends: NDArray[np.uint8] = np.zeros(pairs, np.uint8)
        self.intraday_start: NDArray[np.int32] = np.zeros(pairs, np.int32)
        self.as_of_ns: NDArray[np.int64] = np.zeros((len(Frequency), pairs), np.int64)
        self._as_of_second_ns = self.as_of_ns[Frequency.SECOND]
        self.told: ToldVersions = {}
        """What readers know under another version; replaced as a whole."""
        self._lookups = lookups or NoLookups()
        self.provenance = {
            "catalogue": catalogue.digest[:16],
            "universe": world.universe.digest[:16],
            "calendars": calendars_digest(world.calendars)[:16],
            **self._lookups.digests,
        }

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

    def _watch(self, number: int, definition: Definition) -> Watch:
        for name in definition.pairs:
            try:
                self.world.universe.pair(name)
            except Exception as error:
                raise CatalogueError(f"definition {definition.definition_id!r}: {error}") from error
        return make_watch(number, definition, self.world, self._row_of)

    def _group(self, frequency: Frequency) -> WatchGroup:
        watches = [watch for watch in self.watches if watch.definition.frequency == frequency]
        return WatchGroup(watches, self._answers, self._row_of)

    def _row_of(self, key: str) -> int:
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
            "day_sessions": self.days.sessions,
            "day_counts": self.days.counts,
            "history_start": self.days.history_start,
            "intraday_start": self.intraday_start,
            "as_of": self.as_of_ns,
        }

    def resume(self) -> None:
        """Recompute derived data after the arrays have been restored."""
        rows = np.arange(len(self.world.pairs), dtype=np.int32)
        for family in self.day_families:
            family.forget(rows)

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
        for watch in self.watches:
            self.lifecycle.levels[watch.rule.number, rows] *= watch.level_factor(side, factor)

    def second(self, step: RingStep) -> None:
        """Evaluate what is due every second."""
        rows = step.rows
        # A block's rows are contiguous, and a slice costs a quarter of a list of rows.
        self._as_of_second_ns[rows[0] : rows[-1] + 1] = (step.now + 1) * NANOSECONDS_PER_SECOND
        for family in self.second_families:
            family.evaluate(step, commit=True)

    def minute(self, step: RingStep, session: int, ts_event_ns: int, emit: Emit, *, closing: bool) -> None:
        """Evaluate what is due every minute, including the session in progress.

        Args:
            step: The minute ring.
            session: Days since 1970-01-01.
            ts_event_ns: End of the minute.
            emit: Called with each event.
            closing: Whether this is the session's last minute.
        """
        self.as_of_ns[Frequency.MINUTE :, step.rows] = ts_event_ns
        first = step.rows[self.intraday_start[step.rows] == 0]
        self.intraday_start[first] = session
        for family in self.minute_families:
            family.evaluate(step, commit=True)
        day_step = self._day_step(step.rows, session)
        for day_family in self.day_families:
            day_family.evaluate(day_step, commit=False)
        self._provisional(step.rows, session, ts_event_ns, emit)
        if len(self._minutely.numbers):
            episode = ts_event_ns // NANOSECONDS_PER_SECOND
            for again in (False, True) if closing else (False,):
                self._decide(
                    self._minutely, step.rows, episode, session, ts_event_ns, ts_event_ns, emit, closing=again
                )

    def finish_day(
        self,
        rows: NDArray[np.int32],
        session: int,
        ts_event_ns: int,
        ts_knowable_ns: int,
        emit: Emit | None,
        *,
        history: bool = False,
    ) -> None:
        """Finalise a session for the pairs whose legs are final; their prices and volumes are set.

        The order is part of the contract: values use only earlier days, verdicts only those values,
        and the day is added to the ring last.

        Args:
            rows: int32 (n,): the pairs.
            session: Days since 1970-01-01.
            ts_event_ns: The session's close.
            ts_knowable_ns: Event time at which both legs were final.
            emit: Called with each event; None to suppress output.
            history: The session is part of the baseline: its events are not counted.
        """
        self.as_of_ns[Frequency.DAY, rows] = ts_event_ns
        step = self._day_step(rows, session)
        for family in self.day_families:
            family.evaluate(step, commit=True)
        self._decide(
            self._daily,
            rows,
            session,
            session,
            ts_event_ns,
            ts_knowable_ns,
            emit,
            closing=False,
            counted=not history,
        )
        append_days(
            self.days.closes,
            self.days.volumes,
            self.days.sessions,
            self.days.counts,
            self.days.history_start,
            rows,
            session,
            self.prices,
            self.volumes,
        )

    def _day_step(self, rows: NDArray[np.int32], session: int) -> DayStep:
        return DayStep(
            rows,
            self.prices,
            self.volumes,
            self.series,
            self.bases,
            self.days,
            session,
            self.week_ends,
            self.world.scales,
        )

    def _provisional(self, rows: NDArray[np.int32], session: int, ts_event_ns: int, emit: Emit) -> None:
        group, lifecycle = self._daily, self.lifecycle
        group.ask(self.values, self.quality, rows, lifecycle.levels, provisional=True)
        position, last = 0, len(group.numbers) * len(rows)
        while position < last:
            position, filled = lifecycle.provisional(
                group.numbers,
                rows,
                position,
                self._answers,
                episode=session,
                ts_event_ns=ts_event_ns,
            )
            if filled:
                self._emit(filled, session, emit)

    def _decide(
        self,
        group: WatchGroup,
        rows: NDArray[np.int32],
        episode: int,
        session: int,
        ts_event_ns: int,
        ts_knowable_ns: int,
        emit: Emit | None,
        *,
        closing: bool,
        counted: bool = True,
    ) -> None:
        lifecycle = self.lifecycle
        group.ask(self.values, self.quality, rows, lifecycle.levels, provisional=False)
        position, last = 0, len(group.numbers) * len(rows)
        while position < last:
            position, filled = lifecycle.final(
                group.numbers,
                rows,
                position,
                self._answers,
                episode=episode,
                session=session,
                ts_event_ns=ts_event_ns,
                ts_knowable_ns=ts_knowable_ns,
                closing=closing,
                emit=emit is not None,
                counted=counted and emit is not None,
            )
            if filled and emit is not None:
                self._emit(filled, session, emit)

    def _emit(self, filled: int, session: int, emit: Emit) -> None:
        for staged in self.lifecycle.staged[:filled]:
            emit(self.event(staged, session))

    def event(self, staged: np.void, session: int) -> Event:
        """Build the event of one transition from the current values.

        Args:
            staged: One EVENT record.
            session: Days since 1970-01-01.

        Returns:
            The event.
        """
        row = int(staged["pair"])
        watch, pair = self.watches[int(staged["definition"])], self.world.pairs[row]
        daily = watch.definition.frequency == Frequency.DAY
        starts = self.days.history_start if daily else self.intraday_start
        return build_event(
            staged,
            watch,
            self._version(watch, pair.name, int(staged["episode"])),
            pair,
            self.lifecycle.episodes[watch.rule.number, row],
            self.values[:, row],
            self.quality[:, row],
            leg_figures(self.prices, self.bases, row, self.world.scales),
            int(starts[row]),
            session,
            self.provenance,
            self._lookups,
        )

    def _version(self, watch: Watch, pair: str, episode: int) -> str:
        if not self.told:
            return watch.version
        return version_of(self.told, watch.definition.definition_id, pair, episode, watch.version)
