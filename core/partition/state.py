"""The state of a partition's instruments and sources, as arrays a kernel can walk.

One structured row per instrument, one per source, and a small ring of open seconds per
instrument. These arrays *are* the snapshot: nothing about an instrument lives elsewhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.model.records import NANOSECONDS_PER_MILLISECOND, NANOSECONDS_PER_SECOND

CACHE_LINE_BYTES: Final = 64

NEVER: Final = -(2**62)
"""An event time before all others."""

SECOND_SLOTS: Final = 1024
"""Closed seconds kept per instrument: 15 minutes, and two minutes for the slower leg."""

MINUTE_SLOTS: Final = 512
"""Closed minutes kept per instrument: a whole regular session."""

COUNTERS: Final = (
    "trades",
    "late",
    "outside_session",
    "corrections",
    "cancels",
    "gaps",
    "statuses",
    "marks",
    "baselines",
    "adjustments",
    "repeated_frames",
    "old_epoch_frames",
    "missing_frames",
)
"""What is counted per source; each is a field `count_<name>` of SOURCE_STATE."""

SOURCE_STATE: Final = np.dtype(
    [
        ("mark_ns", "<i8"),  # its last clock mark
        ("closed_second", "<i8"),  # every second before this one is closed
        ("lateness_ns", "<i8"),
        ("max_lead_ns", "<i8"),
        ("max_age_ns", "<i8"),
        ("epoch", "<u8"),
        ("next_sequence", "<u8"),
        ("source_id", "<u2"),
        ("dead", "u1"),  # declared closed: it follows the other sources' clock
        ("seen", "u1"),
        ("reserved", "<u4"),
        *((f"count_{name}", "<i8") for name in COUNTERS),
    ]
)

# One cache line: a tick touches exactly one of these.
OPEN_SECOND: Final = np.dtype(
    [
        ("second", "<i8"),
        ("open", "<i8"),
        ("high", "<i8"),
        ("low", "<i8"),
        ("close", "<i8"),
        ("volume", "<i8"),
        ("open_offset_ns", "<i4"),  # within the second
        ("close_offset_ns", "<i4"),
        ("trades", "<i4"),  # all that counted for something
        ("last_trades", "<i4"),  # those that may update the last price
    ]
)

# What every tick reads stands first, within one cache line.
INSTRUMENT_STATE: Final = np.dtype(
    [
        ("session_open_ns", "<i8"),
        ("session_close_ns", "<i8"),
        ("next_open_ns", "<i8"),
        ("source", "<i2"),  # row of its source
        ("calendar", "<i2"),  # row of its calendar
        ("gap", "u1"),
        ("stale", "u1"),
        ("halted", "u1"),
        ("revised", "u1"),
        ("home", "u1"),
        ("has_volume", "u1"),
        ("has_official_close", "u1"),
        ("day_gap", "u1"),
        ("fresh_trades", "<i4"),  # eligible trades since it went stale
        ("session", "<i4"),
        ("final_session", "<i4"),  # last session whose day bar is final
        ("minute_trades", "<i4"),
        ("day_trades", "<i4"),
        ("max_age_ns", "<i8"),
        ("last_price", "<i8"),  # 0 until the first eligible trade of the session
        ("last_ts", "<i8"),
        ("minute_open", "<i8"),
        ("minute_high", "<i8"),
        ("minute_low", "<i8"),
        ("minute_close", "<i8"),
        ("minute_volume", "<i8"),
        ("day_open", "<i8"),
        ("day_high", "<i8"),
        ("day_low", "<i8"),
        ("day_close", "<i8"),
        ("day_volume", "<i8"),
        ("official_close", "<i8"),
        ("official_ts", "<i8"),
        ("official_open", "<i8"),
        ("final_close", "<i8"),  # close of the last final session, minus a Quality where unknown
        ("late_ticks", "<i8"),
        ("outside_ticks", "<i8"),
        ("cancelled_ticks", "<i8"),
        ("final_volume", "<i8"),  # volume of the last final session, minus a Quality where unknown
        ("volume_minute", "<i8"),  # the last minute closed in session
        ("volume_then", "<i8"),  # volume of the session up to its end, minus a Quality where unknown
        *((f"reserved_{number}", "<i8") for number in range(2)),  # four whole cache lines
    ]
)


class SourceColumns(NamedTuple):
    """Fields of SOURCE_STATE as columns: views of the same memory, (sources,) each.

    What Python looks at for every frame and every second is read here: an item of a column costs a
    tenth of a record's field, which NumPy finds by name each time.
    """

    mark_ns: NDArray[np.int64]
    closed_second: NDArray[np.int64]
    lateness_ns: NDArray[np.int64]
    epoch: NDArray[np.uint64]
    next_sequence: NDArray[np.uint64]
    dead: NDArray[np.uint8]
    seen: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class InstrumentState:
    """Everything the tick path reads and writes.

    Args:
        instruments: INSTRUMENT_STATE (rows,).
        seconds: OPEN_SECOND (slots, rows), at second & (slots - 1); slots is a power of two.
        second_prices: int64 (1024, rows): price of each closed second by absolute second,
            or minus a `Quality` where it is unknown.
        minute_prices: int64 (512, rows): the same by absolute minute.
        sources: SOURCE_STATE (sources,).
    """

    instruments: NDArray[np.void]
    seconds: NDArray[np.void]
    second_prices: NDArray[np.int64]
    minute_prices: NDArray[np.int64]
    sources: NDArray[np.void]

    @property
    def source_columns(self) -> SourceColumns:
        """Columns of `sources`."""
        return SourceColumns(*(self.sources[name] for name in SourceColumns._fields))


def open_second_slots(lateness_ns: int, max_lead_ns: int) -> int:
    """Slots an instrument needs so that every admissible tick has a place to stand.

    Args:
        lateness_ns: How far behind its mark a tick may come.
        max_lead_ns: How far ahead of its mark a tick may come.

    Returns:
        A power of two.

    Example:
        >>> open_second_slots(1_000_000_000, 5_000_000_000)
        8
    """
    seconds = -(-lateness_ns // NANOSECONDS_PER_SECOND) + -(-max_lead_ns // NANOSECONDS_PER_SECOND) + 2
    return 1 << (seconds - 1).bit_length()


def allocate_instruments(rows: int, sources: int, slots: int) -> InstrumentState:
    """Fresh state: nothing traded, no clock seen.

    Args:
        rows: Number of instruments of the partition.
        sources: Number of sources.
        slots: Open seconds per instrument.

    Returns:
        The arrays.
    """
    state = InstrumentState(
        instruments=_zeros((rows,), INSTRUMENT_STATE),
        seconds=_zeros((slots, rows), OPEN_SECOND),
        second_prices=np.full((SECOND_SLOTS, rows), -1, np.int64),
        minute_prices=np.full((MINUTE_SLOTS, rows), -1, np.int64),
        sources=np.zeros(sources, SOURCE_STATE),
    )
    state.seconds["second"] = NEVER
    state.sources["mark_ns"] = NEVER
    state.instruments["final_session"] = -(2**31)
    state.instruments["session"] = -(2**31)
    return state


def _zeros(shape: tuple[int, ...], dtype: np.dtype[np.void]) -> NDArray[np.void]:
    """Zeros that begin with a cache line: a record of 64 bytes then lies in one, not across two."""
    length = math.prod(shape) * dtype.itemsize
    memory = np.zeros(length + CACHE_LINE_BYTES, np.uint8)
    start = -memory.ctypes.data % CACHE_LINE_BYTES
    return memory[start : start + length].view(dtype).reshape(shape)


def milliseconds(value_ms: int) -> int:
    """Milliseconds as nanoseconds."""
    return value_ms * NANOSECONDS_PER_MILLISECOND
