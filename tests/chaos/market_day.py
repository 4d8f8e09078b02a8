"""The data of the chaos program: the tape of 2013-10-08, cut into small frames for four partitions.

The catalogue's thresholds are far below what a person would set, so that every partition has an
event every few seconds of a run: a stall, a loss or a repeat then has nowhere to hide.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np

from core.model.frames import decode_frame, encode_frame
from core.model.instruments import parse_universe
from core.model.records import NANOSECONDS_PER_SECOND, PRICE_UNITS_PER_ONE, TICK, Update
from core.model.sessions import build_calendar, session_day
from producers.replay.tick_files import load_tick_files
from tests.support.real_day import DAY, DAY_BEFORE, tape_file, universe_text
from tests.support.recorded_log import frames_of, recorded_ticks, with_marks

PARTITIONS = 4
VALUE_SHARDS = 3
"""Not a divisor of the partitions: a transaction of one of them writes to several shards."""
SOURCE_ID = 1
WARM_MINUTES = 90
"""Of the session before: intraday sigmas are ready after an hour of it."""
FIRST_EPOCH = 1
"""Of the frames made from the recording."""
STALE_TICKS = 120
LIVE_SINCE_MS = 34_200_000
"""Of the day in New York: the open."""
FRAME_TICKS = 64
"""Small frames: many places at which to be disturbed."""

UNIVERSE = universe_text(("AIG/SPY", "AIG/IBM", "BAC/SPY", "BAC/IBM", "IBM/SPY", "SPY/IBM"))
HOME = {"AIG": 1, "BAC": 2, "IBM": 3, "SPY": 0}
"""Instrument id modulo partitions: where the pairs of a numerator are computed."""

_DEFINITION = """
[[definition]]
id = "spread_{name}"
family = "relative-strength"
frequency = "1m"
enter = ["relative_return_zscore:15m {enter}"]
exit = ["relative_return_zscore:15m {leave}"]
show.zscore = "relative_return_zscore:15m"
show.relative_return_pct = "relative_strength_percent:15m"
show.spread_pp = "relative_strength_pp:15m"
"""


def catalogue_text(*, without: str = "", added: str = "") -> str:
    """Definitions of many thresholds.

    Args:
        without: Id of one to leave out.
        added: Text of further ones.
    """
    return added + "".join(
        _DEFINITION.format(
            name=name,
            enter=f"{'>=' if direction > 0 else '<='} {direction * enter_cz / 100}",
            leave=f"{'<=' if direction > 0 else '>='} {direction * (enter_cz - 10) / 100}",
        )
        for direction in (-1, 1)
        for enter_cz in range(20, 140, 10)
        if (name := f"{'ahead' if direction > 0 else 'behind'}_{enter_cz}") != without.removeprefix("spread_")
    )


@dataclass(frozen=True)
class Frame:
    """One record of the ticks log before it has an offset.

    Args:
        partition: Where it goes.
        payload: Encoded frame.
        ts_event_ns: Event time of its last record.
    """

    partition: int
    payload: bytes
    ts_event_ns: int


@cache
def frames(minutes: int) -> tuple[tuple[Frame, ...], tuple[Frame, ...]]:
    """The log: what warms the state up, and what is streamed afterwards.

    Args:
        minutes: Of the session of 2013-10-08; 390 is all of it.

    Returns:
        The end of the day before, and the day itself up to that minute, both in event-time order.
    """
    universe = parse_universe(UNIVERSE)
    calendar = build_calendar("XNYS", date(2013, 9, 2), date(2013, 10, 31))
    paths = [tape_file(symbol, day) for symbol in HOME for day in (DAY_BEFORE, DAY)]
    ticks = recorded_ticks(load_tick_files(paths), universe, SOURCE_ID)
    close_before = int(calendar.close_ns[calendar.row_of(session_day(DAY_BEFORE))])
    opens = int(calendar.open_ns[calendar.row_of(session_day(DAY))])
    since = close_before - WARM_MINUTES * 60 * NANOSECONDS_PER_SECOND
    until = opens + minutes * 60 * NANOSECONDS_PER_SECOND
    if minutes >= 390:
        until = int(ticks["ts_event"][-1]) + 1
    ticks = ticks[(ticks["ts_event"] >= since) & (ticks["ts_event"] < until)]
    marked = with_marks(ticks, universe, SOURCE_ID, [calendar])
    by_partition = frames_of({SOURCE_ID: marked}, universe, PARTITIONS, flush_records=FRAME_TICKS)
    every = [
        Frame(partition, payload, int(decode_frame(payload)[1]["ts_event"][-1]))
        for partition, payloads in by_partition.items()
        for payload in payloads
    ]
    every.sort(key=lambda each: each.ts_event_ns)
    start = int(np.searchsorted([each.ts_event_ns for each in every], opens))
    return tuple(every[:start]), tuple(every[start:])


def write_session_files(directory: Path) -> list[Path]:
    """Write the recording without what traded before the open, for a vendor that plays it live."""
    written = []
    for symbol in HOME:
        recorded = tape_file(symbol)
        with gzip.open(recorded, "rt") as stream:
            head, *rows = stream
        path = directory / recorded.name
        with gzip.open(path, "wt", compresslevel=1) as stream:
            stream.writelines([head, *(row for row in rows if int(row.split(",", 3)[2]) >= LIVE_SINCE_MS)])
        written.append(path)
    return written


def stale_frame(partition: int, ts_event_ns: int) -> bytes:
    """A frame as of a producer that another has replaced: ticks of these moments, at absurd prices.

    Args:
        partition: Whose instrument it speaks of.
        ts_event_ns: Event time up to which the log stands; the frame goes on from there, so that
            some tick of it finds its second still open, however long the frame is on its way.
    """
    (instrument_id,) = [
        each.instrument_id for each in parse_universe(UNIVERSE).instruments if HOME[each.symbol] == partition
    ]
    ticks = np.zeros(STALE_TICKS, TICK)
    ticks["ts_event"] = ts_event_ns + np.arange(STALE_TICKS) * NANOSECONDS_PER_SECOND
    ticks["ts_recv"] = ticks["ts_event"]
    ticks["price"] = 10_000 * PRICE_UNITS_PER_ONE
    ticks["size"] = 100 * PRICE_UNITS_PER_ONE
    ticks["trade_id"] = np.arange(STALE_TICKS) + 1
    ticks["instrument_id"] = instrument_id
    ticks["update"] = Update.ALL
    ticks["source"] = SOURCE_ID
    return encode_frame(ticks, source=SOURCE_ID, epoch=FIRST_EPOCH - 1, sequence=0)


def write_definitions(directory: Path) -> tuple[Path, Path]:
    """Write universe and catalogue as files for a worker's command line; gives their paths."""
    universe, catalogue = directory / "universe.toml", directory / "catalogue.toml"
    universe.write_text(UNIVERSE)
    catalogue.write_text(catalogue_text())
    return universe, catalogue
