"""core.partition.instrument_days: a session begins, waits for its close, and becomes a bar."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.model.records import BAR, BarFlag
from core.model.records import NANOSECONDS_PER_SECOND as SECOND
from core.partition.instrument_days import finish_days, next_official_second, open_session
from core.partition.state import InstrumentState
from tests.support.instrument_rows import CLOSE_S, OPEN_S, PRICE, close, minute_bars, state, trade

OFFICIAL_LATER = 10**11


def day_bars(
    of: InstrumentState, closed_second: int, *, deadline: bool = False
) -> tuple[NDArray[np.void], int]:
    bars = np.zeros(len(of.instruments), BAR)
    ids = np.arange(100, 100 + len(of.instruments), dtype=np.int32)
    packed = finish_days(of.instruments, ids, of.minute_prices, bars, 0, 0, closed_second, deadline)
    return bars[: packed & 0xFFFF_FFFF], packed >> 32


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
    assert (bar["close"], bar["high"], bar["low"]) == (77 * 10**9, 77 * 10**9, PRICE)
    assert bar["flags"] == BarFlag.OFFICIAL_CLOSE
    assert next_official_second(of.instruments, 0, 0) > OFFICIAL_LATER


@pytest.mark.parametrize(
    ("prices", "official", "expected"),
    [
        ((182.81, 184.72, 182.36), 184.77, (184.77, 182.36)),  # IBM 2013-10-10: the auction's print
        ((543.70, 548.98, 543.65), 549.01, (549.01, 543.65)),  # SPY 2024-07-02
        ((182.81, 184.72, 182.36), 182.30, (184.72, 182.30)),
        ((182.81, 184.72, 182.36), 183.00, (184.72, 182.36)),
    ],
)
def test_the_range_of_a_day_holds_its_official_close(
    prices: tuple[float, float, float], official: float, expected: tuple[float, float]
) -> None:
    of = state()
    of.instruments["has_official_close"] = 1
    units = [round(price * 10**9) for price in prices]
    for second, price in enumerate(units):
        trade(of, OPEN_S + second, price)
    close(of, OPEN_S, OPEN_S + 5)
    close(of, CLOSE_S - 60, CLOSE_S)
    of.instruments["official_close"] = round(official * 10**9)
    of.instruments["official_ts"] = (CLOSE_S + 3) * SECOND
    (bar,), _ = day_bars(of, CLOSE_S + 4)
    assert (int(bar["high"]), int(bar["low"])) == tuple(round(price * 10**9) for price in expected)
    assert (int(bar["open"]), int(bar["close"])) == (units[0], round(official * 10**9))
    # The tape's own range stays: a close that is cancelled or corrected before the bar leaves no trace.
    assert (of.instruments[0]["day_high"], of.instruments[0]["day_low"]) == (units[1], units[2])


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
