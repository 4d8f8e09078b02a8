"""Seconds into minutes, by watermark.

A second closes when its source's watermark has passed it; only then does it move prices, feed
its minute and its day, and enter the ring that windows read. What is unknown enters the ring as
minus its `Quality`, never as a number. `core/partition/instrument_days.py` begins and ends the day.
"""

from __future__ import annotations

from typing import Final

from core.kernels.codes import GAP, HALTED, NO_SESSION, NOT_READY, STALE
from core.kernels.jit import I4, I8, array_of, inlined, kernel
from core.model.records import BAR, NANOSECONDS_PER_SECOND, BarFlag, Frequency
from core.partition.state import INSTRUMENT_STATE, MINUTE_SLOTS, OPEN_SECOND, SECOND_SLOTS
from core.partition.volume_sum import TOO_LARGE, add_volume

_SECOND_NS: Final = NANOSECONDS_PER_SECOND
_SECOND_MASK: Final = SECOND_SLOTS - 1
_MINUTE_MASK: Final = MINUTE_SLOTS - 1
_FRESH_TRADES: Final = 2
"""Eligible trades it takes to leave `stale`, so that one print a minute does not flap."""
_MINUTE: Final = int(Frequency.MINUTE)
_TOO_LARGE: Final = TOO_LARGE
_FLAG_GAP: Final = int(BarFlag.GAP)
_FLAG_NO_VOLUME: Final = int(BarFlag.NO_VOLUME)
_FLAG_REVISED: Final = int(BarFlag.REVISED)


@inlined
def _fold_second(instrument, slot, second):
    """Add one closed second to the minute and the day in progress."""
    if slot.last_trades > 0:
        instrument.last_price = slot.close
        instrument.last_ts = second * _SECOND_NS + slot.close_offset_ns
        instrument.fresh_trades += slot.last_trades
        if instrument.minute_open == 0:
            instrument.minute_open = slot.open
        instrument.minute_close = slot.close
        if instrument.day_open == 0:
            instrument.day_open = slot.open
        instrument.day_close = slot.close
    if slot.high > 0:
        instrument.minute_high = max(instrument.minute_high, slot.high)
        instrument.day_high = max(instrument.day_high, slot.high)
        if instrument.minute_low == 0 or slot.low < instrument.minute_low:
            instrument.minute_low = slot.low
        if instrument.day_low == 0 or slot.low < instrument.day_low:
            instrument.day_low = slot.low
    instrument.minute_volume = add_volume(instrument.minute_volume, slot.volume)
    instrument.day_volume = add_volume(instrument.day_volume, slot.volume)
    instrument.minute_trades += slot.trades
    instrument.day_trades += slot.trades


@inlined
def _price_or_quality(instrument, end_ns):
    """The last price at `end_ns`, or minus the reason why it is unknown."""
    if instrument.halted:
        return -HALTED
    if instrument.last_price == 0:
        return -NOT_READY
    if end_ns - instrument.last_ts > instrument.max_age_ns:
        if not instrument.stale:
            instrument.stale = 1
        instrument.fresh_trades = 0
        return -STALE
    if instrument.stale:
        if instrument.fresh_trades < _FRESH_TRADES:
            return -STALE
        instrument.stale = 0
    if instrument.gap:
        return -GAP
    return instrument.last_price


@kernel(I8, array_of(INSTRUMENT_STATE), array_of(OPEN_SECOND, 2), array_of(I8, 2), I8, I8, I8)
def close_seconds(instruments, seconds, second_prices, source_row, first, stop):
    """Close the seconds [first, stop) of one source's instruments that are in session.

    Args:
        instruments: INSTRUMENT_STATE (rows,).
        seconds: OPEN_SECOND (slots, rows).
        second_prices: int64 (1024, rows), written at second & 1023.
        source_row: Row of the source whose watermark has passed `stop`.
        first: First second to close, Unix time.
        stop: One past the last.

    Returns:
        How many of the instruments were in session in the last second.
    """
    mask = seconds.shape[0] - 1
    active = 0
    for second in range(first, stop):
        start_ns = second * _SECOND_NS
        ring = second_prices[second & _SECOND_MASK]
        slots = seconds[second & mask]
        active = 0
        for row in range(len(instruments)):
            instrument = instruments[row]
            if instrument.source != source_row:
                continue
            if start_ns < instrument.session_open_ns or start_ns >= instrument.session_close_ns:
                continue
            active += 1
            slot = slots[row]
            if slot.second == second:
                _fold_second(instrument, slot, second)
            ring[row] = _price_or_quality(instrument, start_ns + _SECOND_NS)
    return active


@kernel(I8, array_of(INSTRUMENT_STATE), array_of(I8, 2), array_of(I8, 2), I8, I8, I8)
def blank_outside(instruments, second_prices, minute_prices, source_row, first, stop):
    """Say `no session` in the rings of one source's instruments that are out of session.

    Only pairs with two calendars ever look there; without it they would read an old turn of the ring.

    Args:
        instruments: INSTRUMENT_STATE (rows,).
        second_prices: int64 (1024, rows).
        minute_prices: int64 (512, rows).
        source_row: Row of the source.
        first: First second passed, Unix time.
        stop: One past the last; no session opens or closes in between.

    Returns:
        How many of the instruments are out of session.
    """
    outside = 0
    start_ns = first * _SECOND_NS
    for row in range(len(instruments)):
        instrument = instruments[row]
        if instrument.source != source_row:
            continue
        if instrument.session_open_ns <= start_ns and start_ns < instrument.session_close_ns:
            continue
        outside += 1
        for second in range(max(first, stop - SECOND_SLOTS), stop):
            second_prices[second & _SECOND_MASK, row] = -NO_SESSION
        for minute in range(max(first // 60, stop // 60 - MINUTE_SLOTS), stop // 60):
            minute_prices[minute & _MINUTE_MASK, row] = -NO_SESSION
    return outside


@inlined
def session_volume(instrument):
    """Volume of the session so far, or minus the reason why it is unknown: after a gap some is missing."""
    if not instrument.has_volume:
        return -NOT_READY
    if instrument.day_gap:
        return -GAP
    if instrument.day_volume == _TOO_LARGE:
        return -NOT_READY
    return instrument.day_volume


@inlined
def bar_volume(instrument, volume):
    """What a bar says of a sum of volume: -1 where there is none, or it does not fit."""
    if not instrument.has_volume or volume == _TOO_LARGE:
        return -1
    return volume


@inlined
def clear_minute(instrument):
    """Begin a minute with nothing in it."""
    instrument.minute_open = 0
    instrument.minute_high = 0
    instrument.minute_low = 0
    instrument.minute_close = 0
    instrument.minute_volume = 0
    instrument.minute_trades = 0


@inlined
def bar_flags(instrument):
    """Facts about the day so far that travel with its bars."""
    flags = 0
    if instrument.day_gap:
        flags |= _FLAG_GAP
    if instrument.revised:
        flags |= _FLAG_REVISED
    if not instrument.has_volume:
        flags |= _FLAG_NO_VOLUME
    return flags


@kernel(
    I8,
    array_of(INSTRUMENT_STATE),
    array_of(I4),
    array_of(I8, 2),
    array_of(I8, 2),
    array_of(BAR),
    I8,
    I8,
)
def close_minute(instruments, instrument_ids, second_prices, minute_prices, bars, source_row, minute):
    """Close one minute of a source: ring entry, bar of each home instrument that traded, reset.

    Args:
        instruments: INSTRUMENT_STATE (rows,).
        instrument_ids: int32 (rows,).
        second_prices: int64 (1024, rows).
        minute_prices: int64 (512, rows), written at minute & 511.
        bars: BAR (≥ rows,), filled from the front.
        source_row: Row of the source.
        minute: Unix time // 60 of the minute that ends.

    Returns:
        Number of bars written.
    """
    written = 0
    start_ns = minute * 60 * _SECOND_NS
    last = second_prices[(minute * 60 + 59) & _SECOND_MASK]
    ring = minute_prices[minute & _MINUTE_MASK]
    for row in range(len(instruments)):
        instrument = instruments[row]
        if instrument.source != source_row:
            continue
        if start_ns < instrument.session_open_ns or start_ns >= instrument.session_close_ns:
            continue
        ring[row] = last[row]
        if instrument.home and instrument.minute_open > 0:
            bar = bars[written]
            bar.ts_start = start_ns
            bar.open = instrument.minute_open
            bar.high = max(instrument.minute_high, max(instrument.minute_open, instrument.minute_close))
            low = min(instrument.minute_open, instrument.minute_close)
            bar.low = min(low, instrument.minute_low) if instrument.minute_low > 0 else low
            bar.close = instrument.minute_close
            bar.volume = bar_volume(instrument, instrument.minute_volume)
            bar.trades = instrument.minute_trades
            bar.instrument_id = instrument_ids[row]
            bar.session = instrument.session
            bar.frequency = _MINUTE
            bar.flags = bar_flags(instrument)
            bar.source = source_row
            written += 1
        instrument.volume_minute = minute
        instrument.volume_then = session_volume(instrument)
        clear_minute(instrument)
    return written
