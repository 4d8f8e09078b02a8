"""Record types: the contract between producers, log, engine and consumers.

All records are fixed-width, little-endian and naturally aligned, so that a frame is read
without a copy. Prices and sizes are integers in the units of their instrument's scale
(`core.model.scale`), 1e-9 unless set in the universe; timestamps are nanoseconds UTC.
Without NumPy, records can be read with the pack strings `TICK_STRUCT`, `BAR_STRUCT` and `VALUE_STRUCT`.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Final

import numpy as np

TICK_VERSION: Final = 1
BAR_VERSION: Final = 1
VALUE_VERSION: Final = 1
EVENT_VERSION: Final = 1

PRICE_UNITS_PER_ONE: Final = 1_000_000_000
"""Exponent of the default scale, also for split factors and trading statuses, which have no scale."""

NANOSECONDS_PER_SECOND: Final = 1_000_000_000
NANOSECONDS_PER_MILLISECOND: Final = 1_000_000

NO_INSTRUMENT: Final = 0xFFFF_FFFF
"""`instrument_id` of a record that concerns a whole source: marks, gaps, settings."""

TICK: Final = np.dtype(
    [
        ("ts_event", "<i8"),  # event time, ns UTC
        ("ts_recv", "<i8"),  # receive time, ns UTC
        ("price", "<i8"),  # in the instrument's price units
        ("size", "<i8"),  # in the instrument's size units
        ("trade_id", "<u8"),  # the vendor's id; a baseline's offset in bars.1d
        ("instrument_id", "<u4"),
        ("update", "u1"),  # Update flags
        ("kind", "u1"),  # TickKind
        ("source", "<u2"),
    ]
)
TICK_STRUCT: Final = "<qqqqQIBBH"

BAR: Final = np.dtype(
    [
        ("ts_start", "<i8"),  # first nanosecond of the bar, UTC
        ("open", "<i8"),
        ("high", "<i8"),
        ("low", "<i8"),
        ("close", "<i8"),
        ("volume", "<i8"),  # in the instrument's size units; -1 if there is none, or it does not fit
        ("trades", "<u4"),
        ("instrument_id", "<u4"),
        ("session", "<i4"),  # days since 1970-01-01 of the session the bar belongs to
        ("frequency", "u1"),  # Frequency
        ("flags", "u1"),  # BarFlag
        ("source", "<u2"),
    ]
)
BAR_STRUCT: Final = "<qqqqqqIIiBBH"

VALUE: Final = np.dtype(
    [
        ("instrument_id", "<u4"),  # numerator of the pair; NO_INSTRUMENT in a mark
        ("benchmark_id", "<u4"),  # benchmark of the pair; in a mark, number of the block of pairs
        # The numerator's, in its price units; minus a Quality where unknown. In a mark, the time T, ns UTC.
        ("price", "<i8"),
        # The numerator's so far in the session, in its size units; minus a Quality where unknown. In a mark,
        # pairs of the block in this shard.
        ("volume", "<i8"),
        ("return_pct", "<f4"),  # the numerator's, since the close before; each f4 is NaN where unknown
        ("relative_21d_pp", "<f4"),
        ("relative_63d_pp", "<f4"),
        ("strength_score", "<f4"),  # NaN: no family gives it yet
        ("trend", "<f4"),  # likewise
        ("momentum", "<f4"),  # likewise
        ("d50_sd", "<f4"),  # distance from the average of 50 sessions, in standard deviations
        ("rsi", "<f4"),  # over 14 sessions
        ("quality", "u1"),  # Quality of return_pct
        ("quadrant", "u1"),  # 0: no family gives it yet
        ("signs", "u1"),  # ValueSign
        ("streak", "i1"),  # sessions ahead of the benchmark, minus those behind; 0 where unknown
        ("session", "<u2"),  # days since 1970-01-01
        ("flags", "<u2"),  # ValueFlag
    ]
)
VALUE_STRUCT: Final = "<IIqqffffffffBBBbHH"

EVENT: Final = np.dtype(
    [
        ("ts_event", "<i8"),  # the bar or grid second that triggered it
        ("ts_knowable", "<i8"),  # earliest event time at which it could be known
        ("definition", "<i4"),  # row in the catalogue
        ("pair", "<i4"),  # row in the partition's pairs
        ("episode", "<i8"),  # session (days) or grid second at which the episode started
        ("transition", "<i4"),  # number of the transition within its episode
        ("state", "u1"),  # EventState
        ("previous_state", "u1"),
        ("quality", "u1"),  # Quality of the underlying values
        ("reserved", "u1"),
    ]
)


class TickKind(IntEnum):
    """Kind of a TICK record."""

    TRADE = 0
    CORRECTION = 1
    """New price and size of `trade_id`; `update` as for the corrected trade."""
    CANCEL = 2
    """Cancels the trade `trade_id` at this price and size."""
    GAP = 3
    """The source lost an unknown number of ticks just before `ts_event`; `trade_id` is the GapCause."""
    CLOCK = 4
    """Everything of this source up to `ts_event` has been sent."""
    ADJUSTMENT = 5
    """A split: multiply stored prices of the instrument by price/size (both 1e-9 units)."""
    BASELINE = 6
    """A completed session's close, or value of a series; with NO_INSTRUMENT, the end of the session."""
    STATUS = 7
    """Trading status: size 1e-9 units of 1 halted, 0 resumed."""
    SETTINGS = 8
    """A change of definitions; `trade_id` is the hash."""
    SOURCE_CLOSED = 9
    """Declares the source dead: its clock no longer holds back the watermark."""
    ARTEFACTS = 10
    """A change of the base rates and rarity that events carry; `trade_id` is the set's mark, 0 for none."""


class GapCause(IntEnum):
    """Cause of missing ticks at a GAP record, in its `trade_id`."""

    UNKNOWN = 0
    """Written before causes were recorded."""
    DISCONNECT = 1
    """The connection to the vendor was lost."""
    QUEUE_OVERFLOW = 2
    """The pipeline fell behind the reader."""
    HOLD_OVERFLOW = 3
    """The broker was unreachable for longer than records could be held."""
    TAKEOVER = 4
    """This producer took over from another one of the source."""

    @property
    def label(self) -> str:
        """Name in metrics and output."""
        return self.name.lower()


class Update(IntFlag):
    """What a trade may update, determined by its sale conditions."""

    LAST = 1
    HIGH_LOW = 2
    VOLUME = 4
    REGULAR = 8
    OFFICIAL = 16
    SERIES = 32
    """Not a trade: `price` is the value of a rate or a flow and may have any sign."""
    TRADED = 64
    """Of a baseline record: `size` is summed from trades received live, not published by a vendor."""

    ALL = LAST | HIGH_LOW | VOLUME | REGULAR


class Frequency(IntEnum):
    """Length of a bar, and evaluation frequency of a family or definition."""

    SECOND = 0
    MINUTE = 1
    DAY = 2

    @property
    def label(self) -> str:
        """Short name in topics, metrics and catalogues."""
        return ("1s", "1m", "1d")[self]


class BarFlag(IntFlag):
    """Properties of a bar."""

    OFFICIAL_CLOSE = 1
    GAP = 2
    LATE_VOLUME = 4
    NO_VOLUME = 8
    COMPLETE_MARK = 16
    """Not a bar: the partition has sent every bar up to and including this start."""
    REVISED = 32


class ValueFlag(IntFlag):
    """What a VALUE record is; none of them: a pair in a minute."""

    FINAL = 1
    """Of a session that is final, not of a minute."""
    MARK = 2
    """Not a pair: every pair of the block has been sent for this minute, or session."""
    COPY = 4
    """The same record is in another shard, too, without this flag."""
    REVISED = 8
    """Replaces the pair's final values of the session: an official close was corrected after it."""


class ValueSign(IntFlag):
    """Yes and no of a pair's numerator, for counts over many pairs."""

    MA50_KNOWN = 1
    ABOVE_MA50 = 2
    MA200_KNOWN = 4
    ABOVE_MA200 = 8
    EXTREMES_KNOWN = 16
    NEW_HIGH = 32
    """Above the highest close of the 252 sessions before."""
    NEW_LOW = 64


class Quality(IntEnum):
    """Quality of a value: `unknown`, except OK, REBUILT, TRADED_VOLUME and MIXED_VOLUME."""

    OK = 0
    NOT_READY = 1
    STALE = 2
    HALTED = 3
    CONSTANT = 4
    GAP = 5
    NO_SESSION = 6
    REBUILT = 7
    INCONCLUSIVE = 8
    """There is a number, but the preceding test cannot distinguish it from chance."""
    NO_VOLUME = 9
    """The instrument has volume, and zero is recorded for the session."""
    HISTORY_AHEAD = 10
    """The supplied history already contains this session, so finished days cannot be used."""
    TRADED_VOLUME = 11
    """Known. Its volumes are sums of trades received live, which are below published ones."""
    MIXED_VOLUME = 12
    """Known. It compares such sums with published volumes."""

    @property
    def label(self) -> str:
        """Name in payloads and metrics."""
        return self.name.lower()


class EventState(IntEnum):
    """States of an episode."""

    IDLE = 0
    CANDIDATE = 1
    OPENED = 2
    CONFIRMED = 3
    RESOLVED = 4
    FADED = 5
    INVALIDATED = 6
    EXPIRED = 7
    WITHDRAWN = 8
    REVISED = 9
    EXTENDED = 10
    """It happened once more; the episode stays opened or confirmed."""

    @property
    def label(self) -> str:
        """Name in payloads, topics and metrics."""
        return self.name.lower()
