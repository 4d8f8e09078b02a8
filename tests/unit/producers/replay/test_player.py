"""Pace and faults, against an outlet that only remembers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgpack
import numpy as np
import pytest

from producers.replay.player import HungUp, Player, play_time_ns
from producers.replay.protocol import Subscriptions
from producers.replay.recording import Column, Print, Recording, assemble
from producers.replay.settings import Faults, Injection, ReplaySettings
from producers.replay.wire import MsgpackCodec

SECOND_NS = 1_000_000_000
TRADES = 12


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.005)
    pytest.fail("it never came about")


class Outlet:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.closed: tuple[int, str] | None = None
        self.aborted = False

    async def send(self, frame: bytes) -> None:
        self.frames.append(frame)

    async def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)

    def abort(self) -> None:
        self.aborted = True

    @property
    def trade_ids(self) -> list[list[int]]:
        """Ids of each frame of trades."""
        decoded = (msgpack.unpackb(frame) for frame in self.frames if frame != MsgpackCodec.garbage)
        return [[message["i"] for message in frame] for frame in decoded if frame[0]["T"] == "t"]


class WallClock:
    """A clock that stands until it is moved."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def recording_of(symbol: str = "SPY", *, instants_s: range = range(TRADES)) -> Recording:
    ts_event = np.array([second * SECOND_NS for second in instants_s], np.int64)
    ones = np.ones(len(ts_event), np.int64)
    return assemble([Column(symbol, ts_event, ones, ones, [Print("P", (), "B")], ones * 0)])


def player_of(
    faults: Faults | None = None, *, speed: float = 0.0, wall_clock: WallClock | None = None
) -> Player:
    settings = ReplaySettings(speed=speed, trades_per_frame=2)
    return Player(recording_of(), settings, faults or Faults(), wall_clock or WallClock())


def everything() -> Subscriptions:
    subscriptions = Subscriptions()
    subscriptions.add({"trades": ["*"], "statuses": ["*"]})
    return subscriptions


async def play(player: Player, outlet: Outlet) -> None:
    await player.play(outlet, MsgpackCodec(), everything())


IN_ORDER = [[1, 2], [3, 4], [5, 6], [7, 8], [9, 10], [11, 12]]


async def test_plays_everything_once_in_order() -> None:
    player, outlet = player_of(), Outlet()
    await play(player, outlet)
    assert outlet.trade_ids == IN_ORDER
    assert player.ended
    assert (player.frames_sent, player.trades_sent, player.trades_missed) == (6, 12, 0)


async def test_only_subscribed_symbols_are_sent_but_the_stream_runs_to_its_end() -> None:
    subscriptions = Subscriptions()
    subscriptions.add({"trades": ["IWM"]})
    player, outlet = player_of(), Outlet()
    await player.play(outlet, MsgpackCodec(), subscriptions)
    assert outlet.frames == []
    assert player.ended


async def test_duplicate_and_out_of_order_frames() -> None:
    outlet = Outlet()
    await play(player_of(Faults(duplicate=frozenset({2}), out_of_order=frozenset({4, 6}))), outlet)
    assert outlet.trade_ids == [[1, 2], [3, 4], [3, 4], [5, 6], [9, 10], [7, 8], [11, 12]]


async def test_garbage_comes_after_its_frame_and_nothing_is_lost() -> None:
    outlet = Outlet()
    await play(player_of(Faults(garbage_after=frozenset({1}))), outlet)
    assert outlet.frames[1] == MsgpackCodec.garbage
    assert outlet.trade_ids == IN_ORDER


async def test_internal_error_is_told_and_the_stream_goes_on() -> None:
    outlet = Outlet()
    await play(player_of(Faults(internal_error_after=frozenset({3}))), outlet)
    assert msgpack.unpackb(outlet.frames[3]) == [{"T": "error", "code": 500, "msg": "internal error"}]
    assert outlet.trade_ids == IN_ORDER


async def test_slow_client_is_told_and_closed_and_later_gets_the_rest() -> None:
    player, first, second = player_of(Faults(slow_client_after=frozenset({2}))), Outlet(), Outlet()
    with pytest.raises(HungUp):
        await play(player, first)
    assert msgpack.unpackb(first.frames[-1]) == [{"T": "error", "code": 407, "msg": "slow client"}]
    assert first.closed == (1008, "slow client")
    await play(player, second)
    assert first.trade_ids + second.trade_ids == IN_ORDER


async def test_disconnect_is_abrupt_and_each_happens_once() -> None:
    player = player_of(Faults(disconnect_after=frozenset({1, 3})))
    outlets = [Outlet(), Outlet(), Outlet()]
    for outlet in outlets[:2]:
        with pytest.raises(HungUp):
            await play(player, outlet)
        assert outlet.aborted
        assert outlet.closed is None
    await play(player, outlets[2])
    assert [outlet.trade_ids for outlet in outlets] == [IN_ORDER[:1], IN_ORDER[1:3], IN_ORDER[3:]]


async def test_mute_sends_nothing_more_on_this_connection() -> None:
    player, first, second = player_of(Faults(mute_after=frozenset({2}))), Outlet(), Outlet()
    playing = asyncio.create_task(play(player, first))
    done, _ = await asyncio.wait({playing}, timeout=0.1)
    assert not done
    playing.cancel()
    await play(player, second)
    assert first.trade_ids == IN_ORDER[:2]
    assert second.trade_ids == IN_ORDER[2:]


async def test_injections_come_before_the_first_trade_of_their_time() -> None:
    halt = {"T": "s", "S": "SPY", "sc": "2", "t": 5 * SECOND_NS}
    cancel = {"T": "x", "S": "SPY", "i": 1, "t": 5 * SECOND_NS}
    late = {"T": "s", "S": "SPY", "sc": "3", "t": 99 * SECOND_NS}
    injections = tuple(Injection(int(str(message["t"])), message) for message in (late, halt, cancel))
    outlet = Outlet()
    await play(player_of(Faults(injections=injections)), outlet)
    told = [
        [message.get("i", message.get("sc")) for message in msgpack.unpackb(frame)] for frame in outlet.frames
    ]
    assert told == [[1, 2], [3, 4], [5], ["2"], [1], [6, 7], [8, 9], [10, 11], [12], ["3"]]


async def test_speed_lets_out_what_is_due_and_no_more() -> None:
    wall_clock, outlet = WallClock(), Outlet()
    player = player_of(speed=2.0, wall_clock=wall_clock)
    playing = asyncio.create_task(play(player, outlet))
    await eventually(lambda: player.trades_sent >= 1)
    assert outlet.trade_ids == [[1]]
    wall_clock.now_s += 1.9  # 3.8 event seconds after the first trade
    await eventually(lambda: player.trades_sent >= 4)
    assert outlet.trade_ids == [[1], [2, 3], [4]]
    wall_clock.now_s += 100
    await asyncio.wait_for(playing, 5)
    assert player.trades_sent == TRADES


async def test_stream_with_a_speed_runs_on_while_its_client_is_away() -> None:
    wall_clock, first, second = WallClock(), Outlet(), Outlet()
    player = player_of(Faults(disconnect_after=frozenset({1})), speed=1.0, wall_clock=wall_clock)
    with pytest.raises(HungUp):
        await play(player, first)
    wall_clock.now_s += 4.5
    returning = asyncio.create_task(play(player, second))
    await eventually(lambda: player.trades_missed > 0)
    wall_clock.now_s += 100
    await asyncio.wait_for(returning, 5)
    assert first.trade_ids == [[1]]
    assert second.trade_ids[0][0] == 6
    assert player.trades_missed == 4


def test_long_gaps_are_cut_short() -> None:
    instants = np.array([0, 10, 10, 70_000, 70_001], np.int64) * SECOND_NS
    assert (play_time_ns(instants, 300.0) // SECOND_NS).tolist() == [0, 10, 10, 310, 311]
