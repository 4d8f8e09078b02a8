"""core.engine.evaluation: a catalogue meets a universe."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from core.definitions.catalogue import parse_catalogue
from core.engine.evaluation import PairEvaluator
from core.indicators import FAMILIES
from core.model.errors import CatalogueError
from core.model.instruments import parse_universe
from core.model.sessions import build_calendars
from core.partition.world import PartitionWorld, build_world
from tests.support.definitions import opposite_day

UNIVERSE = parse_universe("""
source = [{id = 1, name = "tape"}]
pair = [{numerator = "RUT", benchmark = "SPX"}, {numerator = "QQQ", benchmark = "SPX"}]
instrument = [
    {id = 1, symbol = "RUT", class = "index", calendar = "XNYS", source = "tape"},
    {id = 2, symbol = "SPX", class = "index", calendar = "XNYS", source = "tape"},
    {id = 3, symbol = "QQQ", class = "etf", calendar = "XNYS", source = "tape"},
]
""")


@pytest.fixture(scope="module")
def world() -> PartitionWorld:
    calendars = build_calendars(["XNYS"], date(2024, 6, 1), date(2024, 7, 31))
    return build_world(UNIVERSE, calendars, partition=0, partitions=1)


def definition(head: str = "") -> str:
    return opposite_day("up", more=head)


def test_a_definition_for_a_pair_that_is_not_there_names_the_nearest(world: PartitionWorld) -> None:
    with pytest.raises(CatalogueError, match=r"definition 'up'.*RUT/SPY") as refusal:
        PairEvaluator(world, parse_catalogue(definition('pairs = ["RUT/SPY"]')))
    assert "RUT/SPX" in str(refusal.value)


def test_a_pair_of_another_partition_is_no_mistake() -> None:
    calendars = build_calendars(["XNYS"], date(2024, 6, 1), date(2024, 7, 31))
    other = build_world(UNIVERSE, calendars, partition=2, partitions=3)
    evaluator = PairEvaluator(other, parse_catalogue(definition('pairs = ["QQQ/SPX"]')))
    assert evaluator.watches[0].wanted.tolist() == []


def test_a_definition_looks_at_the_pairs_it_names(world: PartitionWorld) -> None:
    everywhere = PairEvaluator(world, parse_catalogue(definition())).watches[0]
    assert everywhere.wanted.all()
    named = PairEvaluator(world, parse_catalogue(definition('pairs = ["QQQ/SPX"]'))).watches[0]
    assert [world.pairs[row].name for row in np.flatnonzero(named.wanted)] == ["QQQ/SPX"]


def test_every_output_has_a_column_and_nothing_else(world: PartitionWorld) -> None:
    evaluator = PairEvaluator(world, parse_catalogue(definition()))
    assert set(evaluator.columns) == {output.key for family in FAMILIES for output in family.outputs}
    for family in evaluator.families:
        for number, output in enumerate(family.outputs):
            values, quality = evaluator.columns[output.key]
            assert np.shares_memory(values, family.values[number])
            assert np.shares_memory(quality, family.quality[number])


def test_a_definition_that_reads_what_no_indicator_gives_is_refused(world: PartitionWorld) -> None:
    evaluator = PairEvaluator(world, parse_catalogue(definition()))
    del evaluator._rows["benchmark_return_pct:1d"]
    with pytest.raises(CatalogueError, match="no indicator gives 'benchmark_return_pct:1d'"):
        evaluator._watch(0, evaluator.catalogue.definitions[0])
