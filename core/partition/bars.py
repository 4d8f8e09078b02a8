"""Closes minutes: ring entry, bar and volume of each instrument; blanks the rings outside sessions.

`core/partition/seconds.py` closes seconds, `core/partition/instrument_days.py` starts and ends days.
"""

from __future__ import annotations

from typing import Final

from core.kernels.codes import GAP, NO_SESSION, NO_VOLUME, NOT_READY
from core.kernels.jit import I4, I8, array_of, inlined, kernel
from core.model.records import BAR, NANOSECONDS_PER_SECOND, BarFlag, Frequency
from core.partition.state import INSTRUMENT_STATE, MINUTE_SLOTS, SECOND_SLOTS
from core.partition.volume_sum import TOO_LARGE

_SECOND_NS: Final = NANOSECONDS_PER_SECOND
_SECOND_MASK: Final = SECOND_SLOTS - 1
_MINUTE_MASK: Final = MINUTE_SLOTS - 1
_MINUTE: Final = int(Frequency.MINUTE)
_TOO_LARGE: Final = TOO_LARGE
_FLAG_GAP: Final = int(BarFlag.GAP)
_FLAG_NO_VOLUME: Final = int(BarFlag.NO_VOLUME)
_FLAG_REVISED: Final = int(BarFlag.REVISED)


@kernel(I8, array_of(INSTRUMENT_STATE), array_of(I8, 2), array_of(I8, 2), I8, I8, I8)
def blank_outside(instruments, second_prices, minute_prices, source_row, first, stop):
    """Write `no session` to the rings of one source's instruments that are out of session.

    Only pairs with two calendars read these entries; otherwise they would read stale entries of the ring.

    Args:
        instruments: INSTRUMENT_STATE (rows,).
        second_prices: int64 (1024, rows).
        minute_prices: int64 (512, rows).
        source_row: Row of the source.
        first: First second passed, Unix time.
        stop: One past the last; no session opens or closes in between.

    Returns:
        Number of the instruments that are out of session.
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
    """Return the session's volume so far, or minus the reason why it is unknown, such as a gap.

    Cancels of trades that were never counted can make a sum negative.
    """
    if not instrument.has_volume:
        return -NOT_READY
    if instrument.day_gap:
        return -GAP
    if instrument.day_volume == _TOO_LARGE:
        return -NOT_READY
    return instrument.day_volume if instrument.day_volume > 0 else -NO_VOLUME


@inlined
def bar_volume(instrument, volume):
    """Return a bar's volume: -1 if there is none, or it does not fit."""
    if not instrument.has_volume or volume == _TOO_LARGE:
        return -1
    return volume


@inlined
def clear_minute(instrument):
    """Reset the minute."""
    instrument.minute_open = 0
    instrument.minute_high = 0
    instrument.minute_low = 0
    instrument.minute_close = 0
    instrument.minute_volume = 0
    instrument.minute_trades = 0


@inlined
def bar_flags(instrument):
    """Return the day's flags so far, for its bars."""
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
