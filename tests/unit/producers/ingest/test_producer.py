"""One producer as a whole: a server on this machine at one end, kept records at the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from kafka.errors import KafkaTimeoutError
from kafka.future import Future
from websockets.asyncio.server import ServerConnection

from core.model.errors import FeedError, TransportError
from core.model.records import TickKind
from core.model.settings import ProducerSettings
from producers.feeds.base import END_OF_RECORDING
from producers.ingest.producer import Producer, RunEnding
from producers.metrics import ProducerCounters
from tests.support.fake_sender import KeepingSender, publisher_to
from tests.support.feed_samples import NOON_NS, SOURCE, UNIVERSE, alpaca_feed, new_york_2024, trade, wire
from tests.support.vendor_server import log_in, refuse_key, stream, vendor_server

DEADLINE_S = 20.0
END = (1000, END_OF_RECORDING)


def producer(url: str, sender: Any, **settings: Any) -> tuple[Producer, ProducerCounters]:
    counters = ProducerCounters("alpaca")
    return Producer(
        alpaca_feed(url=url),
        SOURCE,
        UNIVERSE,
        {"XNYS": new_york_2024()},
        publisher_to(sender, counters, budget=1_000),
        counters,
        ProducerSettings(clock="recorded", backoff_initial_ms=1, backoff_max_ms=1, **settings),
        partitions=1,
        epoch=1,
        flush_timeout_s=5,
    ), counters


async def run(subject: Producer, stop: asyncio.Event | None = None) -> RunEnding:
    return await asyncio.wait_for(subject.run(stop or asyncio.Event()), DEADLINE_S)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110 - a thread changes it
            await asyncio.sleep(0.005)


async def test_a_recording_arrives_whole_with_its_last_mark() -> None:
    sender = KeepingSender()
    messages = [wire([trade(NOON_NS + k, i=k)]) for k in range(1, 201)]
    async with vendor_server(stream(*messages, close=END)) as vendor:
        subject, counters = producer(vendor.url, sender, queue_max_messages=5)
        ending = await run(subject)
    assert ending == RunEnding(end_of_recording=True)
    records = sender.log(0)
    trades = records[records["kind"] == TickKind.TRADE]
    assert trades["trade_id"].tolist() == list(range(1, 201))
    assert records["kind"][-1] == TickKind.CLOCK
    assert records["ts_event"][-1] > NOON_NS + 4 * 3600 * 10**9
    assert (counters.ticks, counters.messages) == (200, 200)


async def test_a_stop_drains_what_was_read_and_says_so() -> None:
    sender = KeepingSender()
    stop = asyncio.Event()
    async with vendor_server(stream(wire([trade(i=1), trade(i=2)]))) as vendor:
        subject, counters = producer(vendor.url, sender)
        running = asyncio.create_task(run(subject, stop))
        await until(lambda: counters.messages == 1)
        stop.set()
        ending = await running
    assert ending == RunEnding(end_of_recording=False)
    assert sender.log(0)["kind"].tolist() == [TickKind.CLOCK, TickKind.TRADE, TickKind.TRADE]


async def test_a_refused_key_is_raised_and_nothing_is_sent() -> None:
    sender = KeepingSender()
    async with vendor_server(refuse_key) as vendor:
        subject, _ = producer(vendor.url, sender)
        with pytest.raises(FeedError, match="402"):
            await run(subject)
        assert vendor.connections == 1
    assert sender.records == []


async def test_a_fatal_error_in_the_stream_still_delivers_what_came_before() -> None:
    sender = KeepingSender()
    messages = wire([trade(i=1), trade(i=2)]), wire([{"T": "error", "code": 409, "msg": "plan"}])
    async with vendor_server(stream(*messages)) as vendor:
        subject, _ = producer(vendor.url, sender)
        with pytest.raises(FeedError, match="409"):
            await run(subject)
    assert [kind for kind in sender.log(0)["kind"] if kind == TickKind.TRADE] == [TickKind.TRADE] * 2


async def test_a_lost_record_ends_the_producer_although_the_reader_waits_for_room() -> None:
    class LosingSender(KeepingSender):
        def send(self, topic: str, value: bytes, **rest: Any) -> Future:
            return Future().failure(KafkaTimeoutError("delivery timed out"))

    async def endless(connection: ServerConnection) -> None:
        await log_in(connection)
        for number in range(1, 10**6):
            await connection.send(wire([trade(NOON_NS + number, i=number)]).decode())

    async with vendor_server(endless) as vendor:
        subject, _ = producer(vendor.url, LosingSender(), queue_max_messages=2, frame_max_ticks=1)
        with pytest.raises(TransportError, match="was not delivered"):
            await run(subject)
