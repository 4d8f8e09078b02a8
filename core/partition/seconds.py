"""Closes seconds by watermark.

A second closes when its source's watermark has passed it; only then does it update prices, its minute
and its day, and enter the ring that windows read. An unknown price is stored in the ring as minus its
`Quality`, never as a number.
"""

from __future__ import annotations

from typing import Final

from core.kernels.codes import GAP, HALTED, NO_SESSION, NOT_READY, STALE
from core.kernels.jit import I8, array_of, inlined, kernel
from core.model.records import NANOSECONDS_PER_SECOND
from core.partition.state import INSTRUMENT_STATE, OPEN_SECOND, SECOND_SLOTS
from core.partition.volume_sum import add_volume

_SECOND_NS: Final = NANOSECONDS_PER_SECOND
_SECOND_MASK: Final = SECOND_SLOTS - 1
_FRESH_TRADES: Final = 2
"""Eligible trades needed to leave `stale`, so that one print a minute does not cause flapping."""


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
    """Return the last price at `end_ns`, or minus the reason why it is unknown."""
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


@inlined
def close_second(instruments, seconds, second_prices, source_row, second, blank):
    """Close one second of a source. Return the number of its instruments that are in session.

    With `blank`, instruments out of session get `no session`, as from `blank_outside`.
    """
    start_ns = second * _SECOND_NS
    ring = second_prices[second & _SECOND_MASK]
    slots = seconds[second & (seconds.shape[0] - 1)]
    active = 0
    for row in range(len(instruments)):
        instrument = instruments[row]
        if instrument.source != source_row:
            continue
        if start_ns < instrument.session_open_ns or start_ns >= instrument.session_close_ns:
            if blank:
                ring[row] = -NO_SESSION
            continue
        active += 1
        slot = slots[row]
        if slot.second == second:
            _fold_second(instrument, slot, second)
        ring[row] = _price_or_quality(instrument, start_ns + _SECOND_NS)
    return active


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
        Number of the instruments that were in session in the last second.
    """
    active = 0
    for second in range(first, stop):
        active = close_second(instruments, seconds, second_prices, source_row, second, False)
    return active
