"""A partition's log, made from a recording by the producer's own parts, without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from core.model.conditions import decide
from core.model.instruments import Instrument, Universe
from core.model.records import NO_INSTRUMENT, TICK, TickKind
from core.model.sessions import Calendar
from producers.framing.framer import Framer
from producers.ingest.clock import ClockMode, FeedClock
from producers.replay.recording import Recording


def recorded_ticks(recording: Recording, universe: Universe, source_id: int) -> NDArray[np.void]:
    """Turn a recording into ticks, as a feed's codec would.

    Args:
        recording: Trades in event-time order; symbols the universe lacks are left out.
        universe: Gives ids and listing exchanges.
        source_id: Source of the ticks.

    Returns:
        TICK (n,).
    """
    known: dict[str, Instrument] = {i.symbol: i for i in universe.instruments}
    rows = np.array([symbol in known for symbol in recording.symbols], np.bool_)
    trades = recording.trades[rows[recording.trades["symbol"]]]
    ids = np.array([known[s].instrument_id if s in known else 0 for s in recording.symbols], np.uint32)
    updates = np.zeros((len(recording.symbols), len(recording.prints)), np.uint8)
    for number, symbol in enumerate(recording.symbols):
        for code, print_ in enumerate(recording.prints):
            if symbol in known:
                listed = known[symbol].is_listed_at(print_.exchange)
                updates[number, code] = decide(
                    print_.tape, print_.conditions, from_listing_exchange=listed
                ).update
    ticks = np.zeros(len(trades), TICK)
    for name in ("ts_event", "price", "trade_id"):
        ticks[name] = trades[name]
    ticks["ts_recv"] = trades["ts_event"]
    ticks["size"] = trades["size"].astype(np.int64) * 1_000_000_000
    ticks["instrument_id"] = ids[trades["symbol"]]
    ticks["update"] = updates[trades["symbol"], trades["print"]]
    ticks["kind"] = TickKind.TRADE
    ticks["source"] = source_id
    return ticks


def with_marks(
    ticks: NDArray[np.void], universe: Universe, source_id: int, calendars: Sequence[Calendar]
) -> NDArray[np.void]:
    """Put the clock marks of a recorded feed between ticks, the end of the recording included."""
    source = next(s for s in universe.sources if s.source_id == source_id)
    clock = FeedClock(source, calendars, mode=ClockMode.RECORDED)
    passed, ended = clock.advance(ticks), clock.finish()
    assert not passed.rejects
    assert not ended.rejects
    return np.concatenate([passed.ticks, ended.ticks])


def frames_of(
    streams: Mapping[int, NDArray[np.void]],
    universe: Universe,
    partitions: int,
    *,
    flush_records: int = 512,
    epoch: int = 1,
) -> dict[int, list[bytes]]:
    """Cut streams into frames, one source after the other.

    Args:
        streams: source id → TICK (n,), in the order in which the sources write.
        universe: Decides the routes.
        partitions: Number of partitions.
        flush_records: Records a frame.
        epoch: Epoch of every source.

    Returns:
        partition → payloads in order.
    """
    log: dict[int, list[bytes]] = {partition: [] for partition in range(partitions)}
    for source_id, ticks in streams.items():
        framer = Framer(
            universe, partitions=partitions, source_id=source_id, epoch=epoch, flush_records=flush_records
        )
        for frame in (*framer.add(ticks, 0.0), *framer.flush()):
            log[frame.partition].append(frame.payload)
    return log


def mark(ts_event: int, source_id: int) -> NDArray[np.void]:
    """One clock mark."""
    record = np.zeros(1, TICK)
    record["ts_event"] = record["ts_recv"] = ts_event
    record["instrument_id"] = NO_INSTRUMENT
    record["kind"] = TickKind.CLOCK
    record["source"] = source_id
    return record
