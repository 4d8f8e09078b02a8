"""Ticks of sessions that the history already contains: nothing that rests on finished days is known."""

from __future__ import annotations

import numpy as np
import pytest

from core.engine.engine import PartitionEngine
from core.indicators import DayFamily
from core.model.records import Quality
from tests.support.logs import LogBuilder, Run, cut, run, state_of
from tests.support.worlds import (
    BIG,
    CATALOGUE,
    DAY,
    GOO,
    MINUTE,
    OPEN,
    SECOND,
    SML,
    exchange_universe,
    make_engine,
    session_close,
    session_open,
)

MORE = """
[[definition]]
id = "risen"
frequency = "1m"
family = "relative-strength"
enter = ["ratio_1s > 0"]
values = ["ratio_1s"]

[[definition]]
id = "not_ok"
family = "quality"
enter = ["quality(ratio) != ok"]
values = ["ratio"]
"""


def replayed(through: int) -> tuple[PartitionEngine, Run]:
    """History through a live session, and then ticks of sessions 0 to 2 in which SML rises and BIG falls."""
    engine = make_engine(exchange_universe(), catalogue=CATALOGUE + MORE)
    log = LogBuilder()
    for back in (3, 2, 1):
        log.baseline(OPEN - 5 * MINUTE - (back - 1) * DAY, {SML: 100.0, BIG: 200.0, GOO: 50.0})
    for number in range(through + 1):
        log.baseline(session_close(number), {SML: 101.0, BIG: 200.0, GOO: 50.0})
    for number in range(3):
        opened, closed = session_open(number), session_close(number)
        log.mark(opened)
        for minute in range(4):
            at = opened + minute * MINUTE + 55 * SECOND
            log.mark(at - SECOND)
            for instrument, price in ((SML, 102.0 + number), (BIG, 199.0), (GOO, 51.0)):
                log.trade(at, instrument, price)
            log.mark(at + 4 * SECOND)
        log.mark(closed)
        for instrument, price in ((SML, 102.0 + number), (BIG, 199.0)):
            log.official(closed + SECOND, instrument, price)
        log.mark(closed + 90 * SECOND)
    return engine, run(engine, cut(log.records))


def test_a_session_that_the_history_contains_opens_nothing_daily() -> None:
    _, said = replayed(1)
    daily = [event for event in said.events if event.frequency == "1d"]
    assert min(event.ts_event_ns for event in daily) > session_open(2)  # the first that it does not contain
    assert ("opposite_up", "opened") in {(event.definition, event.state) for event in daily}


def test_an_intraday_event_reads_no_close_of_its_own_session_or_later() -> None:
    _, said = replayed(1)
    opened = [each for each in said.events if (each.definition, each.state) == ("risen", "opened")]
    first = min(opened, key=lambda event: (event.pair != "SML/BIG", event.ts_event_ns))
    assert session_open(0) < first.ts_event_ns <= session_close(0)
    legs = {side: (figures["price"], figures["previous_close"]) for side, figures in first.legs.items()}
    assert legs == {"numerator": (102.0, None), "benchmark": (199.0, None)}


def test_every_daily_value_is_unknown_for_that_reason() -> None:
    engine = make_engine(exchange_universe())
    log = LogBuilder()
    for back in (3, 2, 1):
        log.baseline(OPEN - 5 * MINUTE - (back - 1) * DAY, {SML: 100.0, BIG: 200.0, GOO: 50.0})
    log.baseline(session_close(0), {SML: 100.0, BIG: 200.0})  # GOO is not in it
    log.mark(session_open(0))
    for instrument in (SML, BIG, GOO):
        log.trade(session_open(0) + 50 * SECOND, instrument, 100.0)
    log.mark(session_open(0) + 62 * SECOND)
    run(engine, cut(log.records))
    rows = {pair.name: row for row, pair in enumerate(engine.world.pairs)}
    ahead, known = rows["SML/BIG"], rows["GOO/BIG"]
    for family in engine.evaluator.families:
        if isinstance(family, DayFamily):
            assert np.isnan(family.values[:, ahead]).all(), family.name
            assert (family.quality[:, ahead] == Quality.HISTORY_AHEAD).all(), family.name
            assert (family.quality[:, known] != Quality.HISTORY_AHEAD).all(), family.name


def test_history_decides_such_a_session_and_the_next_one_is_live() -> None:
    engine, _ = replayed(1)
    days = engine.evaluator.days
    closes = days.closes[0, : int(days.counts[0]), 0] / 1e9
    assert closes.tolist() == [100.0, 100.0, 100.0, 101.0, 101.0, 104.0]


@pytest.mark.parametrize("through", [0, 1])
def test_a_snapshot_in_such_a_session_goes_on_alike(through: int) -> None:
    engine, _ = replayed(through)
    other = make_engine(exchange_universe(), catalogue=CATALOGUE + MORE)
    other.restore(engine.snapshot())
    assert state_of(other) == state_of(engine)
