"""Applies the records of a frame: the hot path.

`apply_ticks` adds trades to open seconds and closes seconds as clock marks pass them. It returns to the
caller before anything else ends with a second (a minute, a session, a day), so that the caller can close
bars and evaluate pairs at exactly that point of the log, independent of the framing.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np

from core.kernels.jit import BOOL, I4, I8, TICKS, array_of, inlined, kernel
from core.kernels.prefetch import prefetch
from core.model.records import NANOSECONDS_PER_SECOND, TickKind
from core.partition.seconds import close_second
from core.partition.state import INSTRUMENT_STATE, OPEN_SECOND, SOURCE_STATE
from core.partition.trades import apply_trade, trade_problem

_CANCEL: Final = int(TickKind.CANCEL)
_GAP: Final = int(TickKind.GAP)
_CLOCK: Final = int(TickKind.CLOCK)
_STATUS: Final = int(TickKind.STATUS)
_LAST_KIND: Final = int(max(TickKind))
_SECOND_NS: Final = NANOSECONDS_PER_SECOND
_AHEAD: Final = 8
"""Prefetch distance in ticks: with 10,000 instruments the state does not fit the cache."""


class Note(IntEnum):
    """Why `apply_ticks` returns a record to the caller instead of applying it."""

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
    """Valid: an official print after its day was final."""
    CONTROL = 33
    """Valid: a baseline, adjustment, settings, source-closed or artefacts record."""

    @property
    def reason(self) -> str:
        """Label in dead letters and metrics."""
        return self.name.lower()


@inlined
def _apply_gap(source_row, instruments):
    """Apply a gap: every price of the source is unknown until it trades again."""
    for row in range(len(instruments)):
        if instruments[row].source == source_row:
            instruments[row].gap = 1
            instruments[row].day_gap = 1


@inlined
def _apply_mark(tick, source):
    """Advance a source's clock. 1: a second closes; 0: none; -1: the mark moves backwards."""
    if tick.ts_event < source.mark_ns:
        return -1
    source.mark_ns = tick.ts_event
    source.dead = 0
    if (source.mark_ns - source.lateness_ns) // _SECOND_NS > source.closed_second:
        return 1
    return 0


@inlined
def _row_of(tick, row_of_id):
    """Return the row of the tick's instrument, -1 if it is not ours."""
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
    array_of(I8, 2),
    array_of(I8),
    BOOL,
    array_of(I8),
)
def apply_ticks(
    ticks,
    start,
    source_row,
    sources,
    row_of_id,
    instruments,
    seconds,
    second_prices,
    next_ends,
    blank,
    notes,
):
    """Apply ticks from `start` until the end, the end of more than a second, or a control record.

    Args:
        ticks: TICK (n,), read-only.
        start: First tick to apply.
        source_row: Row of the frame's source in `sources`.
        sources: SOURCE_STATE (sources,).
        row_of_id: int32 (max id + 1,): instrument id → row, -1 where not ours.
        instruments: INSTRUMENT_STATE (rows,).
        seconds: OPEN_SECOND (slots, rows).
        second_prices: int64 (1024, rows), written at second & 1023.
        next_ends: int64 (sources,): first Unix second at which the caller must act on a source; until
            then seconds are closed here.
        blank: Whether instruments out of session get `no session` in the ring, for pairs of two calendars.
        notes: int64 (capacity,): filled with position | Note << 32; a full buffer ends the call
            early, and the caller calls again.

    Returns:
        Position after the last processed tick, in the low 32 bits; the number of notes in the
        next 30; bit 62 means that the caller must close seconds before continuing. `unpack` splits it.
    """
    source = sources[source_row]
    filled = 0
    boundary = 0
    position = start
    count = len(ticks)
    while position < count and filled < len(notes) and boundary == 0:
        tick = ticks[position]
        position += 1
        # Inlined by hand: LLVM does not inline it as a function, and the call costs what it saves.
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
            code = trade_problem(tick, source, row, instruments, source_row)
            if code == 0 and apply_trade(tick, row, instruments[row], seconds, source):
                code = 32
        elif kind == _CLOCK:
            source.count_marks += 1
            boundary = _apply_mark(tick, source)
            if boundary < 0:
                boundary = 0
                code = 8
            # The caller acts on notes first: a revision must not see seconds that end after it.
            elif boundary and filled == 0:
                target = (source.mark_ns - source.lateness_ns) // _SECOND_NS
                if target < next_ends[source_row]:
                    for second in range(source.closed_second, target):
                        close_second(instruments, seconds, second_prices, source_row, second, blank)
                    source.closed_second = target
                    boundary = 0
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
        elif kind <= _LAST_KIND:
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
    """Split the result of `apply_ticks`.

    Args:
        packed: Its result.

    Returns:
        Next position, number of notes, and whether the caller must close seconds.

    Example:
        >>> unpack(3 | (2 << 32) | (1 << 62))
        (3, 2, True)
    """
    return packed & 0xFFFF_FFFF, (packed >> 32) & 0x3FFF_FFFF, bool(packed >> 62)
