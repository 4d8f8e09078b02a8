"""core.model.routing: the home of an instrument, and where its ticks go."""

from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.instruments import Universe, parse_universe
from core.model.routing import home, routes

DEMO = resources.files("core").joinpath("data/demo_universe.toml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def demo() -> Universe:
    return parse_universe(DEMO)


@given(number=st.integers(0, 2**31 - 1), partitions=st.integers(1, 1_024))
def test_home_is_one_of_the_partitions_and_never_moves(number: int, partitions: int) -> None:
    assert home(number, partitions) == home(number, partitions) == number % partitions
    assert 0 <= home(number, partitions) < partitions


@pytest.mark.parametrize("partitions", [1, 4, 12])
def test_the_tape_goes_everywhere_once_and_the_rest_goes_home(demo: Universe, partitions: int) -> None:
    found = routes(demo, partitions)
    tape = {each.instrument_id for each in demo.benchmarks}
    assert set(found) == {each.instrument_id for each in demo.instruments}
    for number, partitions_of in found.items():
        assert partitions_of[0] == home(number, partitions)
        assert len(partitions_of) == len(set(partitions_of)), "never twice to one partition"
        assert set(partitions_of) == (
            set(range(partitions)) if number in tape else {home(number, partitions)}
        )


@pytest.mark.parametrize("partitions", [1, 4, 12])
def test_every_partition_holds_both_legs_of_the_pairs_it_owns(demo: Universe, partitions: int) -> None:
    found = routes(demo, partitions)
    for pair in demo.pairs:
        numerator, benchmark = demo.instrument(pair.numerator), demo.instrument(pair.benchmark)
        owner = home(numerator.instrument_id, partitions)
        assert owner in found[numerator.instrument_id]
        assert owner in found[benchmark.instrument_id]
