"""Volumes of days: the same from the tape and from history, known exactly or not at all."""

from __future__ import annotations

import numpy as np
import pytest

from core.model.records import Quality, TickKind
from tests.support.desk import Desk, at
from tests.support.logs import LogBuilder, Sequences, cut, run, state_of
from tests.support.worlds import BIG, DAY, GOO, MINUTE, OPEN, SML, exchange_universe, make_engine

CLOSE_S = 240
UNIT = 10**9
GAP, NOT_READY = -int(Quality.GAP), -int(Quality.NOT_READY)


def trade_day(desk: Desk, *, gap: bool = False) -> None:
    """900 shares of SML: 100 and 300 in the session, 250 late, 250 after the close; 40 of GOO."""
    desk.mark(0)
    desk.trade(5, SML, 100.0, 100.0)
    desk.trade(5, GOO, 50.0, 30.0)
    desk.trade(5, BIG, 200.0, 999.0)
    desk.mark(66)
    desk.trade(70, SML, 101.0, 300.0)
    if gap:
        desk.add(TickKind.GAP, 70)
    desk.mark(130)
    desk.trade(40, SML, 100.5, 250.0)
    desk.mark(232)
    desk.trade(234, GOO, 50.0, 5.0)
    desk.trade(235, GOO, 50.0, 5.0)
    desk.mark(CLOSE_S)
    desk.trade(CLOSE_S + 0.5, SML, 101.0, 250.0)
    for instrument, price in ((SML, 101.0), (BIG, 200.0)):
        desk.official(CLOSE_S + 1, instrument, price)
    desk.mark(CLOSE_S + 70)


def row_of(desk: Desk, pair: str) -> int:
    return [each.name for each in desk.engine.world.pairs].index(pair)


def last_day(desk: Desk, pair: str) -> list[int]:
    days, row = desk.engine.evaluator.days, row_of(desk, pair)
    volumes: list[int] = days.volumes[row, int(days.counts[row]) - 1].tolist()
    return volumes


def test_a_final_day_has_the_volume_of_its_bar() -> None:
    desk = Desk()
    trade_day(desk)
    assert last_day(desk, "SML/BIG") == [900 * UNIT, NOT_READY]
    assert last_day(desk, "GOO/BIG") == [40 * UNIT, NOT_READY]
    bars = {int(bar["instrument_id"]): int(bar["volume"]) for bars in desk.said.day_bars for bar in bars}
    assert bars == {SML: 900 * UNIT, BIG: -1, GOO: 40 * UNIT}


def test_tape_and_history_agree() -> None:
    """A day that was traded and the same day as a baseline record leave the same ring."""
    traded = Desk()
    trade_day(traded)
    told = make_engine(exchange_universe())
    log = LogBuilder()
    for back in (3, 2, 1):
        log.baseline(OPEN - 5 * MINUTE - (back - 1) * DAY, {SML: 100.0, BIG: 200.0, GOO: 50.0})
    log.baseline(at(CLOSE_S), {SML: 101.0, BIG: 200.0, GOO: 50.0}, volumes={SML: 900, BIG: 5, GOO: 40})
    run(told, cut(log.records, sequences=Sequences()))
    one, other = traded.engine.evaluator.days, told.evaluator.days
    np.testing.assert_array_equal(one.closes, other.closes)
    np.testing.assert_array_equal(one.volumes, other.volumes)


def test_volume_so_far_grows_by_the_minute() -> None:
    desk = Desk()
    desk.mark(0)
    desk.trade(5, SML, 100.0, 100.0)
    desk.mark(58)
    desk.trade(61, SML, 100.0, 50.0)
    row = row_of(desk, "SML/BIG")
    volumes = desk.engine.evaluator.volumes
    assert volumes[:, row].tolist() == [-1, -1]
    desk.mark(70)
    assert volumes[:, row].tolist() == [100 * UNIT, NOT_READY]
    desk.mark(121)
    assert volumes[:, row].tolist() == [150 * UNIT, NOT_READY]


def test_what_is_computed_every_minute_sees_the_volume_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    desk = Desk()
    row = row_of(desk, "SML/BIG")
    family = next(f for f in desk.engine.evaluator.minute_families if f.name == "volume_by_time")
    monkeypatch.setattr(
        family, "evaluate", lambda step, commit: seen.append(int(step.volumes[0, row])) if commit else None
    )
    desk.mark(0)
    desk.trade(5, SML, 100.0, 100.0)
    desk.mark(58)
    desk.trade(61, SML, 100.0, 50.0)
    desk.mark(121)
    assert seen == [100 * UNIT, 150 * UNIT]


def test_after_a_gap_the_day_has_no_known_volume() -> None:
    desk = Desk()
    trade_day(desk, gap=True)
    assert last_day(desk, "SML/BIG") == [GAP, NOT_READY]


def test_a_log_that_begins_inside_a_session_lacks_what_came_before() -> None:
    desk = Desk(marked={1: 30.0})
    trade_day(desk)
    assert last_day(desk, "SML/BIG") == [GAP, NOT_READY]


def test_history_without_a_volume_leaves_it_unknown() -> None:
    desk = Desk()
    assert (desk.engine.evaluator.days.volumes[:, :3] == NOT_READY).all()


def test_a_corrected_close_keeps_the_volume() -> None:
    desk = Desk()
    trade_day(desk)
    before = int(desk.engine.evaluator.days.counts[0])
    desk.official(CLOSE_S + 1, SML, 1.0, kind=TickKind.CANCEL)
    desk.official(CLOSE_S + 1, SML, 103.0, kind=TickKind.CORRECTION)
    desk.flush()
    days, row = desk.engine.evaluator.days, row_of(desk, "SML/BIG")
    assert days.counts[0] == before
    assert days.closes[row, before - 1].tolist() == [103 * UNIT, 200 * UNIT]
    assert last_day(desk, "SML/BIG") == [900 * UNIT, NOT_READY]


def test_a_split_restates_volumes_the_other_way() -> None:
    desk = Desk()
    trade_day(desk)
    desk.add(TickKind.ADJUSTMENT, CLOSE_S + 70, instrument=SML, price=1.0, size=2.0)
    desk.flush()
    assert last_day(desk, "SML/BIG") == [1_800 * UNIT, NOT_READY]
    assert last_day(desk, "GOO/BIG") == [40 * UNIT, NOT_READY]


@pytest.mark.parametrize("stop", [66, 131, CLOSE_S + 5])
def test_volumes_survive_a_snapshot(stop: int) -> None:
    desk, successor = Desk(), make_engine(exchange_universe())
    desk.mark(0)
    desk.trade(5, SML, 100.0, 100.0)
    desk.mark(stop)
    successor.restore(desk.engine.snapshot())
    assert state_of(successor) == state_of(desk.engine)
    assert successor.evaluator.volumes.tolist() == desk.engine.evaluator.volumes.tolist()


def test_a_day_whose_volume_does_not_fit_is_unknown_and_never_wraps() -> None:
    desk = Desk()
    desk.mark(0)
    for second in (5, 6, 66):
        desk.mark(second - 1)
        desk.trade(second, SML, 100.0, 4e9)
    desk.mark(232)
    desk.trade(235, SML, 100.0, 4e9)
    for instrument, price in ((SML, 101.0), (BIG, 200.0)):
        desk.official(CLOSE_S + 1, instrument, price)
    desk.mark(CLOSE_S + 70)
    assert last_day(desk, "SML/BIG") == [NOT_READY, NOT_READY]
    bars = {int(bar["instrument_id"]): int(bar["volume"]) for bars in desk.said.day_bars for bar in bars}
    assert bars[SML] == -1
    minutes = [bar for bars in desk.said.minute_bars for bar in bars if bar["instrument_id"] == SML]
    assert [int(bar["volume"]) for bar in minutes] == [8 * 10**9 * UNIT, 4 * 10**9 * UNIT, 4 * 10**9 * UNIT]


def test_a_price_whose_averages_would_wrap_is_refused() -> None:
    desk = Desk()
    desk.mark(0)
    desk.trade(5, SML, 36e6)
    desk.trade(6, SML, 37e6)
    desk.mark(7)
    assert desk.said.reasons() == ["price"]
