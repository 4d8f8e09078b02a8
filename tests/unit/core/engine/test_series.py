"""Rates and flows: they come with the history, to every partition, and are no legs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from core.engine.engine import PartitionEngine
from core.indicators.base import DayStep
from core.model.errors import UniverseError
from core.model.instruments import Instrument, Pair, Universe
from core.model.routing import routes
from tests.support.logs import LogBuilder, Run, Sequences, cut, run, state_of
from tests.support.worlds import (
    BIG,
    DAY,
    GOO,
    MINUTE,
    OPEN,
    SML,
    exchange_universe,
    make_engine,
    make_instrument,
)

TEN_YEARS, TWO_YEARS, INTO_SML = 20, 21, 22


def series(instrument_id: int, symbol: str, asset_class: str, group: str | None = None) -> Instrument:
    made = make_instrument(
        instrument_id, symbol, source="history", has_volume=False, has_official_close=False
    )
    return dataclasses.replace(made, asset_class=asset_class, group=group)


def universe() -> Universe:
    plain = exchange_universe()
    both = (
        series(TEN_YEARS, "Y10", "rate"),
        series(TWO_YEARS, "Y2", "rate"),
        series(INTO_SML, "SML.FLOW", "flow", "SML"),
    )
    return dataclasses.replace(plain, instruments=plain.instruments + both)


def watched(engine: PartitionEngine) -> list[NDArray[np.float64]]:
    """The series each committed day is given, filled while the engine steps."""
    seen: list[NDArray[np.float64]] = []
    family = engine.evaluator.day_families[0]
    evaluate = family.evaluate

    def spy(step: DayStep, *, commit: bool) -> None:
        if commit:
            seen.append(step.series.copy())
        evaluate(step, commit=commit)

    family.evaluate = spy  # type: ignore[method-assign]
    return seen


def told(engine: PartitionEngine, days: list[dict[int, float]]) -> Run:
    log = LogBuilder()
    for number, values in enumerate(days):
        back = len(days) - number - 1
        log.baseline(OPEN - 5 * MINUTE - back * DAY, {SML: 100.0, BIG: 200.0, GOO: 50.0}, series=values)
    return run(engine, cut(log.records, sequences=Sequences()))


def test_each_day_sees_the_values_of_that_day_only() -> None:
    engine = make_engine(universe())
    seen = watched(engine)
    said = told(engine, [{TEN_YEARS: 4.28, INTO_SML: -5e8}, {TWO_YEARS: 4.6}, {TEN_YEARS: -0.02}])
    assert said.dead_letters == []
    names = [pair.name for pair in engine.world.pairs]
    sml, goo = names.index("SML/BIG"), names.index("GOO/BIG")
    np.testing.assert_array_equal(seen[0][:, sml], [4.28, -5e8])
    np.testing.assert_array_equal(seen[0][:, goo], [4.28, np.nan])
    np.testing.assert_array_equal(seen[1][:, sml], [np.nan, np.nan])  # the first rate serves, no other
    np.testing.assert_array_equal(seen[2][:, sml], [-0.02, np.nan])
    assert np.isnan(engine.evaluator.series).all()


def test_a_series_is_told_to_every_partition() -> None:
    everywhere = routes(universe(), 3)
    assert sorted(everywhere[TEN_YEARS]) == sorted(everywhere[INTO_SML]) == [0, 1, 2]
    for partition in range(3):
        engine = make_engine(universe(), partition=partition, partitions=3)
        assert (engine.world.series[0] >= 0).all()


def test_a_price_where_a_series_should_be_and_the_reverse_are_refused() -> None:
    engine = make_engine(universe())
    log = LogBuilder()
    log.baseline(OPEN - 5 * MINUTE, {TEN_YEARS: 4.2, BIG: 200.0}, series={SML: 3.0})
    said = run(engine, cut(log.records, sequences=Sequences()))
    assert said.reasons() == ["price", "price"]


def test_values_of_a_session_in_progress_survive_a_snapshot() -> None:
    engine, successor = make_engine(universe()), make_engine(universe())
    log = LogBuilder()
    log.baseline(OPEN - 5 * MINUTE, {SML: 100.0, BIG: 200.0}, volumes={SML: 7.0}, series={TEN_YEARS: 4.2})
    frames = cut(log.records, range(1, len(log.records)), sequences=Sequences())
    run(engine, frames[:-1])
    successor.restore(engine.snapshot())
    seen = watched(successor)
    run(engine, frames[-1:], first_offset=len(frames) - 1)
    run(successor, frames[-1:], first_offset=len(frames) - 1)
    assert state_of(successor) == state_of(engine)
    row = [pair.name for pair in engine.world.pairs].index("SML/BIG")
    assert seen[0][0, row] == 4.2


@pytest.mark.parametrize(
    ("more", "pair", "problem"),
    [
        ((), Pair("SML", "Y10"), "has the rate 'Y10' as a leg"),
        ((series(30, "LOST", "flow"),), None, "flow 'LOST' must name the instrument it flows into"),
        ((series(30, "LOST", "flow", "SMR"),), None, "did you mean"),
        ((series(30, "TWICE", "flow", "SML"),), None, "flow into 'SML' is duplicated"),
    ],
)
def test_a_universe_that_misuses_a_series_is_refused(
    more: tuple[Instrument, ...], pair: Pair | None, problem: str
) -> None:
    good = universe()
    pairs = (*good.pairs, pair) if pair else good.pairs
    with pytest.raises(UniverseError, match=problem):
        dataclasses.replace(good, instruments=good.instruments + more, pairs=pairs)
