"""One record that waits for the broker, and what stands for records that were dropped."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.model.frames import HEADER_BYTES, MAX_RECORDS, decode_frame, encode_frame
from core.model.records import NO_INSTRUMENT, TICK, GapCause, TickKind
from producers.framing.outlet import Headers

OVERHEAD_BYTES: Final = 320
"""What Python needs for a record besides its value; measured by `tests.bench producer_hold`."""


class Held:
    """One record that is held.

    Args:
        slot: Its partition of the ticks topic, or SIDE.
        topic: Where it goes.
        key: Its key.
        value: Its bytes.
        headers: Its headers.
        partition: The partition it must go to, None where the key decides.
        since_s: Monotonic time at which it came.
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
        """Whether it stands for dropped frames."""
        return False

    def payload(self) -> bytes:
        """The bytes to send."""
        return self.value


class Stretch(Held):
    """Stands for frames of one partition that were dropped."""

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
        """Always."""
        return True

    def absorb(self, held: Held) -> int:
        """Stand for one more frame, the next in order; give the number of ticks that are lost with it."""
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
        """The frame that stands in the log in place of the dropped ones."""
        assert self._first is not None  # noqa: S101 - a stretch is made with its first frame
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
