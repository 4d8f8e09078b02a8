"""A held record, and the record that replaces dropped ones."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.model.frames import HEADER_BYTES, MAX_RECORDS, decode_frame, encode_frame
from core.model.records import NO_INSTRUMENT, TICK, GapCause, TickKind
from producers.framing.outlet import Headers

OVERHEAD_BYTES: Final = 320
"""Python's memory overhead per record; measured by `tests.bench producer_hold`."""


class Held:
    """One record in the hold buffer.

    Args:
        slot: Its partition of the ticks topic, or SIDE.
        topic: Target topic.
        key: Record key.
        value: Record value.
        headers: Record headers.
        partition: Target partition, None if the key determines it.
        since_s: Monotonic time at which it was added, s.
    """

    __slots__ = ("done", "headers", "key", "partition", "since_s", "size", "slot", "topic", "value")

    def __init__(
        self,
        slot: int,
        topic: str,
        key: bytes | None,
        value: bytes,
        headers: Headers,
        partition: int | None,
        since_s: float,
    ) -> None:
        self.slot = slot
        self.topic = topic
        self.key = key
        self.value = value
        self.headers = headers
        self.partition = partition
        self.since_s = since_s
        self.size = len(value) + OVERHEAD_BYTES
        self.done = False

    @property
    def is_stretch(self) -> bool:
        """Whether it replaces dropped frames."""
        return False

    def payload(self) -> bytes:
        """Return the bytes to send."""
        return self.value


class Stretch(Held):
    """Replaces a run of dropped frames of one partition."""

    __slots__ = ("_epoch", "_first", "_mark", "_sequence", "_source", "_statuses")

    def __init__(self, first: Held) -> None:
        super().__init__(
            first.slot, first.topic, first.key, b"", first.headers, first.partition, first.since_s
        )
        self._statuses: dict[int, NDArray[np.void]] = {}
        self._mark: NDArray[np.void] | None = None
        self._first: NDArray[np.void] | None = None
        self._source = self._epoch = self._sequence = 0

    @property
    def is_stretch(self) -> bool:
        """Always true."""
        return True

    def absorb(self, held: Held) -> int:
        """Replace one more frame, the next in order; return the number of ticks lost with it."""
        header, ticks = decode_frame(held.payload())
        self._source, self._epoch, self._sequence = header.source, header.epoch, header.sequence
        if self._first is None:
            self._first = ticks[:1].copy()
        kinds = ticks["kind"]
        marks = np.flatnonzero(kinds == TickKind.CLOCK)
        if len(marks):
            self._mark = ticks[marks[-1] : marks[-1] + 1].copy()
        for row in np.flatnonzero(kinds == TickKind.STATUS).tolist():
            self._statuses[int(ticks["instrument_id"][row])] = ticks[row : row + 1].copy()
        self.since_s = held.since_s
        self.size = OVERHEAD_BYTES + HEADER_BYTES + TICK.itemsize * (2 + len(self._statuses))
        return int(np.count_nonzero(ticks["instrument_id"] != NO_INSTRUMENT))

    def payload(self) -> bytes:
        """Return the frame that is sent in place of the dropped ones."""
        assert self._first is not None  # noqa: S101 - a stretch is created with its first frame
        gap = np.zeros(1, TICK)
        gap["ts_event"] = self._first["ts_event"]
        gap["ts_recv"] = self._first["ts_recv"]
        gap["instrument_id"] = NO_INSTRUMENT
        gap["kind"] = TickKind.GAP
        gap["source"] = self._source
        gap["trade_id"] = GapCause.HOLD_OVERFLOW
        statuses = list(self._statuses.values())[-(MAX_RECORDS - 2) :]
        marks = [] if self._mark is None else [self._mark]
        return encode_frame(
            np.concatenate([gap, *statuses, *marks]),
            source=self._source,
            epoch=self._epoch,
            sequence=self._sequence,
        )
