"""core.partition.bars: closing seconds and minutes, kernel by kernel."""

from __future__ import annotations

from core.model.records import NANOSECONDS_PER_SECOND as SECOND
from core.model.records import BarFlag, Frequency, Quality
from core.partition.seconds import close_seconds
from tests.support.instrument_rows import (
    CLOSE_S,
    MAX_AGE_S,
    OPEN_S,
    PRICE,
    close,
    minute_bars,
    state,
    trade,
)


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


def test_an_index_says_that_it_has_no_volume() -> None:
    of = state()
    of.instruments["has_volume"] = 0
    trade(of, OPEN_S)
    close(of, OPEN_S, OPEN_S + 60)
    (bar,) = minute_bars(of, OPEN_S // 60)
    assert (bar["volume"], bar["flags"]) == (-1, BarFlag.NO_VOLUME)
