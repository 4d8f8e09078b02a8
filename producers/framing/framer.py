"""Routes ticks to partitions and cuts frames when they are full or old enough.

An instrument's ticks go to its home partition, the benchmark tape to all partitions, and records
that concern the whole source (marks, gaps) also to all partitions. The input order is preserved
within a partition.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.model.errors import ConfigurationError
from core.model.frames import MAX_RECORDS, encode_frame
from core.model.instruments import Universe
from core.model.records import NO_INSTRUMENT, TICK
from core.model.routing import routes
from producers.framing.rows import take, words

DENSE_IDS: Final = 1 << 20
"""Instrument ids below this are looked up in a table, others by binary search (ten times slower)."""

FLUSH_RECORDS: Final = 512
"""Default records per frame: larger frames gain little, smaller ones slow the worker down considerably."""


class Frame(NamedTuple):
    """One frame, ready to send.

    Args:
        partition: Target partition.
        payload: Header and records.
    """

    partition: int
    payload: bytes


class Framer:
    """Buffers ticks per partition and cuts them into frames.

    Args:
        universe: Determines the partitions of an instrument's ticks.
        partitions: Number of partitions of the ticks topic.
        source_id: Source in the frame headers.
        epoch: Producer epoch of the source: higher than that of any earlier run.
        flush_records: A frame is cut at this many records, 1 to 1,024.
        max_age_ms: A frame is cut when its oldest record has waited this long.

    Raises:
        ConfigurationError: `flush_records` exceeds the maximum per frame.
    """

    def __init__(
        self,
        universe: Universe,
        *,
        partitions: int,
        source_id: int,
        epoch: int,
        flush_records: int = FLUSH_RECORDS,
        max_age_ms: float = 10,
    ) -> None:
        if not 1 <= flush_records <= MAX_RECORDS:
            raise ConfigurationError(f"a frame holds 1 to {MAX_RECORDS} records, not {flush_records}")
        self._partitions = partitions
        self._source_id = source_id
        self._epoch = epoch
        self._flush_records = flush_records
        self._max_age_ms = max_age_ms
        self._routes = _RouteTable(universe, partitions)
        self._records = np.zeros((partitions, flush_records), TICK)
        self._words = words(self._records).reshape(partitions, flush_records, -1)
        self._filled = [0] * partitions
        self._opened_ms = [0.0] * partitions
        self._sequence = [0] * partitions

    def add(self, ticks: NDArray[np.void], now_ms: float) -> list[Frame]:
        """Add ticks and return the frames they fill.

        Args:
            ticks: TICK (n,), in order, marks included.
            now_ms: Monotonic time of the call, ms.

        Returns:
            Full frames, in send order within each partition.
        """
        frames: list[Frame] = []
        order, partitions, bounds = self._routes.fan_out(ticks["instrument_id"])
        spread = take(ticks, order)
        for partition, start, stop in zip(partitions, bounds[:-1], bounds[1:], strict=True):
            self._append(partition, spread[start:stop], now_ms, frames)
        return frames

    def due(self, now_ms: float) -> list[Frame]:
        """Return the frames whose oldest record has waited long enough."""
        return [
            self._cut(partition)
            for partition in range(self._partitions)
            if self._filled[partition] and now_ms - self._opened_ms[partition] >= self._max_age_ms
        ]

    def flush(self) -> list[Frame]:
        """Return the remaining frames."""
        return [self._cut(partition) for partition in range(self._partitions) if self._filled[partition]]

    def next_due_ms(self) -> float | None:
        """Return when `due` will next return a frame, None if nothing is buffered."""
        opened = [at for at, filled in zip(self._opened_ms, self._filled, strict=True) if filled]
        return min(opened) + self._max_age_ms if opened else None

    def _append(self, partition: int, ticks: NDArray[np.void], now_ms: float, frames: list[Frame]) -> None:
        start = 0
        while start < len(ticks):
            filled = self._filled[partition]
            if filled == 0:
                self._opened_ms[partition] = now_ms
            taken = min(self._flush_records - filled, len(ticks) - start)
            self._words[partition, filled : filled + taken] = words(ticks[start : start + taken])
            self._filled[partition] = filled + taken
            start += taken
            if filled + taken == self._flush_records:
                frames.append(self._cut(partition))

    def _cut(self, partition: int) -> Frame:
        count = self._filled[partition]
        payload = encode_frame(
            self._records[partition, :count],
            source=self._source_id,
            epoch=self._epoch,
            sequence=self._sequence[partition],
        )
        self._sequence[partition] += 1
        self._filled[partition] = 0
        return Frame(partition, payload)


class _RouteTable:
    """Maps instrument ids to partitions, a batch at a time."""

    def __init__(self, universe: Universe, partitions: int) -> None:
        by_id = routes(universe, partitions) | {NO_INSTRUMENT: tuple(range(partitions))}
        ids = sorted(by_id)
        self._ids = np.array(ids, np.uint32)
        self._fan = np.array([len(by_id[instrument]) for instrument in ids], np.intp)
        self._first = np.cumsum(self._fan) - self._fan
        self._targets = np.array([target for instrument in ids for target in by_id[instrument]], np.int16)
        self._partitions = partitions
        self._dense: NDArray[np.intp] | None = None
        if len(ids) > 1 and ids[-2] < DENSE_IDS:
            # The entry after the greatest id is for NO_INSTRUMENT.
            self._dense = np.zeros(ids[-2] + 2, np.intp)
            self._dense[ids[:-1]] = np.arange(len(ids) - 1)
            self._dense[-1] = len(ids) - 1

    def fan_out(self, instrument_ids: NDArray[np.uint32]) -> tuple[NDArray[np.intp], list[int], list[int]]:
        """Distribute a batch over the partitions.

        Args:
            instrument_ids: Array (n,); each in the universe, or NO_INSTRUMENT.

        Returns:
            Rows of the batch, grouped by partition and in order within each; the partitions
            that receive any; and the bounds of their groups.
        """
        if self._dense is None:
            slots = np.searchsorted(self._ids, instrument_ids)
        else:
            slots = self._dense[np.minimum(instrument_ids, len(self._dense) - 1)]
        fan = self._fan[slots]
        rows = np.repeat(np.arange(len(slots)), fan)
        # Index of each copy among the copies of its row, added to the start of the row's targets.
        copy = np.arange(len(rows)) - np.repeat(np.cumsum(fan) - fan, fan)
        targets = self._targets[np.repeat(self._first[slots], fan) + copy]
        order = np.argsort(targets, kind="stable")
        counts = np.bincount(targets, minlength=self._partitions)
        partitions = np.flatnonzero(counts)
        bounds = np.concatenate([[0], np.cumsum(counts[partitions])])
        return rows[order], partitions.tolist(), bounds.tolist()
