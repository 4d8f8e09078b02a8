"""Ticks into open seconds: the hot path.

`apply_ticks` walks down a frame and stops after a clock mark that closes a second, so that the
caller can close bars and evaluate pairs at exactly that point of the log, however the log was
cut into frames.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np

from core.kernels.jit import I4, I8, TICKS, array_of, inlined, kernel
from core.kernels.prefetch import prefetch
from core.model.records import NANOSECONDS_PER_SECOND, TickKind, Update
from core.model.scale import LARGEST_PRICE
from core.partition.state import INSTRUMENT_STATE, NEVER, OPEN_SECOND, SOURCE_STATE
from core.partition.volume_sum import add_volume

_TRADE: Final = int(TickKind.TRADE)
_CORRECTION: Final = int(TickKind.CORRECTION)
_CANCEL: Final = int(TickKind.CANCEL)
_GAP: Final = int(TickKind.GAP)
_CLOCK: Final = int(TickKind.CLOCK)
_STATUS: Final = int(TickKind.STATUS)
_SOURCE_CLOSED: Final = int(TickKind.SOURCE_CLOSED)
_LAST: Final = int(Update.LAST)
_HIGH_LOW: Final = int(Update.HIGH_LOW)
_VOLUME: Final = int(Update.VOLUME)
_REGULAR: Final = int(Update.REGULAR)
_OFFICIAL: Final = int(Update.OFFICIAL)
_SESSION_VOLUME: Final = _VOLUME | _REGULAR
_SECOND_NS: Final = NANOSECONDS_PER_SECOND
_AHEAD: Final = 8
"""Ticks between calling for memory and using it: with 10,000 instruments it comes from far away."""

_NEVER: Final = NEVER
_LARGEST_PRICE: Final = LARGEST_PRICE


class Note(IntEnum):
    """Why `apply_ticks` hands a record back instead of applying it."""

    UNKNOWN_INSTRUMENT = 1
    PRICE = 2
    FUTURE = 3
    TOO_OLD = 4
    NO_MARK = 5
    WRONG_SOURCE = 6
    KIND = 7
    MARK_BACKWARDS = 8
    SIZE = 9
    REVISION = 32
    """Not bad: an official print that came after its day was final."""
    CONTROL = 33
    """Not bad: a baseline, adjustment, settings or source-closed record."""

    @property
    def reason(self) -> str:
        """The label used for dead letters and metrics."""
        return self.name.lower()


@inlined
def _insert_trade(tick, slot, second):
    """Put one eligible trade into its open second; event time, not arrival, orders prices."""
    update = tick.update
    price = tick.price
    offset = tick.ts_event - second * _SECOND_NS
    if slot.second != second:
        slot.second = second
        slot.open = 0
        slot.high = 0
        slot.low = 0
        slot.close = 0
        slot.volume = 0
        slot.open_offset_ns = 0
        slot.close_offset_ns = 0
        slot.trades = 0
        slot.last_trades = 0
    if update & _LAST:
        if slot.close == 0 or offset >= slot.close_offset_ns:
            slot.close = price
            slot.close_offset_ns = offset
        if slot.open == 0 or offset < slot.open_offset_ns:
            slot.open = price
            slot.open_offset_ns = offset
        slot.last_trades += 1
    if update & _HIGH_LOW and update & _LAST:
        if price > slot.high:
            slot.high = price
        if slot.low == 0 or price < slot.low:
            slot.low = price
    if update & _VOLUME:
        slot.volume = add_volume(slot.volume, tick.size)
    slot.trades += 1


@inlined
def _official_print(tick, instrument):
    """Official open or close; the first close stands. True when it came after the day was final."""
    if tick.ts_event < instrument.session_open_ns:
        return tick.kind == _CORRECTION
    middle = instrument.session_open_ns + (instrument.session_close_ns - instrument.session_open_ns) // 2
    if tick.ts_event < middle:
        if instrument.official_open == 0:
            instrument.official_open = tick.price
        return False
    if tick.ts_event >= instrument.next_open_ns:
        return False
    if instrument.final_session >= instrument.session:
        return tick.kind != _TRADE
    if instrument.official_close == 0 or tick.kind == _CORRECTION:
        instrument.official_close = tick.price
        instrument.official_ts = tick.ts_event
    return False


@inlined
def _cancel(tick, instrument, slot, second, closed_second):
    """Take back the volume a trade has added; what else it set cannot be known any more."""
    instrument.cancelled_ticks += 1
    counted = (tick.update & _SESSION_VOLUME) == _SESSION_VOLUME
    mine = tick.ts_event >= instrument.session_open_ns and tick.ts_event < instrument.next_open_ns
    if mine:
        instrument.revised = 1
    if counted and second >= closed_second and slot.second == second:
        slot.volume = add_volume(slot.volume, -tick.size)
    elif counted and mine and (second < closed_second or tick.ts_event >= instrument.session_close_ns):
        instrument.day_volume = add_volume(instrument.day_volume, -tick.size)
    waiting = instrument.final_session < instrument.session
    if waiting and tick.update & _OFFICIAL and tick.price == instrument.official_close:
        instrument.official_close = 0
        instrument.official_ts = 0


@inlined
def _outside(tick, instrument, source):
    """A print outside the session: only volume between the close and the final bar counts."""
    instrument.outside_ticks += 1
    source.count_outside_session += 1
    counted = (tick.update & _SESSION_VOLUME) == _SESSION_VOLUME
    after_close = tick.ts_event >= instrument.session_close_ns
    if after_close and counted and instrument.final_session < instrument.session:
        instrument.day_volume = add_volume(instrument.day_volume, tick.size)


@inlined
def _problem(tick, source, row, instruments, source_row):
    """The first rule of the contract a trade breaks, 0 for none."""
    if row < 0:
        return 1
    if instruments[row].source != source_row:
        return 6
    if tick.price <= 0 or tick.price > _LARGEST_PRICE:
        return 2
    if tick.size < 0:
        return 9
    if source.mark_ns == _NEVER:
        return 5
    if tick.ts_event > source.mark_ns + source.max_lead_ns:
        return 3
    if tick.ts_event < source.mark_ns - source.max_age_ns:
        return 4
    return 0


@inlined
def _stretch_day(tick, instrument):
    """A print that sets the day's extremes but no price of its own, such as an average price."""
    if tick.price > instrument.day_high:
        instrument.day_high = tick.price
    if instrument.day_low == 0 or tick.price < instrument.day_low:
        instrument.day_low = tick.price


@inlined
def _apply_trade(tick, row, instrument, seconds, source):
    """Route one valid trade, correction or cancel. True when it revises a final day."""
    second = np.int64(np.uint64(tick.ts_event) // np.uint64(_SECOND_NS))
    slot = seconds[second & (seconds.shape[0] - 1), row]
    if tick.kind == _CANCEL:
        source.count_cancels += 1
        _cancel(tick, instrument, slot, second, source.closed_second)
        return False
    if tick.kind == _CORRECTION:
        source.count_corrections += 1
    else:
        source.count_trades += 1
    revision = False
    if tick.update & _OFFICIAL:
        revision = _official_print(tick, instrument)
    in_session = tick.ts_event >= instrument.session_open_ns and tick.ts_event < instrument.session_close_ns
    if not in_session and tick.ts_event < instrument.next_open_ns:
        _outside(tick, instrument, source)
    elif second < source.closed_second:
        instrument.late_ticks += 1
        source.count_late += 1
        if (tick.update & _SESSION_VOLUME) == _SESSION_VOLUME:
            instrument.day_volume = add_volume(instrument.day_volume, tick.size)
    elif tick.update & _REGULAR:
        _insert_trade(tick, slot, second)
        if tick.update & _LAST and instrument.gap:
            instrument.gap = 0
        if tick.update & _HIGH_LOW and not tick.update & _LAST:
            _stretch_day(tick, instrument)
    else:
        _outside(tick, instrument, source)
    return revision


@inlined
def _apply_gap(source_row, instruments):
    """After a gap every price of the source is unknown until it trades again."""
    for row in range(len(instruments)):
        if instruments[row].source == source_row:
            instruments[row].gap = 1
            instruments[row].day_gap = 1


@inlined
def _apply_mark(tick, source):
    """Move a source's clock. 1: a second closes; 0: none; -1: the mark runs backwards."""
    if tick.ts_event < source.mark_ns:
        return -1
    source.mark_ns = tick.ts_event
    source.dead = 0
    if (source.mark_ns - source.lateness_ns) // _SECOND_NS > source.closed_second:
        return 1
    return 0


@inlined
def _row_of(tick, row_of_id):
    """Row of the tick's instrument, -1 where it is not ours."""
    if tick.instrument_id < len(row_of_id):
        return row_of_id[tick.instrument_id]
    return -1


@kernel(
    I8,
    TICKS,
    I8,
    I8,
    array_of(SOURCE_STATE),
    array_of(I4),
    array_of(INSTRUMENT_STATE),
    array_of(OPEN_SECOND, 2),
    array_of(I8),
)
def apply_ticks(ticks, start, source_row, sources, row_of_id, instruments, seconds, notes):
    """Apply ticks from `start` until the end, a closed second, or a control record.

    Args:
        ticks: TICK (n,), read-only.
        start: First tick to apply.
        source_row: Row of the frame's source in `sources`.
        sources: SOURCE_STATE (sources,).
        row_of_id: int32 (max id + 1,): instrument id → row, -1 where not ours.
        instruments: INSTRUMENT_STATE (rows,).
        seconds: OPEN_SECOND (slots, rows).
        notes: int64 (capacity,): filled with position | Note << 32; a full buffer ends the call
            early, and the caller calls again.

    Returns:
        Position after the last tick looked at, in the low 32 bits; the number of notes in the
        next 30; bit 62 says that a second must be closed before going on. `unpack` splits it.
    """
    source = sources[source_row]
    filled = 0
    boundary = 0
    position = start
    count = len(ticks)
    while position < count and filled < len(notes) and boundary == 0:
        tick = ticks[position]
        position += 1
        # Written out: as a function of its own LLVM leaves it a call, which costs what it saves.
        if position + _AHEAD < count:
            later = ticks[position + _AHEAD]
            later_row = np.int64(_row_of(later, row_of_id))
            if later_row >= 0:
                later_second = np.int64(np.uint64(later.ts_event) // np.uint64(_SECOND_NS))
                prefetch(instruments, later_row)
                prefetch(seconds, (later_second & (seconds.shape[0] - 1), later_row))
        kind = tick.kind
        code = 0
        if kind <= _CANCEL:
            row = _row_of(tick, row_of_id)
            code = _problem(tick, source, row, instruments, source_row)
            if code == 0 and _apply_trade(tick, row, instruments[row], seconds, source):
                code = 32
        elif kind == _CLOCK:
            source.count_marks += 1
            boundary = _apply_mark(tick, source)
            if boundary < 0:
                boundary = 0
                code = 8
        elif kind == _GAP:
            source.count_gaps += 1
            _apply_gap(source_row, instruments)
        elif kind == _STATUS:
            row = _row_of(tick, row_of_id)
            if row < 0:
                code = 1
            elif instruments[row].source != source_row:
                code = 6
            else:
                source.count_statuses += 1
                instruments[row].halted = 1 if tick.size > 0 else 0
        elif kind <= _SOURCE_CLOSED:
            code = 33
        else:
            code = 7
        if code != 0:
            notes[filled] = (position - 1) | (code << 32)
            filled += 1
            if code == 33:
                break
    return position | (filled << 32) | (boundary << 62)


def unpack(packed: int) -> tuple[int, int, bool]:
    """Split what `apply_ticks` returns.

    Args:
        packed: Its result.

    Returns:
        Next position, number of notes, and whether a second must be closed.

    Example:
        >>> unpack(3 | (2 << 32) | (1 << 62))
        (3, 2, True)
    """
    return packed & 0xFFFF_FFFF, (packed >> 32) & 0x3FFF_FFFF, bool(packed >> 62)
