"""The arrays of the tick path lie in memory as the hot loop wants them."""

from __future__ import annotations

import numpy as np
import pytest

from core.kernels.jit import I8, array_of, kernel
from core.kernels.prefetch import prefetch
from core.partition.state import CACHE_LINE_BYTES, INSTRUMENT_STATE, NEVER, OPEN_SECOND, allocate_instruments


def test_records_fill_whole_cache_lines() -> None:
    assert INSTRUMENT_STATE.itemsize % CACHE_LINE_BYTES == 0
    assert OPEN_SECOND.itemsize == CACHE_LINE_BYTES


def test_what_every_tick_reads_of_an_instrument_lies_in_its_first_line() -> None:
    fields = INSTRUMENT_STATE.fields
    assert fields is not None
    for name in ("session_open_ns", "session_close_ns", "next_open_ns", "source", "gap"):
        dtype, offset = fields[name][:2]
        assert offset + dtype.itemsize <= CACHE_LINE_BYTES


@pytest.mark.parametrize("rows", [1, 3, 500])
def test_no_record_lies_across_two_lines(rows: int) -> None:
    """Guards against plain `np.zeros`, which begins 16 bytes into a line."""
    state = allocate_instruments(rows, 2, 8)
    for array in (state.instruments, state.seconds):
        assert array.ctypes.data % CACHE_LINE_BYTES == 0
        assert array.flags.c_contiguous
        assert array.flags.writeable
    assert state.seconds.shape == (8, rows)
    assert (state.seconds["second"] == NEVER).all()


@kernel(I8, array_of(OPEN_SECOND, 2), array_of(INSTRUMENT_STATE))
def _hint(seconds, instruments):  # type: ignore[no-untyped-def]
    for row in range(len(instruments)):
        prefetch(instruments, row)
        for slot in range(len(seconds)):
            prefetch(seconds, (slot, row))
    return len(instruments)


def test_a_hint_changes_nothing() -> None:
    state = allocate_instruments(5, 1, 8)
    state.instruments["last_price"] = np.arange(5)
    before = state.seconds.tobytes(), state.instruments.tobytes()
    assert _hint(state.seconds, state.instruments) == 5
    assert (state.seconds.tobytes(), state.instruments.tobytes()) == before
