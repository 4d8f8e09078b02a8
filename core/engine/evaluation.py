"""What is decided for the pairs of a partition: definitions, then life cycles, then events.

The order is fixed here, so live, replay and history cannot differ: values first, verdicts from those
values, transitions from those verdicts, events from those transitions.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from core.definitions.answers import allocate_answers
from core.definitions.catalogue import Catalogue
from core.definitions.definition import Definition
from core.definitions.lifecycle import LifeCycle
from core.definitions.watch import Watch, WatchGroup, make_watch
from core.engine.pair_values import PairValues
from core.engine.published_versions import PublishedVersions, version_of
from core.events.events import Event
from core.events.lookups import Lookups, NoLookups
from core.events.payload import build_event, leg_figures
from core.events.summary import LegNames
from core.indicators.base import RingStep
from core.model.errors import CatalogueError
from core.model.instruments import Pair
from core.model.records import NANOSECONDS_PER_SECOND, Frequency
from core.model.sessions import calendars_digest
from core.partition.world import PartitionWorld

Emit = Callable[[Event], None]


class PairEvaluator(PairValues):
    """Verdicts, episodes and events of all pairs of a partition, over their values.

    Args:
        world: The partition's rows.
        catalogue: The definitions.
        lookups: Base rates and tags for events.

    Raises:
        CatalogueError: A definition names an unknown pair.
    """

    def __init__(self, world: PartitionWorld, catalogue: Catalogue, lookups: Lookups | None = None) -> None:
        super().__init__(world)
        self.catalogue = catalogue
        pairs = len(world.pairs)
        self.watches = [self._watch(number, d) for number, d in enumerate(catalogue.definitions)]
        self.lifecycle = LifeCycle(
            [watch.rule for watch in self.watches],
            np.array([watch.wanted for watch in self.watches], np.bool_).reshape(len(self.watches), pairs),
        )
        self._answers = allocate_answers(len(self.watches), pairs)
        self._daily = self._group(Frequency.DAY)
        self._minutely = self._group(Frequency.MINUTE)
        self.published: PublishedVersions = {}
        """What readers know under another version; replaced as a whole."""
        self._digests = {
            "catalogue": catalogue.digest[:16],
            "universe": world.universe.digest[:16],
            "calendars": calendars_digest(world.calendars)[:16],
        }
        self._names = [self._leg_names(pair) for pair in world.pairs]
        self.look_up_in(lookups or NoLookups())

    def look_up_in(self, lookups: Lookups) -> None:
        """Take base rates, rarity and tags of the events from here on from other artefacts."""
        self.lookups = lookups
        self.provenance = {**self._digests, **lookups.digests}

    def _leg_names(self, pair: Pair) -> LegNames:
        symbols = {"numerator": pair.numerator, "benchmark": pair.benchmark}
        universe = self.world.universe
        return LegNames({leg: universe.instrument(symbol).spoken for leg, symbol in symbols.items()}, symbols)

    def _watch(self, number: int, definition: Definition) -> Watch:
        for name in definition.pairs:
            try:
                self.world.universe.pair(name)
            except Exception as error:
                raise CatalogueError(f"definition {definition.definition_id!r}: {error}") from error
        return make_watch(number, definition, self.world, self.row_of)

    def _group(self, frequency: Frequency) -> WatchGroup:
        watches = [watch for watch in self.watches if watch.definition.frequency == frequency]
        return WatchGroup(watches, self._answers, self.row_of)

    @override
    def adjust(self, rows: NDArray[np.int32], side: int, numerator: int, denominator: int) -> None:
        super().adjust(rows, side, numerator, denominator)
        for watch in self.watches:
            levels = self.lifecycle.levels[watch.rule.number]
            levels[rows] *= watch.level_factor(side, numerator / denominator)

    def minute(
        self,
        step: RingStep,
        session: int,
        ts_event_ns: int,
        emit: Emit,
        *,
        closing: bool,
        behind: NDArray[np.int32],
    ) -> None:
        """Evaluate what is due every minute, including the session in progress.

        Args:
            step: The minute ring.
            session: Days since 1970-01-01.
            ts_event_ns: End of the minute.
            emit: Called with each event.
            closing: Whether this is the session's last minute.
            behind: int32 (n,): pairs for which this session has been decided by the history; only
                definitions of minutes are evaluated for them.
        """
        self.evaluate_minute(step, session, ts_event_ns, behind)
        rows = np.setdiff1d(step.rows, behind) if len(behind) else step.rows
        self._provisional(rows, session, ts_event_ns, emit)
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
        self.evaluate_day(rows, session, ts_event_ns)
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
        self.append_day(rows, session)

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
            self._names[row],
            self.lifecycle.episodes[watch.rule.number, row],
            self.values[:, row],
            self.quality[:, row],
            leg_figures(self.prices, self.bases, row, self.world.scales),
            int(starts[row]),
            session,
            self.provenance,
            self.lookups,
        )

    def _version(self, watch: Watch, pair: str, episode: int) -> str:
        if not self.published:
            return watch.version
        return version_of(self.published, watch.definition.definition_id, pair, episode, watch.version)
