"""A copy of what a scrape shows of a partition.

Copying takes a few milliseconds and needs the engine to stand still; everything else, such as choosing pairs
and writing text, works on the copy while the engine goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.definitions.definition import Definition
from core.definitions.life_pass import FLIPS, STEPS_TO_CONFIRM
from core.engine.evaluation import PairEvaluator
from core.indicators.exported import EXPORTED
from core.model.calendar import Calendar
from core.model.instruments import Pair
from core.model.records import NANOSECONDS_PER_SECOND, EventState, Frequency
from core.partition.state import COUNTERS, InstrumentState
from core.partition.world import PartitionWorld

EXPOSED_KEYS: Final[tuple[str, ...]] = tuple(EXPORTED)
"""Output keys of the rows of `Exposed.values`."""

_IDLE: Final = int(EventState.IDLE)
_CANDIDATE: Final = int(EventState.CANDIDATE)
_OPEN: Final = (int(EventState.OPENED), int(EventState.CONFIRMED))


@dataclass(frozen=True, slots=True, eq=False)
class Exposed:
    """Values, open episodes and counts of one partition at one moment.

    Args:
        pairs: In row order.
        definitions: Those in force, in row order.
        calendars: Calendars of the universe.
        sources: Names of the sources.
        values: float64 (len(EXPOSED_KEYS), pairs), NaN where unknown.
        quality: uint8 of the same shape: `Quality` codes.
        as_of_ns: int64 (frequencies, pairs): event time of the values, 0 before the first.
        open_rows: int64 (2, n): definition and pair of each open episode and candidate.
        open_states: uint8 (n,): `EventState` codes.
        begun_ns: int64 (n,): event time at which it became a candidate or was opened, ns UTC.
        records: int64 (sources, len(COUNTERS)): records since this engine was made.
        steps_to_confirm: int64 (definitions,).
        flips: int64 (definitions,).
    """

    pairs: tuple[Pair, ...]
    definitions: tuple[Definition, ...]
    calendars: tuple[Calendar, ...]
    sources: tuple[str, ...]
    values: NDArray[np.float64]
    quality: NDArray[np.uint8]
    as_of_ns: NDArray[np.int64]
    open_rows: NDArray[np.int64]
    open_states: NDArray[np.uint8]
    begun_ns: NDArray[np.int64]
    records: NDArray[np.int64]
    steps_to_confirm: NDArray[np.int64]
    flips: NDArray[np.int64]

    @property
    def opened_per_pair(self) -> NDArray[np.int64]:
        """Number of open episodes and candidates, int64 (pairs,)."""
        return np.bincount(self.open_rows[1], minlength=len(self.pairs)).astype(np.int64)


def expose(
    world: PartitionWorld, state: InstrumentState, evaluator: PairEvaluator, counted_before: NDArray[np.int64]
) -> Exposed:
    """Copy what a scrape shows; the values of the latest second must be settled.

    Args:
        world: The partition's rows.
        state: State of instruments and sources.
        evaluator: State of pairs.
        counted_before: int64 (sources, len(COUNTERS)): counts that the engine was restored with.

    Returns:
        The copy; it shares only what does not change.
    """
    rows = [evaluator.row_of(key) for key in EXPOSED_KEYS]
    episodes, tally = evaluator.lifecycle.episodes, evaluator.lifecycle.tally
    definitions = tuple(watch.definition for watch in evaluator.watches)
    states = episodes["state"]
    candidates = (states == _IDLE) & (episodes["candidate"] == 1)
    found = np.array(np.nonzero(candidates | np.isin(states, _OPEN)), np.int64)
    opened = episodes[found[0], found[1]]
    is_candidate = opened["state"] == _IDLE
    return Exposed(
        pairs=world.pairs,
        definitions=definitions,
        calendars=world.calendars,
        sources=tuple(source.name for source in world.sources),
        values=evaluator.values[rows],
        quality=evaluator.quality[rows],
        as_of_ns=evaluator.as_of_ns.copy(),
        open_rows=found,
        open_states=np.where(is_candidate, _CANDIDATE, opened["state"]).astype(np.uint8),
        begun_ns=np.where(
            is_candidate, opened["first_true_ns"], _opened_ns(world, definitions, found, opened)
        ),
        records=source_counts(state) - counted_before,
        steps_to_confirm=tally[:, STEPS_TO_CONFIRM].copy(),
        flips=tally[:, FLIPS].copy(),
    )


def source_counts(state: InstrumentState) -> NDArray[np.int64]:
    """Return records by source and outcome, int64 (sources, len(COUNTERS))."""
    return np.stack([state.sources[f"count_{outcome}"] for outcome in COUNTERS], axis=1).astype(np.int64)


def _opened_ns(
    world: PartitionWorld,
    definitions: Sequence[Definition],
    found: NDArray[np.int64],
    opened: NDArray[np.void],
) -> NDArray[np.int64]:
    """Event time of the openings: an episode is named after its session, or after its second."""
    episodes = opened["episode"]
    times: NDArray[np.int64] = episodes * NANOSECONDS_PER_SECOND
    daily = np.array([each.frequency == Frequency.DAY for each in definitions], np.bool_)[found[0]]
    for block in world.blocks:
        own = daily & (found[1] >= block.start) & (found[1] < block.stop)
        calendar = world.calendars[block.calendar_row]
        rows = np.searchsorted(calendar.session, episodes[own])
        times[own] = calendar.close_ns[np.minimum(rows, len(calendar) - 1)]
    return times
