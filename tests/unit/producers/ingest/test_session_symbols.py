"""Symbols that the vendor does not confirm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import structlog
from websockets.asyncio.server import ServerConnection

from producers.feeds.base import Codec
from producers.metrics import ProducerCollector, ProducerCounters
from tests.support.feed_samples import INSTRUMENTS, instrument, trade, wire
from tests.support.session_stage import Stage, running, stage
from tests.support.vendor_server import vendor_server


def confirming(*lists: Sequence[str], codec: Codec = Codec.JSON) -> Any:
    """Return a script that confirms these symbols, one list after the other."""

    async def script(connection: ServerConnection) -> None:
        async def say(message: Any) -> None:
            frame = wire([message], codec)
            await connection.send(frame.decode() if codec is Codec.JSON else frame)

        await say({"T": "success", "msg": "connected"})
        await connection.recv()
        await say({"T": "success", "msg": "authenticated"})
        await connection.recv()
        for symbols in lists:
            await say({"T": "subscription", "trades": list(symbols)})
            await say(trade())
        await connection.wait_closed()

    return script


def shown(counters: ProducerCounters) -> dict[str, float]:
    samples = ProducerCollector(counters, lambda: 0, lambda: 0).samples()
    prefix = "rotascope_producer_"
    wanted = {prefix + name: name for name in ("connected", "ready", "unconfirmed_symbols")}
    return {wanted[sample.name]: sample.value for sample in samples if sample.name in wanted}


ASKED = [each.symbol for each in INSTRUMENTS]


async def test_a_symbol_that_is_not_confirmed_is_named_at_once_and_makes_the_feed_not_ready() -> None:
    with structlog.testing.capture_logs() as log:
        async with stage(confirming(ASKED[1:])) as (subject, _), running(subject):
            assert shown(subject.counters) == {"connected": 0, "ready": 0, "unconfirmed_symbols": 0}
            await subject.until(lambda: subject.counters.messages == 1)
            assert shown(subject.counters) == {"connected": 1, "ready": 0, "unconfirmed_symbols": 1}
    (warning,) = [line for line in log if line["event"] == "symbols not confirmed by the vendor"]
    assert (warning["log_level"], warning["symbols"]) == ("warning", ASKED[0])
    (streaming,) = [line for line in log if line["event"] == "streaming"]
    assert (streaming["symbols"], streaming["asked"]) == (len(ASKED) - 1, len(ASKED))


@pytest.mark.parametrize("codec", list(Codec))
async def test_the_vendors_last_list_counts(codec: Codec) -> None:
    scripts = confirming(ASKED, ASKED[2:], ASKED, codec=codec)
    seen: list[int] = []
    with structlog.testing.capture_logs() as log:
        async with vendor_server(scripts) as vendor:
            subject = Stage(vendor.url, codec=codec)
            async with running(subject):
                await subject.until(lambda: subject.counters.messages == 5)
                seen.append(subject.counters.unconfirmed_symbols)
                assert shown(subject.counters)["ready"] == 1
    events = [line["event"] for line in log]
    assert events.count("symbols not confirmed by the vendor") == 1
    assert events[-1] == "all symbols confirmed"
    assert seen == [0]


async def test_of_many_symbols_a_line_names_some() -> None:
    many = tuple(instrument(number, f"S{number}") for number in range(1, 101))
    with structlog.testing.capture_logs() as log:
        async with vendor_server(confirming(["S1"])) as vendor:
            subject = Stage(vendor.url, instruments=many)
            async with running(subject):
                await subject.until(lambda: subject.counters.messages == 1)
    (warning,) = [line for line in log if line["event"] == "symbols not confirmed by the vendor"]
    assert warning["count"] == 99
    assert warning["symbols"].endswith("S21 and 79 more")


async def test_every_symbol_is_confirmed_by_a_star() -> None:
    async with stage(confirming(["*"])) as (subject, _), running(subject):
        await subject.until(lambda: subject.counters.messages == 1)
        assert shown(subject.counters)["ready"] == 1
