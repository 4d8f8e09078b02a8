"""Rows of instruments in a session of ten minutes, and what trades and closed seconds make of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.model.records import BAR
from core.model.records import NANOSECONDS_PER_SECOND as SECOND
from core.partition.bars import close_minute
from core.partition.instrument_days import open_session
from core.partition.seconds import close_seconds
from core.partition.state import InstrumentState, allocate_instruments
from tests.support.open_seconds import open_second

OPEN_S, CLOSE_S = 60_000, 60_600  # ten minutes, whole ones
MAX_AGE_S = 30
PRICE = 50 * 10**9


def state(rows: int = 1) -> InstrumentState:
    fresh = allocate_instruments(rows, 1, 8)
    fresh.instruments["home"] = fresh.instruments["has_volume"] = 1
    fresh.instruments["max_age_ns"] = MAX_AGE_S * SECOND
    open_session(fresh.instruments, 0, 0, 7, OPEN_S * SECOND, CLOSE_S * SECOND, 2 * CLOSE_S * SECOND)
    return fresh


def trade(
    of: InstrumentState, second: int, price: int = PRICE, *, trades: int = 1, row: int = 0, offset_ns: int = 0
) -> None:
    slot = open_second(of, row, second)
    slot["second"] = second
    slot["open"] = slot["high"] = slot["low"] = slot["close"] = price
    slot["open_offset_ns"] = slot["close_offset_ns"] = offset_ns
    slot["trades"] = slot["last_trades"] = trades
    slot["volume"] = trades * SECOND


def close(of: InstrumentState, first: int, stop: int) -> list[int]:
    """Close seconds; the ring's entries for instrument 0."""
    close_seconds(of.instruments, of.seconds, of.second_prices, 0, first, stop)
    return [int(of.second_prices[second & 1023, 0]) for second in range(first, stop)]


def minute_bars(of: InstrumentState, minute: int) -> NDArray[np.void]:
    bars = np.zeros(len(of.instruments), BAR)
    ids = np.arange(100, 100 + len(of.instruments), dtype=np.int32)
    count = close_minute(of.instruments, ids, of.second_prices, of.minute_prices, bars, 0, minute)
    found: NDArray[np.void] = bars[:count]
    return found
