"""Detects producer takeovers, missing frames and repeated frames from frame headers.

A worker handles all three (see `PartitionEngine`): the first two make prices unknown until the next
trade, a repeat is dropped. None of them is a record of its own, so a listing of records would not show them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from core.kafka.records import Record
from core.model.frames import decode_frame
from core.model.records import NO_INSTRUMENT


class Continuity:
    """Compares each frame with the previous one of the same source and partition.

    Args:
        sources: Source id → name; an id without a name is shown as a number.
    """

    def __init__(self, sources: Mapping[int, str]) -> None:
        self._sources = sources
        self._last: dict[tuple[int, int], tuple[int, int]] = {}
        # A takeover concerns the prices of an earlier epoch; marks have none.
        self._with_prices: set[tuple[int, int]] = set()

    def findings(self, record: Record) -> Iterator[str]:
        """Yield one line per finding about a frame.

        Args:
            record: The next record of its partition.

        Raises:
            FrameError: The record is not a valid frame.
        """
        header, ticks = decode_frame(record.value)
        place = (record.partition, header.source)
        had_prices = place in self._with_prices
        if np.any(ticks["instrument_id"] != NO_INSTRUMENT):
            self._with_prices.add(place)
        if place not in self._last:
            self._last[place] = header.epoch, header.sequence
            return
        epoch, sequence = self._last[place]
        source = self._sources.get(header.source, str(header.source))
        if header.epoch < epoch:
            yield f"source {source}: epoch {header.epoch} is older than {epoch}: workers drop this frame"
            return
        if header.epoch > epoch:
            if had_prices:
                yield (
                    f"source {source}: another producer took over, epoch {epoch} to {header.epoch}: "
                    "prices are unknown until the next trade"
                )
            sequence = -1
        if header.epoch == epoch and header.sequence <= sequence:
            yield f"source {source}: frame {header.sequence} is a repeat: workers drop it"
            return
        if header.sequence > sequence + 1:
            missing = header.sequence - sequence - 1
            yield f"source {source}: {missing:,} frames are missing before frame {header.sequence}"
        self._last[place] = header.epoch, header.sequence
