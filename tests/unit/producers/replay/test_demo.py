from __future__ import annotations

from datetime import date
from importlib.resources import files

import polars as pl

from producers.replay.bar_files import read_bars
from producers.replay.compact import DAILY_SOURCES, compact_bars, compact_daily
from producers.replay.demo import BARS_FILE, DAILY_FILE, demo_bars, demo_daily, demo_recording
from tests.support.shared_data import shared_data

SYMBOLS = ["AAPL", "AMZN", "GOOG", "META", "MSFT", "NVDA", "QQQ", "RUT", "SPX", "SPY", "TSLA"]


def test_bars_are_the_recorded_ones_figure_by_figure() -> None:
    recorded = read_bars(shared_data("intraday/fixture_5m_2024-07-08_2024-07-17.csv")).sort("start", "symbol")
    shipped = demo_bars()
    assert shipped.height == 11 * 8 * 78
    assert sorted(shipped["symbol"].unique()) == SYMBOLS
    for name in ("symbol", "start", "volume"):
        assert (shipped[name] == recorded[name].cast(shipped.schema[name])).all(), name
    for name in ("open", "high", "low", "close"):
        # By text: the source writes some of its cents as 227.35000000000002.
        told = [f"{price:.2f}" for price in recorded[name]]
        assert [repr(float(text)) for text in told] == [repr(price) for price in shipped[name]], name


def test_daily_closes_are_those_of_the_daily_files() -> None:
    shipped = demo_daily()
    for symbol, (name, first) in DAILY_SOURCES.items():
        recorded = pl.read_csv(shared_data(name), columns=["date", "close"], try_parse_dates=True)
        recorded = recorded.filter(pl.col("date").is_between(first, date(2024, 7, 17)))
        ours = shipped.filter(pl.col("symbol") == symbol)
        assert ours["session"].to_list() == recorded["date"].to_list()
        assert ours["close"].to_list() == recorded["close"].to_list()
    assert shipped.filter(pl.col("symbol") == "RUT")["session"].min() == date(1990, 1, 2)
    assert "GOOG" not in shipped["symbol"]


def test_daily_until_includes_its_day() -> None:
    rut = demo_daily(date(2024, 7, 10)).filter(pl.col("symbol") == "RUT")
    assert rut.row(-1) == ("RUT", date(2024, 7, 10), 2051.75)


def test_shipped_files_are_what_compact_makes_and_stay_small() -> None:
    root = shared_data("intraday").parent
    data = files("producers.replay") / "data"
    assert pl.read_parquet(str(data / BARS_FILE)).equals(compact_bars(root))
    assert pl.read_parquet(str(data / DAILY_FILE)).equals(compact_daily(root))
    assert sum(len((data / name).read_bytes()) for name in (BARS_FILE, DAILY_FILE)) < 1_000_000
    notice = (data / "NOTICE").read_text()
    assert BARS_FILE in notice
    assert DAILY_FILE in notice


def test_recording_is_the_same_every_time() -> None:
    one, other = demo_recording(), demo_recording()
    assert one.trades.tobytes() == other.trades.tobytes()
    assert (one.symbols, one.prints) == (other.symbols, other.prints)


def test_every_session_ends_with_the_official_closes() -> None:
    recording = demo_recording()
    daily = {(symbol, session): close for symbol, session, close in demo_daily().iter_rows()}
    closing = [
        trade for trade in map(recording.trade, range(len(recording))) if set(trade.conditions) & {"6", "M"}
    ]
    assert len(closing) == 10 * 8
    for trade in closing:
        session = date.fromordinal(date(1970, 1, 1).toordinal() + trade.ts_event_ns // 86_400_000_000_000)
        assert trade.price == daily[trade.symbol, session]


def test_other_closes_stand_in_for_the_shipped_ones() -> None:
    closes = pl.DataFrame({"symbol": ["RUT"], "session": [date(2024, 7, 11)], "close": [2111.0]})
    recording = demo_recording(closes)
    trades = map(recording.trade, range(len(recording)))
    closing = [trade for trade in trades if set(trade.conditions) & {"6", "M"}]
    assert [(trade.symbol, trade.price) for trade in closing] == [("RUT", 2111.0)]
