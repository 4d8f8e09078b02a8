"""The values that an engine hands out: every pair, each minute and session, as the evaluator has them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.model.records import VALUE, Quality, TickKind, ValueFlag, ValueSign
from core.model.value_frames import ValueBatch
from tests.support.desk import Desk, at
from tests.support.logs import Run, cut, run
from tests.support.rich_log import rich_log, warm_start
from tests.support.worlds import BIG, GOO, OFFICIAL_WAIT_S, SML, make_engine, short_calendars

CLOSE_S = 240
FINAL_S = CLOSE_S + OFFICIAL_WAIT_S + 2
OUTPUTS = {
    "return_pct": "instrument_return_pct:1d",
    "relative_21d_pp": "relative_strength_pp:21d",
    "relative_63d_pp": "relative_strength_pp:63d",
    "d50_sd": "ma50_distance_sd",
    "rsi": "rsi:14",
}


def traded(baseline_days: int = 3) -> Desk:
    """Two minutes of trades."""
    desk = Desk(baseline_days=baseline_days)
    desk.mark(79)
    for seconds, instrument, price in ((80, SML, 101.0), (81, BIG, 198.0), (82, GOO, 50.5)):
        desk.trade(seconds, instrument, price)
    desk.mark(117)
    for instrument, price in ((SML, 104.0), (BIG, 199.0)):
        desk.trade(118, instrument, price)
    return desk


def record_of(batch: ValueBatch, instrument: int) -> np.void:
    record: np.void = batch.records[batch.records["instrument_id"] == instrument][0]
    return record


def test_each_minute_gives_every_pair_once() -> None:
    desk = traded()
    desk.mark(FINAL_S)
    minutes = [batch for batch in desk.said.values if not batch.final]
    assert [batch.ts_event_ns for batch in minutes] == [at(60 * (n + 1)) for n in range(4)]
    pairs = desk.engine.world.pairs
    for batch in minutes:
        assert len(batch.records) == len(pairs)
        assert batch.complete
        assert (batch.records["session"] == batch.session).all()
        assert not batch.records["flags"].any()


def test_a_record_holds_what_the_evaluator_has() -> None:
    desk = traded(baseline_days=70)
    desk.mark(121)
    batch = desk.said.values[-1]
    assert batch.ts_event_ns == at(120)
    universe = desk.engine.world.universe
    for row, pair in enumerate(desk.engine.world.pairs):
        record = batch.records[row]
        assert record["instrument_id"] == universe.instrument(pair.numerator).instrument_id
        assert record["benchmark_id"] == universe.instrument(pair.benchmark).instrument_id
        for name, key in OUTPUTS.items():
            value, _ = desk.value(key, pair.name)
            np.testing.assert_equal(record[name], np.float32(value))
        assert Quality(int(record["quality"])).label == desk.value("instrument_return_pct:1d", pair.name)[1]
    known = record_of(batch, SML)
    assert known["return_pct"] == np.float32(4.0)
    assert (int(known["price"]), int(known["volume"])) == (104 * 10**9, 200 * 10**9)
    assert math.isfinite(known["relative_63d_pp"])


def test_what_no_family_gives_yet_is_unknown() -> None:
    desk = traded(baseline_days=70)
    desk.mark(FINAL_S)
    for batch in desk.said.values:
        for name in ("strength_score", "trend", "momentum"):
            assert np.isnan(batch.records[name]).all()
        assert not batch.records["quadrant"].any()


def test_an_unknown_value_is_nan_and_says_why() -> None:
    desk = Desk()
    desk.mark(0)
    desk.trade(1, BIG, 199.0)
    desk.mark(61)
    record = record_of(desk.said.values[-1], SML)
    assert np.isnan(record["return_pct"])
    assert record["quality"] not in (Quality.OK, Quality.REBUILT)
    assert record["price"] < 0
    assert record["signs"] == 0


def test_signs_say_what_is_known_and_what_holds() -> None:
    desk = Desk(baseline_days=260, calendars=short_calendars(260))
    desk.mark(0)
    desk.mark(57)
    for instrument, price in ((SML, 101.0), (BIG, 199.0), (GOO, 49.0)):
        desk.trade(58, instrument, price)
    desk.mark(61)
    known = ValueSign.MA50_KNOWN | ValueSign.MA200_KNOWN | ValueSign.EXTREMES_KNOWN
    above = ValueSign.ABOVE_MA50 | ValueSign.ABOVE_MA200 | ValueSign.NEW_HIGH
    batch = desk.said.values[-1]
    assert record_of(batch, SML)["signs"] == known | above
    assert record_of(batch, GOO)["signs"] == known | ValueSign.NEW_LOW


def test_a_session_comes_as_pairs_become_final_and_its_mark_last() -> None:
    desk = traded()
    desk.mark(CLOSE_S + 1)
    desk.official(CLOSE_S + 2, BIG, 199.5)
    desk.mark(CLOSE_S + 10)
    desk.official(CLOSE_S + 12, SML, 103.0)
    desk.mark(FINAL_S)
    days = [batch for batch in desk.said.values if batch.final]
    assert len(days) > 1
    assert [batch.complete for batch in days] == [False] * (len(days) - 1) + [True]
    assert {batch.ts_event_ns for batch in days} == {at(CLOSE_S)}
    sent = [int(number) for batch in days for number in batch.records["instrument_id"]]
    assert len(sent) == len(desk.engine.world.pairs)
    assert all((batch.records["flags"] == ValueFlag.FINAL).all() for batch in days)
    (first,) = [batch for batch in days if SML in batch.records["instrument_id"]]
    assert record_of(first, SML)["return_pct"] == np.float32(3.0)


def test_a_corrected_close_sends_the_values_of_its_pairs_again_without_a_mark() -> None:
    desk = Desk()
    desk.mark(235)
    for instrument, price in ((SML, 100.5), (BIG, 200.5), (GOO, 50.0)):
        desk.trade(235.5, instrument, price)
    desk.mark(CLOSE_S)
    desk.official(CLOSE_S + 1.2, SML, 102.0)
    desk.official(CLOSE_S + 1.2, BIG, 199.0)
    desk.mark(CLOSE_S + 10)
    desk.official(CLOSE_S + 1.2, SML, 1.0, kind=TickKind.CANCEL)
    desk.official(CLOSE_S + 1.2, SML, 103.0, kind=TickKind.CORRECTION)
    (batch,) = desk.flush().values
    assert (batch.final, batch.complete, batch.ts_event_ns) == (True, False, at(CLOSE_S))
    assert (batch.records["flags"] == ValueFlag.FINAL | ValueFlag.REVISED).all()
    record = record_of(batch, SML)
    assert (record["return_pct"], int(record["price"])) == (np.float32(3.0), 103 * 10**9)


def test_history_hands_out_nothing() -> None:
    desk = Desk(baseline_days=5)
    assert desk.said.values == []


@pytest.mark.compiled
def test_without_being_asked_an_engine_hands_out_nothing_and_says_the_same() -> None:
    frames = cut(np.concatenate([warm_start(), rich_log(1)]))
    asked, silent = run(make_engine(), frames), run(make_engine(values=False), frames)
    assert asked.values
    assert silent.values == []
    assert silent.told()[:-1] == asked.told()[:-1]


@pytest.mark.compiled
def test_every_time_of_a_block_has_one_mark_and_every_pair_at_most_once() -> None:
    said = run(make_engine(), cut(np.concatenate([warm_start(), rich_log(1)])))
    assert {batch.final for batch in said.values} == {True, False}
    marks, pairs = _places(said)
    assert len(marks) == len(set(marks)) > 0
    assert len(pairs) == len(set(pairs)) > 0
    assert {place[:3] for place in pairs} <= set(marks)


def _places(said: Run) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
    """Block, T and kind of every mark; and of every pair."""
    marks: list[tuple[int, ...]] = []
    pairs: list[tuple[int, ...]] = []
    for batch in said.values:
        place = (batch.block, batch.ts_event_ns, int(batch.final))
        if batch.complete:
            marks.append(place)
        for record in batch.records:
            if not record["flags"] & ValueFlag.REVISED:
                pairs.append((*place, int(record["instrument_id"]), int(record["benchmark_id"])))
    return marks, pairs


def test_a_record_is_64_bytes_without_gaps() -> None:
    assert VALUE.itemsize == 64
    assert sum(VALUE[name].itemsize for name in VALUE.names or ()) == 64
