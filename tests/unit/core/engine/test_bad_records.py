"""Records that break the contract: a dead letter with its reason, a counter, and the tape continues."""

from __future__ import annotations

import numpy as np
import pytest

from core.model.errors import FrameError
from core.model.frames import encode_frame
from core.model.records import TICK, TickKind, Update
from tests.support.desk import Desk, at
from tests.support.logs import run, state_of
from tests.support.worlds import BIG, COIN, COINS, FEED, HISTORY, SML, exchange_universe, small_universe


def two_sources() -> Desk:
    return Desk(small_universe(), marked={FEED: 0.0, COINS: 0.0})


def only_reason(desk: Desk) -> str:
    (letter,) = desk.flush().dead_letters
    assert len(letter.payload) == TICK.itemsize
    return letter.reason


@pytest.mark.parametrize(
    ("seconds", "instrument", "price", "size", "reason"),
    [
        (0.5, 77, 100.0, 1.0, "unknown_instrument"),
        (0.5, 4_000_000_000, 100.0, 1.0, "unknown_instrument"),
        (0.5, SML, 0.0, 1.0, "price"),
        (0.5, SML, -100.0, 1.0, "price"),
        (0.5, SML, 100.0, -1.0, "size"),
        (5.1, SML, 100.0, 1.0, "future"),
        (-3_600.1, SML, 100.0, 1.0, "too_old"),
        (0.5, COIN, 100.0, 1.0, "wrong_source"),
    ],
)
@pytest.mark.parametrize("kind", [TickKind.TRADE, TickKind.CORRECTION, TickKind.CANCEL])
def test_a_bad_trade_is_a_dead_letter_and_nothing_else(
    kind: TickKind, seconds: float, instrument: int, price: float, size: float, reason: str
) -> None:
    desk = two_sources()
    before = state_of(desk.engine)
    desk.add(kind, seconds, instrument=instrument, price=price, size=size, update=Update.ALL)
    assert only_reason(desk) == reason
    assert state_of(desk.engine) == before


@pytest.mark.parametrize(
    ("seconds", "price", "size"), [(5.0, 100.0, 1.0), (-3_600.0, 100.0, 1.0), (0, 1e-9, 0)]
)
def test_the_edge_of_what_is_allowed_is_allowed(seconds: float, price: float, size: float) -> None:
    desk = two_sources()
    desk.trade(seconds, SML, price, size)
    assert desk.flush().dead_letters == []
    assert desk.counted("trades") == 1


def test_a_tick_before_any_mark_has_no_place() -> None:
    desk = Desk(marked={})
    desk.trade(0.5, SML, 100.0)
    assert only_reason(desk) == "no_mark"


def test_the_mark_of_another_source_does_not_help() -> None:
    desk = Desk(small_universe(), marked={COINS: 0.0})
    desk.trade(0.5, SML, 100.0)
    assert only_reason(desk) == "no_mark"


def test_a_mark_that_runs_backwards_moves_nothing() -> None:
    desk = Desk()
    desk.mark(10)
    clock = desk.engine.clock_ns
    assert desk.mark(9.999999999).reasons() == ["mark_backwards"]
    assert desk.engine.clock_ns == clock
    assert desk.mark(10).reasons() == []  # the same again is no step back


@pytest.mark.parametrize("kind", [max(TickKind) + 1, 99, 255])
def test_an_unknown_kind_is_a_dead_letter(kind: int) -> None:
    desk = Desk()
    desk.add(kind, 1, instrument=SML, price=1.0, size=1.0)
    assert only_reason(desk) == "kind"


def test_a_status_must_come_from_the_instruments_own_source() -> None:
    """Guards against one feed halting what another one trades."""
    desk = two_sources()
    desk.add(TickKind.STATUS, 1, instrument=COIN, size=1.0)
    assert only_reason(desk) == "wrong_source"
    desk.add(TickKind.STATUS, 1, instrument=77, size=1.0)
    assert only_reason(desk) == "unknown_instrument"
    assert not desk.row(COIN)["halted"]


@pytest.mark.parametrize("kind", [TickKind.BASELINE, TickKind.ADJUSTMENT])
@pytest.mark.parametrize(
    ("instrument", "price", "size", "reason"),
    [(77, 1.0, 1.0, "unknown_instrument"), (SML, 0.0, 1.0, "price"), (SML, -1.0, 1.0, "price")],
)
def test_a_bad_control_record_is_a_dead_letter(
    kind: TickKind, instrument: int, price: float, size: float, reason: str
) -> None:
    desk = Desk()
    desk.add(kind, 1, instrument=instrument, price=price, size=size, source=HISTORY)
    assert only_reason(desk) == reason


def test_a_sessions_good_closes_count_around_bad_ones_and_the_last_of_two_wins() -> None:
    """Guards against a session that is taken as a whole being judged as a whole."""
    desk = Desk(baseline_days=0, marked={})
    close_s = -300.0
    for instrument, price in (
        (SML, 99.0),
        (77, 1.0),
        (BIG, -1.0),
        (SML, 101.0),
        (BIG, 50.0),
        (4_000_000_000, 1),
    ):
        desk.add(TickKind.BASELINE, close_s, instrument=instrument, price=price, source=HISTORY)
    desk.add(TickKind.BASELINE, close_s, source=HISTORY)
    assert desk.flush().reasons() == ["unknown_instrument", "price", "unknown_instrument"]
    assert desk.counted("baselines", HISTORY) == 7
    days, pair = desk.engine.evaluator.days, [one.name for one in desk.engine.world.pairs].index("SML/BIG")
    assert days.counts[pair] == 1
    assert sorted(days.closes[pair].ravel().tolist())[-2:] == [50_000_000_000, 101_000_000_000]


def test_an_adjustment_by_nothing_is_a_dead_letter() -> None:
    desk = Desk()
    desk.add(TickKind.ADJUSTMENT, 1, instrument=SML, price=1.0, size=0.0)
    assert only_reason(desk) in {"price", "size"}


def test_good_ticks_around_bad_ones_count() -> None:
    desk = Desk()
    for seconds, price in ((1.0, 101.0), (1.1, -1.0), (1.2, 102.0), (9.0, 500.0), (1.3, 103.0)):
        desk.trade(seconds, SML, price)
    said = desk.mark(5)
    assert said.reasons() == ["price", "future"]
    assert desk.counted("trades") == 3
    assert desk.row(SML)["last_price"] == 103_000_000_000


def test_a_frame_of_an_unknown_source_is_one_dead_letter() -> None:
    desk = Desk()
    before = state_of(desk.engine)
    frame = encode_frame(np.zeros(200, TICK), source=12_345, epoch=1, sequence=0)
    said = run(desk.engine, [frame])
    (letter,) = said.dead_letters
    assert letter.reason == "unknown_source"
    assert letter.payload == frame[:4096]
    assert state_of(desk.engine) == before


def _flipped(frame: bytes, position: int) -> bytes:
    data = bytearray(frame)
    data[position] ^= 0x10
    return bytes(data)


@pytest.mark.parametrize(
    "what", ["empty", "header only", "cut", "longer", "record bit", "header bit", "version"]
)
def test_a_broken_frame_raises_and_leaves_every_byte(what: str) -> None:
    desk = Desk()
    desk.trade(0.5, SML, 101.0)
    desk.mark(2)
    before = desk.engine.snapshot()
    ticks = np.zeros(3, TICK)
    ticks["kind"], ticks["ts_event"] = TickKind.CLOCK, at(100)
    frame = encode_frame(ticks, source=FEED, epoch=1, sequence=2)
    broken = {
        "empty": b"",
        "header only": frame[:32],
        "cut": frame[:-1],
        "longer": frame + b"\0",
        "record bit": _flipped(frame, 80),
        "header bit": _flipped(frame, 10),
        "version": _flipped(frame, 0),
    }[what]
    with pytest.raises(FrameError):
        desk.engine.step(broken, 7)
    assert desk.engine.snapshot() == before


def test_a_universe_without_trouble_gives_no_dead_letters() -> None:
    desk = Desk(exchange_universe())
    for second in range(1, 20):
        desk.trade(second + 0.5, SML, 100.0 + second)
        desk.trade(second + 0.6, BIG, 200.0)
        desk.mark(second + 1)
    assert desk.said.dead_letters == []
