"""The protocol over real sockets, with a client that shares no code with the server."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from rich.console import Console
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus

from core.model.errors import ConfigurationError
from producers.replay.demo import demo_recording
from producers.replay.recording import Recording
from producers.replay.refusal import RefusedClient, refusal_of
from producers.replay.report import JsonReport, PlainReport, PlaybackReport, TerminalReport
from producers.replay.server import ReplayServer
from producers.replay.settings import Faults, ReplaySettings
from tests.support.replay_client import DEADLINE_S, ReplayClient, replay_client

TWO_KEYS = (("replay", "replay"), ("other", "secret"))


@pytest.fixture(scope="module")
def recording() -> Recording:
    """One session of two symbols."""
    demo = demo_recording().only(["SPY", "RUT"])
    first_ns = int(demo.trades["ts_event"][0])
    return demo.between(first_ns, first_ns + 24 * 3600 * 10**9)


@asynccontextmanager
async def serving(
    recording: Recording, faults: Faults | None = None, **settings: Any
) -> AsyncIterator[ReplayServer]:
    quick: dict[str, Any] = {"trades_per_frame": 16, "settle_s": 0.01, "close_timeout_s": 5.0}
    configured = ReplaySettings(**(quick | settings))
    async with ReplayServer(recording, configured, faults) as server:
        yield server


def ids(frames: list[list[dict[str, Any]]]) -> list[tuple[str, int]]:
    return [(message["S"], message["i"]) for frame in frames for message in frame if message["T"] == "t"]


def all_ids(recording: Recording) -> list[tuple[str, int]]:
    return [(trade.symbol, trade.trade_id) for trade in map(recording.trade, range(len(recording)))]


def code_of(answer: list[dict[str, Any]]) -> int:
    (message,) = answer
    assert message["T"] == "error"
    assert message["msg"]
    return int(message["code"])


@pytest.mark.parametrize("is_msgpack", [True, False], ids=["msgpack", "json"])
async def test_whole_recording_arrives_in_order_and_ends_with_close_1000(
    recording: Recording, is_msgpack: bool
) -> None:
    async with serving(recording) as server, replay_client(server.url(), is_msgpack=is_msgpack) as client:
        await client.log_in()
        await client.subscribe("*")
        frames = await client.frames_until_closed()
        assert ids(frames) == all_ids(recording)
        assert max(len(frame) for frame in frames) == 16
        assert (client.connection.close_code, client.connection.close_reason) == (1000, "end of recording")
        await asyncio.wait_for(server.wait_served(), DEADLINE_S)
        assert (server.trades_sent, server.frames_sent) == (len(recording), len(frames))


async def test_only_subscribed_symbols_arrive(recording: Recording) -> None:
    async with serving(recording) as server, replay_client(server.url()) as client:
        await client.log_in()
        await client.subscribe("SPY")
        assert ids(await client.frames_until_closed()) == all_ids(recording.only(["SPY"]))


async def test_symbols_asked_for_in_several_requests_miss_nothing(recording: Recording) -> None:
    """Guards the start of playing: it waits until a client has asked for all it wants."""
    async with serving(recording) as server, replay_client(server.url()) as client:
        await client.log_in()
        await client.say({"action": "subscribe", "trades": ["SPY"]})
        await client.say({"action": "subscribe", "trades": ["RUT"]})
        assert ids(await client.frames_until_closed()) == all_ids(recording)


async def test_headers_log_a_client_in(recording: Recording) -> None:
    keys = {"APCA-API-KEY-ID": "replay", "APCA-API-SECRET-KEY": "replay"}
    async with serving(recording) as server, replay_client(server.url(), headers=keys) as client:
        assert (await client.hear())[0]["msg"] == "connected"
        assert (await client.hear())[0]["msg"] == "authenticated"


async def test_fragmented_request_is_put_together(recording: Recording) -> None:
    async with serving(recording) as server, replay_client(server.url(), is_msgpack=False) as client:
        await client.log_in()
        request = json.dumps({"action": "subscribe", "trades": ["SPY"]})
        await client.connection.send([request[:7], request[7:9], request[9:]])
        assert (await client.hear())[0]["trades"] == ["SPY"]


async def test_refusals_before_and_after_log_in(recording: Recording) -> None:
    async with serving(recording) as server, replay_client(server.url(), is_msgpack=False) as client:
        await client.hear()
        assert code_of(await client.ask({"action": "subscribe", "trades": ["SPY"]})) == 401
        assert code_of(await client.ask({"action": "auth", "key": "replay", "secret": "wrong"})) == 402
        assert code_of(await client.ask({"action": "auth", "key": ["x"]})) == 402
        assert code_of(await client.ask("subscribe")) == 400
        await client.connection.send("{")
        assert code_of(await client.hear()) == 400
        assert (await client.ask({"action": "auth", "key": "replay", "secret": "replay"}))[0][
            "T"
        ] == "success"
        assert code_of(await client.ask({"action": "auth", "key": "replay", "secret": "replay"})) == 403
        assert code_of(await client.ask({"action": "subscribe", "trades": ["no symbol"]})) == 400
        assert code_of(await client.ask({"action": "subscribe", "news": ["*"]})) == 410


async def test_symbol_limit(recording: Recording) -> None:
    async with serving(recording, symbol_limit=1) as server, replay_client(server.url()) as client:
        await client.log_in()
        assert code_of(await client.ask({"action": "subscribe", "trades": ["SPY", "RUT"]})) == 405


async def test_late_log_in_is_told_and_closed(recording: Recording) -> None:
    async with serving(recording, auth_timeout_s=0.05) as server, replay_client(server.url()) as client:
        await client.hear()
        assert code_of(await client.hear()) == 404
        with pytest.raises(ConnectionClosed):
            await client.hear()


async def test_one_key_is_one_connection_until_it_is_closed(recording: Recording) -> None:
    async with serving(recording, credentials=TWO_KEYS, wait_for=2) as server:
        async with replay_client(server.url()) as first, replay_client(server.url()) as second:
            await first.log_in()
            await second.hear()
            assert code_of(await second.ask({"action": "auth", "key": "replay", "secret": "replay"})) == 406
            assert (await second.ask({"action": "auth", "key": "other", "secret": "secret"}))[0][
                "T"
            ] == "success"
        async with replay_client(server.url()) as third:
            await retry_log_in(third)


async def retry_log_in(client: ReplayClient) -> None:
    """Log in, as a client must that came back before the server saw it leave."""
    await client.hear()
    for _ in range(500):
        answer = await client.ask({"action": "auth", "key": "replay", "secret": "replay"})
        if answer[0]["T"] == "success":
            return
        assert code_of(answer) == 406
        await asyncio.sleep(0.01)
    pytest.fail("the key was never freed")


async def test_feed_outside_the_plan_is_refused_at_log_in(recording: Recording) -> None:
    async with serving(recording, feeds=("iex",)) as server, replay_client(server.url("sip")) as client:
        await client.hear()
        assert code_of(await client.ask({"action": "auth", "key": "replay", "secret": "replay"})) == 409


async def test_playing_waits_for_all_awaited_keys_and_gives_each_the_whole(recording: Recording) -> None:
    async with serving(recording, credentials=TWO_KEYS, wait_for=2) as server:
        async with (
            replay_client(server.url()) as first,
            replay_client(server.url(), is_msgpack=False) as second,
        ):
            await first.log_in()
            await first.subscribe("*")
            await second.log_in("other", "secret")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(first.connection.recv(), 0.1)
            await second.subscribe("*")
            told = await asyncio.gather(first.frames_until_closed(), second.frames_until_closed())
        assert [ids(frames) for frames in told] == [all_ids(recording)] * 2
        await asyncio.wait_for(server.wait_served(), DEADLINE_S)


async def test_client_that_returns_after_a_cut_gets_what_follows(recording: Recording) -> None:
    async with serving(recording, Faults(disconnect_after=frozenset({3}))) as server:
        async with replay_client(server.url()) as client:
            await client.log_in()
            await client.subscribe("*")
            before = await client.frames_until_closed()
            assert isinstance(client.connection.protocol.close_exc, ConnectionClosedError)
        async with replay_client(server.url()) as client:
            await client.log_in()
            await client.subscribe("*")
            after = await client.frames_until_closed()
    whole = all_ids(recording)
    assert ids(after) == whole[3 * 16 :]
    assert ids(before) == whole[: len(ids(before))]


async def test_slow_client_gets_407_and_close_1008(recording: Recording) -> None:
    faults = Faults(slow_client_after=frozenset({2}))
    async with serving(recording, faults) as server, replay_client(server.url()) as client:
        await client.log_in()
        await client.subscribe("*")
        frames = await client.frames_until_closed()
        assert code_of(frames[-1]) == 407
        assert client.connection.close_code == 1008


async def test_mute_stream_still_answers_pings(recording: Recording) -> None:
    faults = Faults(mute_after=frozenset({1}))
    async with serving(recording, faults) as server, replay_client(server.url()) as client:
        await client.log_in()
        await client.subscribe("*")
        assert len(await client.hear()) == 16
        await asyncio.wait_for(await client.connection.ping(), DEADLINE_S)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.connection.recv(), 0.1)


async def test_refused_log_ins_and_upgrades_happen_so_often_as_asked(recording: Recording) -> None:
    async with serving(recording, Faults(reject_upgrades=1, refuse_auth=(406, 500))) as server:
        with pytest.raises(InvalidStatus) as refused:
            await connect(server.url())
        assert refused.value.response.status_code == 429
        async with replay_client(server.url()) as client:
            await client.hear()
            log_in = {"action": "auth", "key": "replay", "secret": "replay"}
            assert [code_of(await client.ask(log_in)) for _ in range(2)] == [406, 500]
            assert (await client.ask(log_in))[0]["msg"] == "authenticated"


async def test_other_paths_are_not_found(recording: Recording) -> None:
    async with serving(recording) as server:
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"ws://127.0.0.1:{server.port}/v1/sip")
        assert refused.value.response.status_code == 404


async def test_finished_key_is_told_so_again_unless_the_server_repeats(recording: Recording) -> None:
    for repeat, expected in ((False, []), (True, all_ids(recording))):
        async with serving(recording, repeat=repeat) as server:
            told = []
            for _ in range(2):
                async with replay_client(server.url()) as client:
                    await client.log_in()
                    await client.subscribe("*")
                    told.append(ids(await client.frames_until_closed()))
                    assert client.connection.close_reason == "end of recording"
            assert told == [all_ids(recording), expected]


async def test_slow_reader_holds_the_server_back(recording: Recording) -> None:
    """Guards the memory: without a pace the server may not run ahead of its reader."""
    demo = demo_recording()
    long = Recording(demo.trades.repeat(20), demo.symbols, demo.prints)
    async with serving(long, trades_per_frame=512) as server:
        headers = {"Content-Type": "application/msgpack"}
        async with connect(server.url(), additional_headers=headers, compression=None, max_queue=4) as raw:
            client = ReplayClient(raw, is_msgpack=True)
            await client.log_in()
            await client.subscribe("*")
            sent = 0
            for _ in range(200):
                await asyncio.sleep(0.05)
                if sent == server.trades_sent > 0:
                    break
                sent = server.trades_sent
            assert 0 < server.trades_sent < len(long)
            assert sum(len(frame) for frame in await client.frames_until_closed()) == len(long)


async def test_taken_port_is_a_clear_error(recording: Recording) -> None:
    async with serving(recording) as server:
        with pytest.raises(ConfigurationError, match=rf"127.0.0.1:{server.port} is in use"):
            await ReplayServer(recording, ReplaySettings(port=server.port)).start()


@pytest.mark.parametrize(
    "settings",
    [
        {"speed": -1.0},
        {"speed": float("nan")},
        {"speed": float("inf")},
        {"trades_per_frame": 0},
        {"longest_gap_s": 0.0},
        {"credentials": ()},
        {"credentials": (("a", "b"), ("a", "c"))},
        {"wait_for": 2},
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        ReplaySettings(**settings)


async def test_the_operator_is_told_why_a_client_was_refused(recording: Recording) -> None:
    told: list[RefusedClient] = []
    async with ReplayServer(recording, ReplaySettings(), on_refusal=told.append) as server:
        for key, secret in (("mine", "hush"), ("replay", "hush"), ("replay", "hush")):
            async with replay_client(server.url()) as client:
                await client.hear()
                assert code_of(await client.ask({"action": "auth", "key": key, "secret": secret})) == 402
        async with replay_client(server.url("none")) as client:
            await client.hear()
            answer = await client.ask({"action": "auth", "key": "replay", "secret": "replay"})
            assert code_of(answer) == 409
    assert [refusal.message for refusal in told] == [
        "a client was refused: no key 'mine' (402 auth failed)",
        "a client was refused: no feed 'none' (409 insufficient subscription)",
    ], "a client that tries again is not told again at once"
    assert "ROTASCOPE_REPLAY_KEY" in told[0].operator_action
    assert "hush" not in str(told)


def test_a_wrong_secret_is_told_apart_from_a_wrong_key() -> None:
    assert "no key 'a'" in refusal_of(402, "a", "sip", known=False, feeds=("sip",)).message
    assert "the secret of key 'a' is wrong" in refusal_of(402, "a", "sip", known=True, feeds=("sip",)).message
    assert "connected already" in refusal_of(406, "a", "sip", known=True, feeds=("sip",)).message


@pytest.mark.parametrize("make", [PlainReport, JsonReport], ids=["text", "json"])
def test_every_report_tells_of_a_refusal(make: Callable[[io.StringIO], PlaybackReport]) -> None:
    stream = io.StringIO()
    make(stream).refused(refusal_of(402, "mine", "sip", known=False, feeds=("sip",)))
    assert "no key 'mine' (402 auth failed)" in stream.getvalue()
    assert "ROTASCOPE_REPLAY_SECRET" in stream.getvalue()


def test_a_terminal_tells_of_a_refusal_beside_its_bar() -> None:
    stream = io.StringIO()
    TerminalReport(Console(file=stream, width=200)).refused(
        refusal_of(406, "[mine]", "sip", known=True, feeds=("sip",))
    )
    assert "warning: a client was refused: key '[mine]' is connected already (406 " in stream.getvalue()
