from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgpack
import numpy as np
import pytest

from core.model.conditions import decide
from core.model.errors import HistoryError
from core.model.records import Update
from producers.replay.recording import RecordedTrade, Recording
from producers.replay.tick_files import load_tick_files, tick_files_in
from producers.replay.wire import JsonCodec, MsgpackCodec
from tests.support.real_day import EXCHANGES as LISTING_EXCHANGE
from tests.support.real_day import tape_file

HEADER = "symbol,date,ms,price,size,exchange,cond,suspicious\n"


def ns(clock: datetime) -> int:
    return int(clock.timestamp()) * 1_000_000_000


def tick_file(directory: Path, *rows: str) -> Path:
    path = directory / "ticks.csv"
    path.write_text(HEADER + "".join(row + "\n" for row in rows))
    return path


def test_reads_a_trade_as_the_tape_would_tell_it(tmp_path: Path) -> None:
    path = tick_file(tmp_path, "SPY,2013-10-08,57601196,165.48,2764728,P,1000001,0")
    at_close = ns(datetime(2013, 10, 8, 20, 0, 1, tzinfo=UTC)) + 196_000_000
    expected = RecordedTrade("SPY", 1, at_close, 165.48, 2_764_728, "P", (" ", "6"), "B")
    assert load_tick_files([path]).trade(0) == expected


@pytest.mark.parametrize("day", ["2013-03-08", "2013-03-11", "2013-11-01", "2013-11-04"])
def test_midnight_is_new_yorks_on_both_sides_of_a_clock_change(tmp_path: Path, day: str) -> None:
    path = tick_file(tmp_path, f"SPY,{day},34200000,150.5,100,P,1,0")
    opening = datetime.fromisoformat(day).replace(hour=9, minute=30, tzinfo=ZoneInfo("America/New_York"))
    assert load_tick_files([path]).trade(0).ts_event_ns == ns(opening)


def test_trade_ids_run_per_symbol_and_day(tmp_path: Path) -> None:
    path = tick_file(
        tmp_path,
        "SPY,2013-10-07,34200000,167.1,100,P,1,0",
        "SPY,2013-10-08,34200000,167.2,100,P,1,0",
        "SPY,2013-10-08,34200000,167.3,100,Q,20,0",
    )
    assert load_tick_files([path]).trades["trade_id"].tolist() == [1, 1, 2]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("SPY,2013-10-08,86400000,165.48,100,P,1,0", "ms outside its day"),
        ("SPY,2013-10-08,34200000,0,100,P,1,0", "price"),
        ("SPY,2013-10-08,34200000,nan,100,P,1,0", "price"),
        ("SPY,2013-10-08,34200000,165.48,-1,P,1,0", "negative size"),
        ("SPY,2013-10-8x,34200000,165.48,100,P,1,0", "YYYY-MM-DD"),
        ("SPY,2013-10-08,,165.48,100,P,1,0", "empty field"),
        ("SPY,2013-10-08,34200000,165.48,100,P,xyz,0", "hexadecimal"),
        ("SPY,2013-10-08,34200000,165.48,100,P,40000000,0", "undocumented"),
        ("XXX,2013-10-08,34200000,165.48,100,P,1,0", "--listing XXX"),
        ("SPY,2013-10-08,soon,165.48,100,P,1,0", "not a tick file"),
    ],
)
def test_bad_row_is_refused_with_file_and_reason(tmp_path: Path, row: str, problem: str) -> None:
    path = tick_file(tmp_path, "SPY,2013-10-08,34200000,165.48,100,P,1,0", row)
    with pytest.raises(HistoryError) as refused:
        load_tick_files([path])
    assert problem in str(refused.value)


def test_bad_row_is_named_by_its_line(tmp_path: Path) -> None:
    good = "SPY,2013-10-08,34200000,165.48,100,P,1,0"
    path = tick_file(tmp_path, good, good, "SPY,2013-10-08,34200000,-1,100,P,1,0")
    with pytest.raises(HistoryError, match=r"ticks\.csv, line 4: a price"):
        load_tick_files([path])


def test_missing_column_and_missing_file_are_told_apart(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("symbol,price\nSPY,1\n")
    with pytest.raises(HistoryError, match="the header must be symbol,date,ms"):
        load_tick_files([wrong])
    with pytest.raises(HistoryError, match="cannot be read"):
        load_tick_files([tmp_path / "none.csv"])
    with pytest.raises(HistoryError, match="nowhere does not exist"):
        tick_files_in(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(HistoryError, match="contains no tick file"):
        tick_files_in(tmp_path / "empty")


@pytest.fixture(scope="module")
def tape() -> Recording:
    """The whole day of 2013-10-08."""
    return load_tick_files(map(tape_file, LISTING_EXCHANGE))


def official_close(tape: Recording, symbol: str) -> RecordedTrade:
    """The first print after the close that the rule table calls official."""
    day = tape.only([symbol])
    after = day.between(ns(datetime(2013, 10, 8, 20, tzinfo=UTC)), ns(datetime(2013, 10, 9, tzinfo=UTC)))
    for trade in map(after.trade, range(len(after))):
        listed = trade.exchange == LISTING_EXCHANGE[symbol]
        if decide(trade.tape, trade.conditions, from_listing_exchange=listed).update & Update.OFFICIAL:
            return trade
    pytest.fail(f"{symbol} has no official close")


@pytest.mark.parametrize(
    ("symbol", "price", "size"),
    [
        ("SPY", 165.48, 2_764_728),
        ("AIG", 47.70, 262_040),
        ("BAC", 13.69, 2_631_493),
        ("IBM", 178.72, 262_948),
    ],
)
def test_official_close_of_2013_10_08_is_the_listing_exchanges_auction(
    tape: Recording, symbol: str, price: float, size: int
) -> None:
    close = official_close(tape, symbol)
    assert (close.price, close.size) == (price, size)


def test_million_share_print_after_the_close_moves_no_price(tape: Recording) -> None:
    """Guards the day's close against the print at 167.51 on 2013-10-08."""
    spy = tape.only(["SPY"])
    row = int((spy.trades["size"] == 1_002_405).argmax())
    trade = spy.trade(row)
    assert (trade.price, trade.conditions) == (167.51, (" ", "T"))
    assert decide(trade.tape, trade.conditions, from_listing_exchange=False).update == Update.VOLUME


def test_day_volume_reconciles_with_the_daily_file_to_a_thousandth(tape: Recording) -> None:
    """Settles that SPY's record of regular sale and official close is the auction itself."""
    spy = tape.only(["SPY"])
    counts = np.array(
        [
            bool(decide(printed.tape, printed.conditions, from_listing_exchange=False).update & Update.VOLUME)
            for printed in spy.prints
        ]
    )
    counted = int(spy.trades["size"][counts[spy.trades["print"]]].sum())
    assert counted == pytest.approx(178_015_000, rel=1e-3)
    assert counted - 2_764_728 != pytest.approx(178_015_000, rel=1e-2)


def test_every_condition_of_the_files_is_known_to_the_rule_table(tape: Recording) -> None:
    unknown = {
        letter
        for printed in tape.prints
        for letter in decide(printed.tape, printed.conditions, from_listing_exchange=False).unknown
    }
    assert unknown == set()
    assert len(tape.prints) > 50


def test_prices_with_more_than_nine_decimals_are_played_exactly(tmp_path: Path) -> None:
    path = tick_file(
        tmp_path,
        "IWM,2013-10-08,34200000,0.000012,50000000000,P,1,0",
        "IWM,2013-10-08,34201000,0.00001234567891,1,P,1,0",
        "SPY,2013-10-08,34200000,165.48,100,P,1,0",
    )
    recording = load_tick_files([path])
    assert recording.exponents == {"IWM": -14}
    played = [recording.trade(row) for row in range(3)]
    assert [(trade.symbol, trade.price, trade.size) for trade in played] == [
        ("IWM", 0.000012, 50_000_000_000), ("SPY", 165.48, 100), ("IWM", 0.00001234567891, 1),
    ]  # fmt: skip
    assert recording.only(["IWM"]).trade(1).price == 0.00001234567891
    sent = JsonCodec().trades(recording, recording.trades, [0])[0]
    assert [message["p"] for message in json.loads(sent)] == [0.000012, 165.48, 0.00001234567891]
    packed = MsgpackCodec().trades(recording, recording.trades, [0])[0]
    assert [message["p"] for message in msgpack.unpackb(packed, timestamp=3)] == [
        0.000012, 165.48, 0.00001234567891,
    ]  # fmt: skip
