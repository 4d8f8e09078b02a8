"""Sessions of instruments: start, finalisation and day bars."""

from __future__ import annotations

from typing import Final

from core.kernels.jit import BOOL, I4, I8, array_of, inlined, kernel
from core.model.records import BAR, NANOSECONDS_PER_SECOND, BarFlag, Frequency
from core.partition.bars import bar_flags, bar_volume, clear_minute, session_volume
from core.partition.state import INSTRUMENT_STATE, MINUTE_SLOTS

_SECOND_NS: Final = NANOSECONDS_PER_SECOND
_MINUTE_NS: Final = 60 * NANOSECONDS_PER_SECOND
_MINUTE_MASK: Final = MINUTE_SLOTS - 1
_FAR_SECOND: Final = 2**40
_DAY: Final = int(Frequency.DAY)
_FLAG_OFFICIAL: Final = int(BarFlag.OFFICIAL_CLOSE)
_FLAG_LATE: Final = int(BarFlag.LATE_VOLUME)


@inlined
def _is_final(instrument, closed_ns, deadline):
    """Return whether the session's close can no longer change."""
    if closed_ns < instrument.session_close_ns:
        return False
    if deadline or not instrument.has_official_close:
        return True
    return instrument.official_close > 0 and closed_ns > instrument.official_ts


@inlined
def _write_day_bar(bar, instrument, instrument_id):
    """Write the session's bar. Its range includes the official open and close.

    The print of an auction may be in the close and the volume only, and no price of the day can lie outside
    the day's range. Minute bars end before the official close, and are as they were.
    """
    last = instrument.day_close if instrument.day_close > 0 else instrument.final_close
    first = instrument.day_open if instrument.day_open > 0 else last
    bar.ts_start = instrument.session_open_ns
    bar.open = instrument.official_open if instrument.official_open > 0 else first
    bar.high = instrument.day_high if instrument.day_high > 0 else max(first, last)
    bar.low = instrument.day_low if instrument.day_low > 0 else min(first, last)
    bar.close = instrument.final_close if instrument.final_close > 0 else last
    bar.high = max(bar.high, max(instrument.official_open, instrument.official_close))
    if instrument.official_open > 0:
        bar.low = min(bar.low, instrument.official_open)
    if instrument.official_close > 0:
        bar.low = min(bar.low, instrument.official_close)
    bar.volume = bar_volume(instrument, instrument.day_volume)
    bar.trades = instrument.day_trades
    bar.instrument_id = instrument_id
    bar.session = instrument.session
    bar.frequency = _DAY
    flags = bar_flags(instrument)
    if instrument.official_close > 0:
        flags |= _FLAG_OFFICIAL
    if instrument.late_ticks > 0:
        flags |= _FLAG_LATE
    bar.flags = flags
    bar.source = instrument.source


@kernel(
    I8,
    array_of(INSTRUMENT_STATE),
    array_of(I4),
    array_of(I8, 2),
    array_of(BAR),
    I8,
    I8,
    I8,
    BOOL,
)
def finish_days(
    instruments, instrument_ids, minute_prices, bars, source_row, calendar_row, closed_second, deadline
):
    """Finalise the day bars whose close can no longer change.

    Without an official print the last price is the close, and it is unknown if that price was unknown
    at the end of the session: a feed that died at noon has no close.

    Args:
        instruments: INSTRUMENT_STATE (rows,).
        instrument_ids: int32 (rows,).
        minute_prices: int64 (512, rows): the session's last minute has its last price.
        bars: BAR (≥ rows,), filled from the front with home instruments' day bars.
        source_row: Row of the source.
        calendar_row: Row of the calendar whose session has closed.
        closed_second: All earlier seconds are closed.
        deadline: Whether the wait for official closes is over.

    Returns:
        Number of bars written, plus (days made final) << 32.
    """
    written = 0
    final = 0
    closed_ns = closed_second * _SECOND_NS
    for row in range(len(instruments)):
        instrument = instruments[row]
        if instrument.source != source_row or instrument.calendar != calendar_row:
            continue
        if instrument.final_session >= instrument.session or not _is_final(instrument, closed_ns, deadline):
            continue
        instrument.final_session = instrument.session
        last_minute = instrument.session_close_ns // _MINUTE_NS - 1
        instrument.final_close = (
            instrument.official_close
            if instrument.official_close > 0
            else minute_prices[last_minute & _MINUTE_MASK, row]
        )
        instrument.final_volume = session_volume(instrument)
        final += 1
        if instrument.home and (instrument.final_close > 0 or instrument.day_close > 0):
            _write_day_bar(bars[written], instrument, instrument_ids[row])
            written += 1
    return written | (final << 32)


@kernel(I8, array_of(INSTRUMENT_STATE), I8, I8, I8, I8, I8, I8)
def open_session(instruments, source_row, calendar_row, session, open_ns, close_ns, next_open_ns):
    """Start a session for one source's instruments on one calendar.

    Args:
        instruments: INSTRUMENT_STATE (rows,).
        source_row: Row of the source.
        calendar_row: Row of the calendar.
        session: Days since 1970-01-01.
        open_ns: First nanosecond of the session.
        close_ns: One past its last nanosecond.
        next_open_ns: First nanosecond of the session after it.

    Returns:
        Number of instruments that entered the session.
    """
    entered = 0
    for row in range(len(instruments)):
        instrument = instruments[row]
        if instrument.source != source_row or instrument.calendar != calendar_row:
            continue
        entered += 1
        instrument.session = session
        instrument.session_open_ns = open_ns
        instrument.session_close_ns = close_ns
        instrument.next_open_ns = next_open_ns
        instrument.last_price = 0
        instrument.last_ts = 0
        instrument.stale = 0
        instrument.fresh_trades = 0
        instrument.gap = 0
        instrument.day_gap = 0
        instrument.revised = 0
        instrument.day_open = 0
        instrument.day_high = 0
        instrument.day_low = 0
        instrument.day_close = 0
        instrument.day_volume = 0
        instrument.day_trades = 0
        clear_minute(instrument)
        instrument.official_close = 0
        instrument.official_ts = 0
        instrument.official_open = 0
        instrument.late_ticks = 0
    return entered


@kernel(I8, array_of(INSTRUMENT_STATE), I8, I8)
def next_official_second(instruments, source_row, calendar_row):
    """Return the earliest second at which a waiting day becomes final by its official close.

    Args:
        instruments: INSTRUMENT_STATE (rows,).
        source_row: Row of the source.
        calendar_row: Row of the calendar whose session has closed.

    Returns:
        Unix second, or a very late one if there is no such close.
    """
    earliest = _FAR_SECOND
    for row in range(len(instruments)):
        instrument = instruments[row]
        if instrument.source != source_row or instrument.calendar != calendar_row:
            continue
        if instrument.final_session < instrument.session and instrument.official_close > 0:
            earliest = min(earliest, instrument.official_ts // _SECOND_NS + 1)
    return earliest
