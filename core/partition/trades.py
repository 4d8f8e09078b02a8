"""Applies one trade, correction or cancel to its open second, its day and its official prices."""

from __future__ import annotations

from typing import Final

import numpy as np

from core.kernels.jit import inlined
from core.model.records import NANOSECONDS_PER_SECOND, TickKind, Update
from core.model.scale import LARGEST_PRICE
from core.partition.state import NEVER
from core.partition.volume_sum import add_volume

_TRADE: Final = int(TickKind.TRADE)
_CORRECTION: Final = int(TickKind.CORRECTION)
_CANCEL: Final = int(TickKind.CANCEL)
_LAST: Final = int(Update.LAST)
_HIGH_LOW: Final = int(Update.HIGH_LOW)
_VOLUME: Final = int(Update.VOLUME)
_REGULAR: Final = int(Update.REGULAR)
_OFFICIAL: Final = int(Update.OFFICIAL)
_SESSION_VOLUME: Final = _VOLUME | _REGULAR
_SECOND_NS: Final = NANOSECONDS_PER_SECOND
_NEVER: Final = NEVER
_LARGEST_PRICE: Final = LARGEST_PRICE


@inlined
def _insert_trade(tick, slot, second):
    """Add one eligible trade to its open second; event time, not arrival, orders prices."""
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
    """Apply an official open or close; the first close wins. Return whether the day was already final."""
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
    """Subtract the volume of a cancelled trade; its other effects cannot be undone."""
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
    """Apply a print outside the session: only volume between the close and the final bar counts."""
    instrument.outside_ticks += 1
    source.count_outside_session += 1
    counted = (tick.update & _SESSION_VOLUME) == _SESSION_VOLUME
    after_close = tick.ts_event >= instrument.session_close_ns
    if after_close and counted and instrument.final_session < instrument.session:
        instrument.day_volume = add_volume(instrument.day_volume, tick.size)


@inlined
def trade_problem(tick, source, row, instruments, source_row):
    """Return the first contract rule that a trade violates, 0 for none."""
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
    """Apply a print that updates the day's extremes but not the price, such as an average price."""
    if tick.price > instrument.day_high:
        instrument.day_high = tick.price
    if instrument.day_low == 0 or tick.price < instrument.day_low:
        instrument.day_low = tick.price


@inlined
def apply_trade(tick, row, instrument, seconds, source):
    """Apply one valid trade, correction or cancel. Return whether it revises a final day."""
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
