"""The vendor's messages to frames: what a producer does with a trade once it has been read.

A batch holds as many messages as the producer's pipeline takes at a time. The peer is the loop
one would write first: decode to dictionaries, look the symbol up, pack a record, trade by trade.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from time import thread_time
from typing import Any

import msgspec
from pydantic import SecretStr

from core.model.records import PRICE_UNITS_PER_ONE, TICK_STRUCT, Update
from core.runtime.garbage import calm_garbage_collector
from producers.feeds.alpaca.feed import AlpacaFeed
from producers.feeds.alpaca.settings import AlpacaSettings
from producers.feeds.base import Codec, RawMessage
from producers.framing.framer import Framer
from producers.framing.rows import take
from producers.ingest.clock import ClockMode, FeedClock
from producers.ingest.dedup import Deduplicator
from producers.ingest.pipeline import TAKE_BYTES
from tests.bench.market import TICKS_SOURCE, Market, framer
from tests.bench.registry import Bench
from tests.bench.report import Figure, Goal, figure, progress
from tests.support.feed_samples import wire

CODEC_GOAL = Goal(0.7, at_least=True)
PER_SECOND = 5_000
TRADES_A_MESSAGE = 32
PARTITIONS = 12
RUNS = 5

Batches = list[list[RawMessage]]


def run(bench: Bench) -> Iterator[Figure]:
    """Time parsing alone, then with clock and frames, then the whole pipeline short of sending."""
    calm_garbage_collector()  # as the producer does
    market = Market(500)
    seconds = bench.size(40, 4)
    for codec in Codec:
        progress(f"{codec}: encoding {seconds * PER_SECOND:,} trades")
        batches, trades = _messages(market, codec, seconds)
        size = f"{TRADES_A_MESSAGE} trades a message, batches of {TAKE_BYTES // 1024} KiB"
        for name, work, goal in (
            ("parse", _parse, None),
            ("parse, clock and frames", _parse_and_frame, CODEC_GOAL),
            ("parse, dedup, clock and frames", _pipeline, None),
        ):
            runs = _rates(partial(work, market, codec), batches, trades)
            yield figure(f"{codec}: {name}", "M ticks/s", runs, goal, size if goal else "")
    progress("peer: a loop in Python")
    batches, trades = _messages(market, Codec.JSON, seconds)
    runs = _rates(lambda: _plain_loop(market), batches, trades)
    yield figure("peer: JSON to dictionaries, one pack a trade, no checks", "M ticks/s", runs)


def _messages(market: Market, codec: Codec, seconds: int) -> tuple[Batches, int]:
    """Trades as the vendor sends them, in the batches that a pipeline takes."""
    ticks = market.trades(market.open_second, seconds, PER_SECOND)
    ticks = ticks[ticks["kind"] == 0]
    trades: list[dict[str, Any]] = [
        {
            "T": "t",
            "i": int(tick["trade_id"]),
            "S": f"S{tick['instrument_id'] - 1}",
            "x": "N",
            "p": round(int(tick["price"]) / PRICE_UNITS_PER_ONE, 2),
            "s": 100,
            "t": int(tick["ts_event"]),
            "c": [" "],
            "z": "A",
        }
        for tick in ticks
    ]
    messages = [
        RawMessage(wire(part, codec), int(part[-1]["t"]))
        for part in (trades[at : at + TRADES_A_MESSAGE] for at in range(0, len(trades), TRADES_A_MESSAGE))
    ]
    a_batch = max(1, TAKE_BYTES // len(messages[0].payload))
    return [messages[at : at + a_batch] for at in range(0, len(messages), a_batch)], len(trades)


def _rates(
    prepare: Callable[[], Callable[[Sequence[RawMessage]], int]], batches: Batches, trades: int
) -> list[float]:
    """Million ticks a second of CPU, of each run; what `prepare` makes is new for each."""
    rates = []
    for _ in range(RUNS):
        work = prepare()
        started = thread_time()
        done = sum(work(batch) for batch in batches)
        rates.append(trades / (thread_time() - started) / 1e6)
        if done != trades:
            raise ValueError(f"{done} of {trades} trades came through")
    return rates


def _feed(market: Market, codec: Codec) -> AlpacaFeed:
    universe = market.universe
    source = next(each for each in universe.sources if each.source_id == TICKS_SOURCE)
    settings = AlpacaSettings(codec=codec, key_id=SecretStr("key"), secret_key=SecretStr("secret"))
    return AlpacaFeed(settings, source, universe.instruments)


def _clock_and_framer(market: Market) -> tuple[FeedClock, Framer]:
    source = next(each for each in market.universe.sources if each.source_id == TICKS_SOURCE)
    clock = FeedClock(source, list(market.calendars.values()), mode=ClockMode.LIVE)
    return clock, framer(market, partitions=PARTITIONS, source_id=TICKS_SOURCE)


def _parse(market: Market, codec: Codec) -> Callable[[Sequence[RawMessage]], int]:
    feed = _feed(market, codec)
    return lambda messages: len(feed.parse(messages).ticks)


def _parse_and_frame(market: Market, codec: Codec) -> Callable[[Sequence[RawMessage]], int]:
    feed = _feed(market, codec)
    clock, frames = _clock_and_framer(market)

    def work(messages: Sequence[RawMessage]) -> int:
        ticks = feed.parse(messages).ticks
        frames.add(clock.advance(ticks).ticks, 0.0)
        return len(ticks)

    return work


def _pipeline(market: Market, codec: Codec) -> Callable[[Sequence[RawMessage]], int]:
    feed = _feed(market, codec)
    clock, frames = _clock_and_framer(market)
    deduplicator = Deduplicator()

    def work(messages: Sequence[RawMessage]) -> int:
        batch = feed.parse(messages)
        fresh = deduplicator.fresh(batch.ticks, batch.venues)
        ticks = batch.ticks if fresh.all() else take(batch.ticks, fresh)
        frames.add(clock.advance(ticks).ticks, 0.0)
        return len(ticks)

    return work


def _plain_loop(market: Market) -> Callable[[Sequence[RawMessage]], int]:
    ids = {each.symbol: each.instrument_id for each in market.universe.instruments}
    pack = struct.Struct(TICK_STRUCT).pack
    decode = msgspec.json.decode
    # A stand-in for time stamps: parsing them one by one would decide the figure alone.
    stamps: dict[str, int] = {}

    def work(messages: Sequence[RawMessage]) -> int:
        records = []
        for message in messages:
            for trade in decode(message.payload):
                records.append(
                    pack(
                        stamps.get(trade["t"], 0),
                        message.ts_recv_ns,
                        round(trade["p"] * PRICE_UNITS_PER_ONE),
                        round(trade["s"] * PRICE_UNITS_PER_ONE),
                        trade["i"],
                        ids[trade["S"]],
                        int(Update.ALL),
                        0,
                        TICKS_SOURCE,
                    )
                )
        b"".join(records)
        return len(records)

    return work
