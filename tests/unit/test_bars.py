"""core.bars: closing seconds, minutes and days, kernel by kernel."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.bars import (
    close_minute,
    close_seconds,
    finish_days,
    next_official_second,
    open_session,
)
from core.records import BAR, BarFlag, Frequency, Quality
from core.records import NANOSECONDS_PER_SECOND as SECOND
from core.state import InstrumentState, allocate_instruments
from tests.support.open_seconds import open_second

OPEN_S, CLOSE_S = 60_000, 60_600  # ten minutes, whole ones
MAX_AGE_S = 30
PRICE = 50 * 10**9
OFFICIAL_LATER = 10**11


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


def day_bars(
    of: InstrumentState, closed_second: int, *, deadline: bool = False
) -> tuple[NDArray[np.void], int]:
    bars = np.zeros(len(of.instruments), BAR)
    ids = np.arange(100, 100 + len(of.instruments), dtype=np.int32)
    packed = finish_days(of.instruments, ids, of.minute_prices, bars, 0, 0, closed_second, deadline)
    return bars[: packed & 0xFFFF_FFFF], packed >> 32


def test_before_the_first_trade_a_price_is_not_ready() -> None:
    of = state()
    trade(of, OPEN_S + 2)
    assert close(of, OPEN_S, OPEN_S + 4) == [-Quality.NOT_READY, -Quality.NOT_READY, PRICE, PRICE]


def test_a_price_may_be_exactly_as_old_as_allowed() -> None:
    of = state()
    trade(of, OPEN_S)
    prices = close(of, OPEN_S, OPEN_S + MAX_AGE_S + 1)
    assert prices == [PRICE] * MAX_AGE_S + [-Quality.STALE]


def test_one_trade_does_not_end_staleness_but_two_do() -> None:
    of = state()
    trade(of, OPEN_S)
    close(of, OPEN_S, OPEN_S + 40)
    trade(of, OPEN_S + 40)
    assert close(of, OPEN_S + 40, OPEN_S + 42) == [-Quality.STALE] * 2
    trade(of, OPEN_S + 42)
    assert close(of, OPEN_S + 42, OPEN_S + 43) == [PRICE]


def test_two_trades_of_one_second_end_staleness_at_once() -> None:
    of = state()
    trade(of, OPEN_S)
    close(of, OPEN_S, OPEN_S + 40)
    trade(of, OPEN_S + 40, trades=2)
    assert close(of, OPEN_S + 40, OPEN_S + 41) == [PRICE]


def test_a_halt_outranks_everything_and_a_gap_everything_but_staleness() -> None:
    of = state()
    trade(of, OPEN_S)
    of.instruments["gap"] = 1
    assert close(of, OPEN_S, OPEN_S + 1) == [-Quality.GAP]
    of.instruments["halted"] = 1
    assert close(of, OPEN_S + 1, OPEN_S + 2) == [-Quality.HALTED]
    of.instruments["halted"] = 0
    assert close(of, OPEN_S + 2, OPEN_S + 32)[-1] == -Quality.STALE


def test_outside_the_session_and_for_other_sources_nothing_closes() -> None:
    of = state(2)
    of.instruments["source"] = [0, 1]
    before = of.instruments.tobytes()
    assert close_seconds(of.instruments, of.seconds, of.second_prices, 0, OPEN_S - 5, OPEN_S) == 0
    assert of.instruments.tobytes() == before
    assert close_seconds(of.instruments, of.seconds, of.second_prices, 0, OPEN_S, OPEN_S + 1) == 1
    assert close_seconds(of.instruments, of.seconds, of.second_prices, 0, CLOSE_S, CLOSE_S + 1) == 0


def test_a_minute_holds_its_seconds_and_starts_the_next_empty() -> None:
    of = state()
    for second, price in ((OPEN_S + 5, 50), (OPEN_S + 7, 53), (OPEN_S + 9, 49), (OPEN_S + 9 + 3, 51)):
        trade(of, second, price * 10**9)
        close(of, second, second + 1)
    close(of, OPEN_S + 13, OPEN_S + 60)
    (bar,) = minute_bars(of, OPEN_S // 60)
    assert [bar[name] // 10**9 for name in ("open", "high", "low", "close", "volume")] == [50, 53, 49, 51, 4]
    assert (bar["ts_start"], bar["instrument_id"], bar["session"]) == (OPEN_S * SECOND, 100, 7)
    assert (bar["trades"], bar["frequency"], bar["flags"]) == (4, Frequency.MINUTE, 0)
    # The last trade is 48 s old at the minute's end: stale, and so is the minute's price.
    assert of.minute_prices[(OPEN_S // 60) & 511, 0] == -Quality.STALE
    assert len(minute_bars(of, OPEN_S // 60)) == 0


def test_only_home_instruments_that_traded_have_bars() -> None:
    of = state(3)
    of.instruments["home"] = [1, 0, 1]
    trade(of, OPEN_S, row=0)
    trade(of, OPEN_S, row=1)
    close(of, OPEN_S, OPEN_S + 60)
    assert minute_bars(of, OPEN_S // 60)["instrument_id"].tolist() == [100]


def test_a_day_waits_for_its_official_close_or_the_deadline() -> None:
    of = state()
    of.instruments["has_official_close"] = 1
    trade(of, CLOSE_S - 1)
    close(of, CLOSE_S - 60, CLOSE_S)
    minute_bars(of, CLOSE_S // 60 - 1)
    assert day_bars(of, CLOSE_S - 1)[1] == 0  # not over yet
    assert day_bars(of, CLOSE_S + 10)[1] == 0  # waits
    (bar,), final = day_bars(of, CLOSE_S + 20, deadline=True)
    assert (final, bar["close"], bar["flags"]) == (1, PRICE, 0)
    assert day_bars(of, CLOSE_S + 30, deadline=True)[1] == 0  # once


def test_an_official_close_is_the_close_from_the_second_after_it() -> None:
    of = state()
    of.instruments["has_official_close"] = 1
    trade(of, CLOSE_S - 1)
    close(of, CLOSE_S - 60, CLOSE_S)
    of.instruments["official_close"], of.instruments["official_ts"] = 77 * 10**9, (CLOSE_S + 3) * SECOND + 5
    assert next_official_second(of.instruments, 0, 0) == CLOSE_S + 4
    assert day_bars(of, CLOSE_S + 3)[1] == 0
    (bar,), _ = day_bars(of, CLOSE_S + 4)
    assert (bar["close"], bar["high"], bar["flags"]) == (77 * 10**9, PRICE, BarFlag.OFFICIAL_CLOSE)
    assert next_official_second(of.instruments, 0, 0) > OFFICIAL_LATER


def test_without_an_official_close_to_wait_for_a_day_is_final_at_its_close() -> None:
    of = state()
    trade(of, CLOSE_S - 1)
    close(of, CLOSE_S - 60, CLOSE_S)
    minute_bars(of, CLOSE_S // 60 - 1)
    (bar,), final = day_bars(of, CLOSE_S)
    assert (final, bar["close"], of.instruments[0]["final_close"]) == (1, PRICE, PRICE)


@pytest.mark.parametrize(
    ("field", "flag"),
    [("day_gap", BarFlag.GAP), ("revised", BarFlag.REVISED), ("late_ticks", BarFlag.LATE_VOLUME)],
)
def test_a_day_bar_says_what_happened_to_it(field: str, flag: BarFlag) -> None:
    of = state()
    trade(of, CLOSE_S - 1)
    close(of, CLOSE_S - 60, CLOSE_S)
    minute_bars(of, CLOSE_S // 60 - 1)
    of.instruments[field] = 1
    (bar,), _ = day_bars(of, CLOSE_S)
    assert bar["flags"] == flag


def test_an_index_says_that_it_has_no_volume() -> None:
    of = state()
    of.instruments["has_volume"] = 0
    trade(of, OPEN_S)
    close(of, OPEN_S, OPEN_S + 60)
    (bar,) = minute_bars(of, OPEN_S // 60)
    assert (bar["volume"], bar["flags"]) == (-1, BarFlag.NO_VOLUME)


def test_a_session_starts_with_nothing_of_the_one_before() -> None:
    of = state()
    trade(of, OPEN_S)
    close(of, OPEN_S, OPEN_S + 40)
    of.instruments["official_close"] = of.instruments["official_open"] = 5
    of.instruments["gap"] = of.instruments["late_ticks"] = 1
    assert open_session(of.instruments, 0, 0, 8, 100, 200, 300) == 1
    instrument = of.instruments[0]
    kept = {
        "session",
        "session_open_ns",
        "session_close_ns",
        "next_open_ns",
        "max_age_ns",
        "home",
        "has_volume",
    }
    kept |= {"final_session", "reserved"} & set(of.instruments.dtype.names or ())
    changed = [n for n in of.instruments.dtype.names or () if n not in kept and instrument[n] != 0]
    assert changed == []
    assert open_session(of.instruments, 0, 1, 9, 1, 2, 3) == 0  # nobody follows that calendar
