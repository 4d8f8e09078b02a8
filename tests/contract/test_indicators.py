"""What every indicator family promises, over the registry: a new family is covered by its line there."""

from __future__ import annotations

import gc
import re
import tracemalloc
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from core.indicators import FAMILIES, DayFamily, IndicatorFamily
from core.model.records import Frequency, Quality
from tests.oracles import intraday
from tests.oracles.every_day import EVERY_DAY
from tests.support.family_rig import GATED, PAIRS, FamilyRig, over_families, random_walk, warm_rig, warm_steps

ORACLES: dict[Frequency, Mapping[str, Any]] = {
    Frequency.SECOND: intraday.SECONDS,
    Frequency.MINUTE: intraday.MINUTES,
    Frequency.DAY: EVERY_DAY,
}


def test_names_and_keys_are_unique() -> None:
    names = [family.name for family in FAMILIES]
    keys = [output.key for family in FAMILIES for output in family.outputs]
    assert len(set(names)) == len(names)
    assert len(set(keys)) == len(keys)


def test_value_names_are_unique_and_plain() -> None:
    names = [output.value_name for family in FAMILIES for output in family.outputs]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[a-z][a-z0-9_]*", name) for name in names)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("ratio:1d", "ratio"),
        ("instrument_return_pct:21d", "return_21d_pct"),
        ("instrument_return_pct:year", "ytd_pct"),
        ("instrument_return_pct:week", "week_pct"),
        ("relative_strength_pp:252d", "relative_252d_pp"),
        ("relative_strength_pp:year", "relative_ytd_pp"),
        ("beta:63d", "beta_63d"),
        ("correlation:63d", "correlation_63d"),
    ],
)
def test_public_names_stay_what_programs_know(key: str, name: str) -> None:
    assert {o.key: o.value_name for f in FAMILIES for o in f.outputs}[key] == name


@over_families
def test_every_output_has_an_oracle(family: type[IndicatorFamily]) -> None:
    known = ORACLES[family.frequency]
    lacking = [output.key for output in family.outputs if output.key not in known]
    assert not lacking, f"write an oracle in tests/oracles for {', '.join(lacking)}"


def test_no_oracle_stands_for_an_output_that_is_gone() -> None:
    keys = {(family.frequency, output.key) for family in FAMILIES for output in family.outputs}
    assert {(frequency, key) for frequency, table in ORACLES.items() for key in table} == keys


@over_families
def test_everything_is_unknown_before_the_first_evaluation(family: type[IndicatorFamily]) -> None:
    fresh = family(PAIRS)
    assert np.isnan(fresh.values).all()
    assert (fresh.quality == Quality.NOT_READY).all()
    assert (
        fresh.values.shape == fresh.quality.shape == fresh.observations.shape == (len(family.outputs), PAIRS)
    )


@over_families
def test_every_output_becomes_ready_and_rests_on_something(family: type[IndicatorFamily]) -> None:
    rig = warm_rig(family)
    rig.begin()
    rig.evaluate(commit=True)
    gated = [output.key in GATED for output in family.outputs]
    assert np.isin(rig.family.quality[gated], (Quality.OK, Quality.INCONCLUSIVE)).all()
    assert np.isin(rig.family.quality[np.logical_not(gated)], (Quality.OK, Quality.TRADED_VOLUME)).all()
    assert np.isfinite(rig.family.values[np.logical_not(gated)]).all()
    assert (rig.family.observations >= 1).all()


@over_families
def test_a_peek_changes_no_state_byte_and_gives_what_a_commit_gives(family: type[IndicatorFamily]) -> None:
    rig = warm_rig(family)
    for _ in range(3):
        rig.begin()
        before = rig.state_bytes()
        rig.evaluate(commit=False)
        peeked = rig.outputs()
        assert rig.state_bytes() == before
        rig.evaluate(commit=False)
        assert rig.outputs() == peeked
        rig.evaluate(commit=True)
        assert rig.outputs() == peeked
        rig.end()


@over_families
def test_a_commit_moves_the_state_of_a_family_that_has_one(family: type[IndicatorFamily]) -> None:
    steps = warm_steps(family)
    rig = FamilyRig(family, random_walk(steps, PAIRS))
    before = rig.state_bytes()
    rig.advance(steps)
    assert all(rig.state_bytes()[name] != content for name, content in before.items())


@over_families
def test_rows_not_asked_for_keep_values_and_state(family: type[IndicatorFamily]) -> None:
    rig = warm_rig(family)
    rig.begin()
    rig.evaluate(commit=False)
    rig.family.values[:, 1] = 12.5
    rig.family.quality[:, 1] = Quality.HALTED
    rig.family.observations[:, 1] = 77
    before = {name: array.copy() for name, array in rig.family.state().items()}
    rig.evaluate(commit=True, rows=np.array([0, 2], np.int32))
    assert (rig.family.values[:, 1] == 12.5).all()
    assert (rig.family.quality[:, 1] == Quality.HALTED).all()
    assert (rig.family.observations[:, 1] == 77).all()
    for name, array in rig.family.state().items():
        axis = 1 if isinstance(rig.family, DayFamily) else 0
        np.testing.assert_array_equal(np.take(array, 1, axis), np.take(before[name], 1, axis))


@over_families
def test_rows_in_two_calls_give_the_same_bytes_as_in_one(family: type[IndicatorFamily]) -> None:
    one, two = warm_rig(family), warm_rig(family)
    for rig in (one, two):
        rig.begin()
    one.evaluate(commit=True)
    two.evaluate(commit=True, rows=np.array([2], np.int32))
    two.evaluate(commit=True, rows=np.array([0, 1], np.int32))
    assert one.outputs() == two.outputs()
    assert one.state_bytes() == two.state_bytes()


@over_families
def test_a_pair_does_not_depend_on_its_neighbours(family: type[IndicatorFamily]) -> None:
    alone, among = warm_rig(family), warm_rig(family)
    among.prices[:, :, [0, 2]] *= 3
    for rig in (alone, among):
        rig.advance(10)
        rig.begin()
        rig.evaluate(commit=True)
    np.testing.assert_array_equal(alone.family.values[:, 1], among.family.values[:, 1])


@over_families
def test_state_carries_over_to_another_instance(family: type[IndicatorFamily]) -> None:
    rig, other = warm_rig(family), warm_rig(family, seed=8)
    other.family = family(PAIRS)
    stored = {name: array.copy() for name, array in rig.family.state().items()}
    assert set(stored) == set(other.family.state())
    for name, array in other.family.state().items():
        array[...] = stored[name]
    survivor = rig.family
    rig.begin()
    rig.evaluate(commit=True)
    expected = rig.outputs(), rig.state_bytes()
    rig.family = other.family
    if isinstance(rig.family, DayFamily):
        rig.family.start_session(rig._day_step(rig.rows))  # derived, not state
    rig.evaluate(commit=True)
    assert (rig.outputs(), rig.state_bytes()) == expected
    assert rig.family is not survivor


@over_families
def test_state_is_changed_in_place_and_has_a_pair_per_entry(family: type[IndicatorFamily]) -> None:
    rig = FamilyRig(family, random_walk(70, PAIRS))
    held = rig.family.state()
    rig.advance(70)
    for name, array in rig.family.state().items():
        assert np.shares_memory(array, held[name])
        assert array.shape[1 if isinstance(rig.family, DayFamily) else 0] == PAIRS
        assert array.dtype == np.float64


@over_families
def test_values_are_written_in_place(family: type[IndicatorFamily]) -> None:
    """Definitions and exporters hold views of them."""
    rig = warm_rig(family)
    held = rig.family.values, rig.family.quality, rig.family.observations
    rig.begin()
    rig.evaluate(commit=True)
    now = rig.family.values, rig.family.quality, rig.family.observations
    assert all(np.shares_memory(one, two) for one, two in zip(held, now, strict=True))


@over_families
def test_evaluation_does_not_grow_memory(family: type[IndicatorFamily]) -> None:
    rig = warm_rig(family)
    rig.begin()
    for _ in range(20):  # what is made once
        rig.evaluate(commit=False)
    tracemalloc.start()
    try:
        rig.evaluate(commit=False)
        gc.collect()
        first = tracemalloc.get_traced_memory()[0]
        for _ in range(200):
            rig.evaluate(commit=False)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - first
    finally:
        tracemalloc.stop()
    assert grown < 4_096, f"{grown} bytes in 200 evaluations"
