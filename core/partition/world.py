"""Layout of one partition: rows of instruments, sources, calendars and pairs.

Everything here is derived from the universe and the partition number and is not part of a snapshot.
While an engine runs only calendars change: event time extends them, without moving rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.model.errors import UniverseError
from core.model.instruments import Instrument, Pair, Source, Universe
from core.model.routing import home
from core.model.scale import PairScales, pair_scales
from core.model.sessions import Calendar
from core.model.universe_file import SERIES_CLASSES
from core.model.windows import WindowStarts, window_starts


@dataclass(frozen=True, slots=True, eq=False)
class PairBlock:
    """Pairs that share one clock and one calendar; their rows are [start, stop).

    Args:
        start: First pair row.
        stop: One past the last.
        source_rows: Rows of the two legs' sources; the clock is the lower of theirs.
        calendar_row: Row of the benchmark's calendar, which a pair follows.
        rows: int32 (stop - start,): the rows, for kernels.
    """

    start: int
    stop: int
    source_rows: tuple[int, int]
    calendar_row: int
    rows: NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class PartitionWorld:
    """One partition's instruments, sources, calendars and pairs as rows.

    Args:
        partition: Number of the partition.
        partitions: Number of partitions of the topic generation.
        universe: Source of the rows.
        sources: In row order.
        instruments: Home instruments, the benchmark tape and all series, in row order.
        instrument_ids: int32 (rows,).
        is_home: bool (rows,).
        row_of_id: int32 (highest id + 1,): instrument id → row, -1 where not ours.
        calendars: In row order; copies, because the engine's event time extends them.
        window_starts: Per calendar; see `starts_of`.
        pairs: In row order: blocks are contiguous.
        numerators: int32 (pairs,): row of each pair's numerator.
        benchmarks: int32 (pairs,): row of each pair's benchmark.
        series: int32 (roles, pairs): row of each pair's series in each role of SERIES_CLASSES, -1 if
            none. The rate with the lowest id serves all pairs; a flow serves its numerator's pairs.
        blocks: Pairs by clock and calendar.
        scales: Scale factors of the pairs.
    """

    partition: int
    partitions: int
    universe: Universe
    sources: tuple[Source, ...]
    instruments: tuple[Instrument, ...]
    instrument_ids: NDArray[np.int32]
    is_home: NDArray[np.bool_]
    row_of_id: NDArray[np.int32]
    calendars: tuple[Calendar, ...]
    window_starts: list[WindowStarts]
    pairs: tuple[Pair, ...]
    numerators: NDArray[np.int32]
    benchmarks: NDArray[np.int32]
    series: NDArray[np.int32]
    blocks: tuple[PairBlock, ...]
    scales: PairScales

    def source_row(self, source_id: int) -> int:
        """Row of a source, -1 if unknown."""
        for row, source in enumerate(self.sources):
            if source.source_id == source_id:
                return row
        return -1

    def calendar_row(self, name: str) -> int:
        """Row of a calendar."""
        return next(row for row, calendar in enumerate(self.calendars) if calendar.name == name)

    def row_of(self, instrument_id: int) -> int:
        """Row of an instrument; -1 if it is not ours."""
        return int(self.row_of_id[instrument_id]) if instrument_id < len(self.row_of_id) else -1

    def starts_of(self, calendar_row: int) -> WindowStarts:
        """Return the window starts of every session, for the current calendar."""
        calendar, starts = self.calendars[calendar_row], self.window_starts[calendar_row]
        if len(starts.days) < len(calendar):
            starts = self.window_starts[calendar_row] = window_starts(calendar)
        return starts


def _local_instruments(universe: Universe, partition: int, partitions: int) -> tuple[Instrument, ...]:
    tape = {instrument.instrument_id for instrument in universe.benchmarks}
    return tuple(
        instrument
        for instrument in universe.instruments
        if home(instrument.instrument_id, partitions) == partition
        or instrument.instrument_id in tape
        or instrument.is_series
    )


def _local_pairs(universe: Universe, partition: int, partitions: int) -> list[Pair]:
    return [
        pair
        for pair in universe.pairs
        if home(universe.instrument(pair.numerator).instrument_id, partitions) == partition
    ]


def _series_rows(instruments: Sequence[Instrument], pairs: Sequence[Pair]) -> NDArray[np.int32]:
    rows: NDArray[np.int32] = np.full((len(SERIES_CLASSES), len(pairs)), -1, np.int32)
    for row, instrument in reversed(list(enumerate(instruments))):
        if instrument.is_series:
            role = SERIES_CLASSES.index(instrument.asset_class)
            for number, pair in enumerate(pairs):
                if instrument.asset_class == "rate" or instrument.group == pair.numerator:
                    rows[role, number] = row
    return rows


def _scales(universe: Universe, pairs: Sequence[Pair]) -> PairScales:
    legs = [
        [universe.instrument(pair.numerator) for pair in pairs],
        [universe.instrument(pair.benchmark) for pair in pairs],
    ]
    return pair_scales(
        [[leg.price_exponent for leg in side] for side in legs],
        [[leg.size_exponent for leg in side] for side in legs],
    )


def build_world(
    universe: Universe, calendars: Mapping[str, Calendar], *, partition: int, partitions: int
) -> PartitionWorld:
    """Lay out one partition.

    Args:
        universe: All instruments and pairs.
        calendars: All calendars of the universe.
        partition: Number of the partition.
        partitions: Number of partitions of the topic generation.

    Returns:
        The layout.

    Raises:
        UniverseError: A calendar is missing.
    """
    instruments = _local_instruments(universe, partition, partitions)
    names = sorted({instrument.calendar for instrument in universe.instruments})
    missing = [name for name in names if name not in calendars]
    if missing:
        raise UniverseError(f"no calendar was supplied for {', '.join(missing)}")
    ids = np.array([instrument.instrument_id for instrument in instruments], np.int32)
    row_of_id = np.full(int(ids.max(initial=0)) + 1, -1, np.int32)
    row_of_id[ids] = np.arange(len(ids), dtype=np.int32)
    source_rows = {source.name: row for row, source in enumerate(universe.sources)}
    calendar_rows = {name: row for row, name in enumerate(names)}

    def key(pair: Pair) -> tuple[int, int, int]:
        numerator, benchmark = universe.instrument(pair.numerator), universe.instrument(pair.benchmark)
        return (
            source_rows[numerator.source],
            source_rows[benchmark.source],
            calendar_rows[benchmark.calendar],
        )

    pairs = sorted(_local_pairs(universe, partition, partitions), key=key)
    keys = [key(pair) for pair in pairs]
    blocks = []
    for block_key in sorted(set(keys)):
        start = keys.index(block_key)
        stop = start + keys.count(block_key)
        rows = np.arange(start, stop, dtype=np.int32)
        blocks.append(PairBlock(start, stop, block_key[:2], block_key[2], rows))
    tables = tuple(calendars[name].copy() for name in names)
    return PartitionWorld(
        partition=partition,
        partitions=partitions,
        universe=universe,
        sources=universe.sources,
        instruments=instruments,
        instrument_ids=ids,
        is_home=np.array(
            [home(instrument.instrument_id, partitions) == partition for instrument in instruments], np.bool_
        ),
        row_of_id=row_of_id,
        calendars=tables,
        window_starts=[window_starts(calendar) for calendar in tables],
        pairs=tuple(pairs),
        numerators=np.array(
            [row_of_id[universe.instrument(p.numerator).instrument_id] for p in pairs], np.int32
        ),
        benchmarks=np.array(
            [row_of_id[universe.instrument(p.benchmark).instrument_id] for p in pairs], np.int32
        ),
        series=_series_rows(instruments, pairs),
        blocks=tuple(blocks),
        scales=_scales(universe, pairs),
    )
