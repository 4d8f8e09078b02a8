"""The vendor's own client, unmodified, gets from the replay server what our producer gets.

What neither shares with the other: sockets, decoder, and everything behind them.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from alpaca.data.live import StockDataStream
from alpaca.data.models import Trade as AlpacaTrade
from numpy.typing import NDArray
from pydantic import SecretStr

from core.model.conditions import decide
from core.model.instruments import Source, Universe, parse_universe
from core.model.records import PRICE_UNITS_PER_ONE, TickKind
from core.runtime.backoff import Backoff
from producers.feeds.alpaca.feed import AlpacaFeed
from producers.feeds.alpaca.settings import AlpacaSettings
from producers.feeds.base import Batch, Codec, RawMessage
from producers.ingest.queue import MessageQueue, Overflow
from producers.ingest.session import Session
from producers.ingest.watchdog import FeedWatchdog
from producers.metrics import ProducerCounters
from producers.replay.recording import Recording
from producers.replay.server import ReplayServer
from producers.replay.settings import Faults, Injection, ReplaySettings
from producers.replay.tick_files import load_tick_files
from tests.support.real_day import tape_file

pytestmark = pytest.mark.integration

DEADLINE_S = 90.0

UNIVERSE = """
[[source]]
id = 1
name = "alpaca"

[[instrument]]
id = 1
symbol = "IBM"
name = "International Business Machines"
class = "equity"
calendar = "XNYS"
source = "alpaca"
listing_exchange = "N"

[[instrument]]
id = 2
symbol = "AIG"
name = "American International Group"
class = "equity"
calendar = "XNYS"
source = "alpaca"
listing_exchange = "N"

[[pair]]
numerator = "AIG"
benchmark = "IBM"
"""


@pytest.fixture(scope="module")
def recording() -> Recording:
    """IBM and AIG from before the opening to after the close of 2013-10-08: 76,723 trades."""
    return load_tick_files(map(tape_file, ("IBM", "AIG")))


@pytest.fixture(scope="module")
def universe() -> Universe:
    return parse_universe(UNIVERSE)


@contextmanager
def served(recording: Recording, faults: Faults | None = None) -> Iterator[str]:
    """Serve from a thread of its own, as the clients run their own event loops."""
    address: list[str] = []
    ready, stop = threading.Event(), threading.Event()

    async def serve() -> None:
        async with ReplayServer(recording, ReplaySettings(close_timeout_s=10.0), faults) as server:
            address.append(server.url())
            ready.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(DEADLINE_S)
        yield address[0]
    finally:
        stop.set()
        thread.join(DEADLINE_S)


class VendorClient:
    """alpaca-py in a thread, until it has so many messages."""

    def __init__(self, url: str, *, raw: bool) -> None:
        self.trades: list[Any] = []
        self.others: list[Any] = []
        self._stream = StockDataStream("replay", "replay", raw_data=raw, url_override=url)

    def run_until(self, messages: int, *symbols: str) -> None:
        async def on_trade(trade: Any) -> None:
            self.trades.append(trade)

        async def on_other(message: Any) -> None:
            self.others.append(message)

        self._stream.subscribe_trades(on_trade, *symbols)
        self._stream.subscribe_trading_statuses(on_other, *symbols)
        self._stream.register_trade_corrections(on_other)
        self._stream.register_trade_cancels(on_other)
        thread = threading.Thread(target=self._stream.run)
        thread.start()
        deadline = time.monotonic() + DEADLINE_S
        while len(self.trades) + len(self.others) < messages and time.monotonic() < deadline:
            time.sleep(0.02)
        self._stream.stop()
        thread.join(DEADLINE_S)
        assert not thread.is_alive()


def our_messages(url: str, universe: Universe, codec: Codec) -> tuple[AlpacaFeed, list[RawMessage]]:
    """Everything our session reads up to the end of the recording."""
    source: Source = universe.sources[0]
    key = SecretStr("replay")
    settings = AlpacaSettings(url=url, codec=codec, key_id=key, secret_key=key)
    feed = AlpacaFeed(settings, source, universe.instruments)
    counters = ProducerCounters("alpaca")
    queue = MessageQueue(1_000_000, 1e9, Overflow.WAIT, counters)
    session = Session(
        feed,
        queue,
        counters,
        backoff=Backoff(10, 100, 1000, random=lambda: 0.5),
        watch=FeedWatchdog([], DEADLINE_S),
        recorded=True,
        wall_ns=time.time_ns,
    )
    asyncio.run(asyncio.wait_for(session.run(), DEADLINE_S))
    queue.close()
    taken = queue.take(2**40, 0.0) or []
    assert counters.reconnects.total() == 0
    return feed, [item for item in taken if isinstance(item, RawMessage)]


def our_batch(url: str, universe: Universe, codec: Codec) -> Batch:
    feed, messages = our_messages(url, universe, codec)
    return feed.parse(messages)


@pytest.mark.parametrize("codec", list(Codec))
def test_vendors_client_and_our_producer_get_the_same_trades(
    recording: Recording, universe: Universe, codec: Codec
) -> None:
    assert len(recording) > 20_000
    with served(recording) as url:
        vendor = VendorClient(url, raw=True)
        vendor.run_until(len(recording), "IBM", "AIG")
    with served(recording) as url:
        batch = our_batch(url, universe, codec)
    assert len(vendor.trades) == len(batch.ticks) == len(recording)
    assert batch.rejects == ()
    assert batch.unknown_conditions == 0
    assert_same_trades(vendor.trades, batch.ticks, universe)


def assert_same_trades(messages: list[dict[str, Any]], ticks: NDArray[np.void], universe: Universe) -> None:
    """Symbol, id, instant, price, size, and what the conditions let the trade update."""
    instruments = [universe.instrument(message["S"]) for message in messages]
    assert [instrument.instrument_id for instrument in instruments] == ticks["instrument_id"].tolist()
    assert [message["i"] for message in messages] == ticks["trade_id"].tolist()
    assert [message["t"].to_unix_nano() for message in messages] == ticks["ts_event"].tolist()
    assert [round(message["p"] * PRICE_UNITS_PER_ONE) for message in messages] == ticks["price"].tolist()
    assert [message["s"] * PRICE_UNITS_PER_ONE for message in messages] == ticks["size"].tolist()
    updates = [
        decide(message["z"], message["c"], from_listing_exchange=instrument.is_listed_at(message["x"])).update
        for message, instrument in zip(messages, instruments, strict=True)
    ]
    assert [int(update) for update in updates] == ticks["update"].tolist()


def test_vendors_client_gets_what_was_recorded(recording: Recording) -> None:
    first_ns = int(recording.trades["ts_event"][0])
    slice_ = recording.between(first_ns, first_ns + int(timedelta(hours=3).total_seconds()) * 10**9)
    assert len(slice_) > 1_000
    with served(slice_) as url:
        vendor = VendorClient(url, raw=False)
        vendor.run_until(len(slice_), "*")
    assert all(isinstance(trade, AlpacaTrade) for trade in vendor.trades)
    told = [
        (trade.symbol, trade.id, trade.timestamp, trade.price, trade.size, trade.conditions, trade.tape)
        for trade in vendor.trades
    ]
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert told == [
        (
            trade.symbol,
            trade.trade_id,
            epoch + timedelta(microseconds=trade.ts_event_ns // 1000),
            trade.price,
            float(trade.size),
            list(trade.conditions),
            trade.tape,
        )
        for trade in map(slice_.trade, range(len(slice_)))
    ]


def test_corrections_cancels_and_statuses_reach_both_clients(
    recording: Recording, universe: Universe
) -> None:
    ibm = recording.only(["IBM"])
    first = ibm.trade(0)
    at = {"S": "IBM", "x": first.exchange, "z": "A", "t": first.ts_event_ns}
    correction = {
        "T": "c", **at, "oi": 1, "op": first.price, "os": first.size, "oc": [" "],
        "ci": 2, "cp": first.price + 1, "cs": first.size, "cc": [" "],
    }  # fmt: skip
    cancel = {"T": "x", **at, "i": 3, "p": first.price, "s": first.size, "a": "C"}
    halt = {
        "T": "s", "S": "IBM", "sc": "2", "sm": "Trading Halt", "rc": "T1", "rm": "News Pending", "z": "A",
        "t": first.ts_event_ns,
    }  # fmt: skip
    late_ns = int(ibm.trades["ts_event"][99])
    faults = Faults(injections=tuple(Injection(late_ns, message) for message in (correction, cancel, halt)))
    hundred = ibm.between(first.ts_event_ns, late_ns + 1)
    with served(hundred, faults) as url:
        vendor = VendorClient(url, raw=False)
        vendor.run_until(len(hundred) + 3, "IBM")
    assert [type(message).__name__ for message in vendor.others] == [
        "TradeCorrection",
        "TradeCancel",
        "TradingStatus",
    ]
    with served(hundred, faults) as url:
        ticks = our_batch(url, universe, Codec.MSGPACK).ticks
    kinds = [TickKind(kind) for kind in ticks["kind"] if kind != TickKind.TRADE]
    assert kinds == [TickKind.CANCEL, TickKind.CORRECTION, TickKind.CANCEL, TickKind.STATUS]
    assert np.count_nonzero(ticks["kind"] == TickKind.TRADE) == len(hundred)
