"""core.partition.world: a partition as rows."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from core.model.errors import UniverseError
from core.model.instruments import parse_universe
from core.model.routing import home
from core.model.sessions import Calendar, build_calendars
from core.partition.world import PartitionWorld, build_world

UNIVERSE = parse_universe("""
source = [{id = 7, name = "b"}, {id = 3, name = "a"}]
instrument = [
    {id = 4, symbol = "SPY", class = "etf", calendar = "XNYS", source = "a"},
    {id = 5, symbol = "IWM", class = "etf", calendar = "XNYS", source = "a"},
    {id = 6, symbol = "BTC", class = "crypto", calendar = "24/7", source = "b"},
    {id = 9, symbol = "ETH", class = "crypto", calendar = "24/7", source = "b"},
    {id = 14, symbol = "XLE", class = "etf", calendar = "XNYS", source = "a"},
    {id = 15, symbol = "COIN", class = "equity", calendar = "XNYS", source = "b"},
]
pair = [
    {numerator = "COIN", benchmark = "BTC"},
    {numerator = "IWM", benchmark = "SPY"},
    {numerator = "ETH", benchmark = "BTC"},
    {numerator = "COIN", benchmark = "SPY"},
    {numerator = "XLE", benchmark = "SPY"},
    {numerator = "BTC", benchmark = "SPY"},
]
""")


@pytest.fixture(scope="module")
def calendars() -> dict[str, Calendar]:
    return build_calendars(["XNYS", "24/7"], date(2024, 6, 1), date(2024, 7, 31))


def worlds(calendars: dict[str, Calendar], partitions: int) -> list[PartitionWorld]:
    return [build_world(UNIVERSE, calendars, partition=n, partitions=partitions) for n in range(partitions)]


@pytest.mark.parametrize("partitions", [1, 2, 3, 4, 12])
def test_every_pair_belongs_to_the_home_of_its_numerator_alone(
    calendars: dict[str, Calendar], partitions: int
) -> None:
    everything = worlds(calendars, partitions)
    owned = [pair.name for world in everything for pair in world.pairs]
    assert sorted(owned) == sorted(pair.name for pair in UNIVERSE.pairs)
    for world in everything:
        for pair in world.pairs:
            assert home(UNIVERSE.instrument(pair.numerator).instrument_id, partitions) == world.partition


@pytest.mark.parametrize("partitions", [1, 3, 12])
def test_a_partition_holds_its_own_and_the_benchmark_tape(
    calendars: dict[str, Calendar], partitions: int
) -> None:
    for world in worlds(calendars, partitions):
        held = {instrument.symbol for instrument in world.instruments}
        own = {i.symbol for i in UNIVERSE.instruments if home(i.instrument_id, partitions) == world.partition}
        assert held == own | {"SPY", "BTC"}
        assert {i.symbol for i, mine in zip(world.instruments, world.is_home, strict=True) if mine} == own


def test_rows_point_at_each_other(calendars: dict[str, Calendar]) -> None:
    for world in worlds(calendars, 3):
        for row, instrument in enumerate(world.instruments):
            assert world.instrument_ids[row] == instrument.instrument_id
            assert world.row_of_id[instrument.instrument_id] == row
        strangers = set(range(len(world.row_of_id))) - set(world.instrument_ids.tolist())
        assert all(world.row_of_id[number] == -1 for number in strangers)
        for row, pair in enumerate(world.pairs):
            assert world.instruments[world.numerators[row]].symbol == pair.numerator
            assert world.instruments[world.benchmarks[row]].symbol == pair.benchmark


def test_blocks_share_a_clock_and_a_calendar_and_cover_every_row(calendars: dict[str, Calendar]) -> None:
    world = build_world(UNIVERSE, calendars, partition=0, partitions=1)
    covered = np.concatenate([block.rows for block in world.blocks])
    assert covered.tolist() == list(range(len(UNIVERSE.pairs)))
    for block in world.blocks:
        assert block.rows.dtype == np.int32
        assert block.rows.tolist() == list(range(block.start, block.stop))
        for row in block.rows:
            legs = [
                UNIVERSE.instrument(leg) for leg in (world.pairs[row].numerator, world.pairs[row].benchmark)
            ]
            assert tuple(world.sources[s].name for s in block.source_rows) == tuple(
                leg.source for leg in legs
            )
            assert world.calendars[block.calendar_row].name == legs[1].calendar
    keys = [(block.source_rows, block.calendar_row) for block in world.blocks]
    assert len(set(keys)) == len(keys)


def test_pairs_of_one_block_keep_the_order_of_the_file(calendars: dict[str, Calendar]) -> None:
    world = build_world(UNIVERSE, calendars, partition=0, partitions=1)
    names = [pair.name for pair in world.pairs]
    assert names.index("IWM/SPY") + 1 == names.index("XLE/SPY")


def test_targets_belong_to_their_calendars(calendars: dict[str, Calendar]) -> None:
    world = build_world(UNIVERSE, calendars, partition=0, partitions=1)
    assert [calendar.name for calendar in world.calendars] == ["24/7", "XNYS"]
    lengths = [len(calendar) for calendar in world.calendars]
    assert [len(starts.days) for starts in world.window_starts] == lengths
    assert world.calendar_row("XNYS") == 1


def test_a_partition_may_have_no_pair(calendars: dict[str, Calendar]) -> None:
    empty = build_world(UNIVERSE, calendars, partition=10, partitions=12)
    assert empty.pairs == ()
    assert empty.blocks == ()
    assert empty.numerators.shape == (0,)
    assert {i.symbol for i in empty.instruments} == {"SPY", "BTC"}


def test_a_missing_calendar_is_named(calendars: dict[str, Calendar]) -> None:
    with pytest.raises(UniverseError, match="24/7"):
        build_world(UNIVERSE, {"XNYS": calendars["XNYS"]}, partition=0, partitions=1)
