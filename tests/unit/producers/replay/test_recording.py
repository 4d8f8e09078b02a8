from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.errors import HistoryError
from producers.replay.recording import RECORDED_TRADE, Column, Print, Recording, assemble

PLAIN = Print("P", (" ",), "B")


def column(symbol: str, *instants: int) -> Column:
    count = len(instants)
    return Column(
        symbol,
        np.array(instants, np.int64),
        np.full(count, 5_000_000_000),
        np.full(count, 100),
        [PLAIN],
        np.zeros(count, np.int64),
    )


def test_merges_by_event_time_and_keeps_the_order_of_one_instant() -> None:
    recording = assemble([column("SPY", 10, 20, 20), column("IWM", 20, 5)])
    told = [(trade.symbol, trade.trade_id) for trade in map(recording.trade, range(len(recording)))]
    assert told == [("IWM", 2), ("SPY", 1), ("SPY", 2), ("SPY", 3), ("IWM", 1)]


@given(st.lists(st.lists(st.integers(0, 50), max_size=20), min_size=1, max_size=5).filter(any))
def test_order_is_ascending_and_stable_whatever_the_columns(instants: list[list[int]]) -> None:
    recording = assemble(column(f"S{number}", *times) for number, times in enumerate(instants))
    merged = sorted(
        (ts, number, row) for number, times in enumerate(instants) for row, ts in enumerate(times, start=1)
    )
    told = [
        (trade.ts_event_ns, int(trade.symbol[1:]), trade.trade_id)
        for trade in map(recording.trade, range(len(recording)))
    ]
    assert told == merged


def test_trade_is_given_in_a_readers_units() -> None:
    trade = assemble([column("SPY", 7)]).trade(0)
    assert trade == ("SPY", 1, 7, 5.0, 100, "P", (" ",), "B")


def test_trade_ids_begin_anew_for_each_column() -> None:
    recording = assemble([column("SPY", 1, 2), column("SPY", 11, 12)])
    assert recording.trades["trade_id"].tolist() == [1, 2, 1, 2]
    assert recording.symbols == ("SPY",)


def test_only_and_between_keep_what_they_name() -> None:
    recording = assemble([column("SPY", 1, 3), column("IWM", 2, 4)])
    assert recording.only(["IWM"]).trades["ts_event"].tolist() == [2, 4]
    assert recording.only(["IWM"]).symbols_traded() == ("IWM",)
    assert recording.between(2, 4).trades["ts_event"].tolist() == [2, 3]


def test_unknown_symbol_is_named_with_the_known_ones() -> None:
    with pytest.raises(HistoryError, match=r"QQQ(.|\n)*IWM, SPY"):
        assemble([column("SPY", 1), column("IWM", 2)]).only(["QQQ"])


def test_nothing_to_play_is_refused() -> None:
    with pytest.raises(HistoryError, match="no trade"):
        assemble([])


def test_descending_time_is_refused() -> None:
    trades = np.zeros(2, RECORDED_TRADE)
    trades["ts_event"] = [2, 1]
    with pytest.raises(HistoryError, match="event-time order"):
        Recording(trades, ("SPY",), (PLAIN,))


def test_trades_cannot_be_changed() -> None:
    recording = assemble([column("SPY", 1)])
    with pytest.raises(ValueError, match="read-only"):
        recording.trades["price"][0] = 1
