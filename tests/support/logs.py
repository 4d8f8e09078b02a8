"""Logs written by hand: records, frames cut anywhere, and what an engine makes of them."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.engine.engine import PartitionEngine
from core.engine.snapshot import Snapshot
from core.engine.step_output import DeadLetter
from core.events.events import Event, encode_data
from core.model.frames import MAX_RECORDS, decode_frame, encode_frame
from core.model.records import NO_INSTRUMENT, PRICE_UNITS_PER_ONE, TICK, TickKind, Update
from core.model.value_frames import ValueBatch
from tests.support.worlds import FEED, HISTORY

OFFICIAL_CLOSE = Update.REGULAR | Update.OFFICIAL
"""A market centre's official close: a message without shares."""

_FRAMING_FIELDS = ("next_sequence",)
_FRAMING_ARRAYS = ("offsets",)
_FRAMING_HEAD = ("next_offset",)


class LogBuilder:
    """Collects records in the order in which the log holds them."""

    def __init__(self) -> None:
        self._records: list[NDArray[np.void]] = []
        self._trades = 0

    @property
    def records(self) -> NDArray[np.void]:
        """TICK (n,)."""
        return np.concatenate(self._records) if self._records else np.zeros(0, TICK)

    def add(
        self,
        kind: TickKind | int,
        ts_event: int,
        *,
        instrument: int = NO_INSTRUMENT,
        price: float = 0.0,
        size: float = 0.0,
        update: int = 0,
        source: int = FEED,
        trade_id: int = 0,
    ) -> None:
        """Write one record; price and size in whole units."""
        record = np.zeros(1, TICK)
        record["kind"], record["ts_event"], record["ts_recv"] = int(kind), ts_event, ts_event
        record["price"] = round(price * PRICE_UNITS_PER_ONE)
        record["size"] = round(size * PRICE_UNITS_PER_ONE)
        record["instrument_id"], record["update"] = instrument, int(update)
        record["trade_id"], record["source"] = trade_id, source
        self._records.append(record)

    def trade(
        self,
        ts_event: int,
        instrument: int,
        price: float,
        size: float = 100.0,
        *,
        update: int = Update.ALL,
        source: int = FEED,
    ) -> None:
        """Write a trade."""
        self._trades += 1
        self.add(
            TickKind.TRADE,
            ts_event,
            instrument=instrument,
            price=price,
            size=size,
            update=update,
            source=source,
            trade_id=self._trades,
        )

    def official(
        self, ts_event: int, instrument: int, price: float, *, kind: TickKind = TickKind.TRADE
    ) -> None:
        """Write an official print, or with another kind its correction or cancel."""
        self.add(kind, ts_event, instrument=instrument, price=price, update=OFFICIAL_CLOSE)

    def mark(self, ts_event: int, source: int = FEED) -> None:
        """Write a clock mark."""
        self.add(TickKind.CLOCK, ts_event, source=source)

    def gap(self, ts_event: int, source: int = FEED) -> None:
        """Write a gap mark."""
        self.add(TickKind.GAP, ts_event, source=source)

    def status(self, ts_event: int, instrument: int, *, halted: bool, source: int = FEED) -> None:
        """Write a halt or its end."""
        self.add(TickKind.STATUS, ts_event, instrument=instrument, size=float(halted), source=source)

    def baseline(
        self,
        ts_close: int,
        closes: Mapping[int, float],
        *,
        volumes: Mapping[int, float] | None = None,
        series: Mapping[int, float] | None = None,
    ) -> None:
        """Write a finished session: closes, volumes, values of series, then the end of the session."""
        for instrument, close in closes.items():
            known = instrument in (volumes or {})
            self.add(
                TickKind.BASELINE,
                ts_close,
                instrument=instrument,
                price=close,
                size=(volumes or {}).get(instrument, 0.0),
                update=Update.OFFICIAL | Update.LAST | (Update.VOLUME if known else 0),
                source=HISTORY,
            )
        for instrument, value in (series or {}).items():
            self.add(
                TickKind.BASELINE,
                ts_close,
                instrument=instrument,
                price=value,
                update=Update.SERIES,
                source=HISTORY,
            )
        self.add(TickKind.BASELINE, ts_close, source=HISTORY)


@dataclass
class Run:
    """What an engine said, in order."""

    events: list[Event] = field(default_factory=list)
    minute_bars: list[NDArray[np.void]] = field(default_factory=list)
    day_bars: list[NDArray[np.void]] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    values: list[ValueBatch] = field(default_factory=list)

    def told(self) -> tuple[list[tuple[str, bytes]], bytes, bytes, list[DeadLetter], list[bytes]]:
        """Everything, in a form that compares by value."""
        return (
            [(event.event_id, encode_data(event)) for event in self.events],
            b"".join(bars.tobytes() for bars in self.minute_bars),
            b"".join(bars.tobytes() for bars in self.day_bars),
            self.dead_letters,
            [repr((*batch[:3], *batch[-2:])).encode() + batch.records.tobytes() for batch in self.values],
        )

    def states(self, definition: str, pair: str | None = None) -> list[str]:
        """States of a definition's events."""
        return [e.state for e in self.events if e.definition == definition and pair in (None, e.pair)]

    def reasons(self) -> list[str]:
        """Reasons of the dead letters."""
        return [letter.reason for letter in self.dead_letters]


@dataclass
class Sequences:
    """The next sequence number of every source, as a producer counts it."""

    epoch: int = 1
    next: dict[int, int] = field(default_factory=dict)

    def frame(self, records: NDArray[np.void], source: int) -> bytes:
        """Make the source's next frame."""
        sequence = self.next.get(source, 0)
        self.next[source] = sequence + 1
        return encode_frame(records, source=source, epoch=self.epoch, sequence=sequence)


def cut(
    records: NDArray[np.void], cuts: Iterable[int] = (), sequences: Sequences | None = None
) -> list[bytes]:
    """Cut records into frames: at every change of source, at 1,024 records, and where told.

    Args:
        records: TICK (n,).
        cuts: Positions at which a frame begins.
        sequences: Where each source stands; counted on.

    Returns:
        Payloads in order.
    """
    sequences = sequences or Sequences()
    sources = records["source"]
    changes = (np.flatnonzero(np.diff(sources)) + 1).tolist()
    wanted = sorted({0, len(records), *changes, *(c for c in cuts if 0 < c < len(records))})
    bounds: list[int] = []
    for first, last in itertools.pairwise(wanted):
        bounds += range(first, last, MAX_RECORDS)
    bounds.append(len(records))
    return [
        sequences.frame(records[first:last], int(sources[first]))
        for first, last in itertools.pairwise(bounds)
    ]


def run(
    engine: PartitionEngine, frames: Iterable[bytes], *, first_offset: int = 0, into: Run | None = None
) -> Run:
    """Step an engine through frames.

    Args:
        engine: Changed.
        frames: Payloads in order.
        first_offset: Offset of the first.
        into: Takes what is said; a new one is made where none is given.

    Returns:
        What the engine said.
    """
    said = into or Run()
    for offset, payload in enumerate(frames, start=first_offset):
        output = engine.step(payload, offset)
        said.events += output.events
        said.minute_bars += output.minute_bars
        said.day_bars += output.day_bars
        said.dead_letters += output.dead_letters
        said.values += output.values
    return said


def run_records(
    engine: PartitionEngine, records: NDArray[np.void], sequences: Sequences | None = None
) -> Run:
    """Step an engine through records in frames as large as they may be."""
    return run(engine, cut(records, sequences=sequences))


def state_of(engine: PartitionEngine, *, without: Sequence[str] = ()) -> dict[str, str]:
    """Digest every state array but for what tells of frames.

    The log's framing stands in exactly two places of the state: `next_sequence` of a source is a
    number of frames, and `offsets` are places in the log. Nothing else may know how it was cut.

    Args:
        engine: Asked for a snapshot.
        without: Further fields of a source's state to leave out, such as `count_marks`.

    Returns:
        Name → digest, and the head under "head".
    """
    snapshot = Snapshot(engine.snapshot())
    head = {name: value for name, value in snapshot.head.items() if name not in _FRAMING_HEAD}
    digests = {"head": repr(head)}
    for section_name in snapshot.versions:
        for array_name, array in snapshot.section(section_name).arrays.items():
            if array_name in _FRAMING_ARRAYS:
                continue
            data = array
            if array_name == "sources":
                data = array.copy()
                for hidden in (*_FRAMING_FIELDS, *without):
                    data[hidden] = 0
            digests[f"{section_name}:{array_name}"] = hashlib.sha256(data.tobytes()).hexdigest()
    return digests


def records_of(payload: bytes) -> NDArray[np.void]:
    """The records of a frame."""
    return decode_frame(payload)[1]
