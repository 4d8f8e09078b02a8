"""core.indicators.passes: signature, arrays and call of a kernel follow from what it declares."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba import void
from numba.core import config

from core.indicators import FAMILIES
from core.indicators.base import DayFamily, DayStep, Output, RingStep
from core.indicators.passes import (
    DAY_STEP,
    NEVER_DERIVED,
    OUTPUTS,
    PAIRS,
    RING_STEP,
    Role,
    day_pass,
    derived,
    fixed,
    ring_pass,
    scratch,
    state,
)
from core.kernels.jit import BOOL, F8, I4, I8, array_of
from core.model.scale import default_pair_scales
from core.partition.pair_days import allocate_pair_days
from tests.support.family_rig import FamilyRig, random_walk

DAY_FAMILIES = [family for family in FAMILIES if issubclass(family, DayFamily)]


def total(
    prices: Any, rows: Any, totals: Any, values: Any, quality: Any, observations: Any, commit: Any
) -> None:
    """Sum the numerator's prices from session to session."""
    for row in rows:
        values[0, row] = totals[0, row] + prices[0, row]
        quality[0, row] = 0
        observations[0, row] = 1
        if commit:
            totals[0, row] = values[0, row]


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels of these tests run as plain Python: what is compiled is compared elsewhere."""
    monkeypatch.setattr(config, "DISABLE_JIT", 1)


def made_family() -> type[DayFamily]:
    class Total(DayFamily):
        name = "total"
        outputs = (Output("total", ""),)
        evaluation = day_pass(totals=state(1, PAIRS))(total)
        observed = 5

    return Total


@pytest.mark.usefixtures("plain")
def test_a_family_is_its_outputs_and_a_kernel() -> None:
    rig = FamilyRig(made_family(), random_walk(4, 3))
    assert rig.family.observations.tolist() == [[5, 5, 5]]
    for _ in range(2):
        rig.begin()
        rig.evaluate(commit=True)
        rig.end()
    rig.begin()
    rig.evaluate(commit=False)
    expected = rig.prices[:3, 0].sum(axis=0).astype(np.float64)
    np.testing.assert_array_equal(rig.family.values[0], expected)
    np.testing.assert_array_equal(rig.family.state()["totals"][0], rig.prices[:2, 0].sum(axis=0))


@pytest.mark.usefixtures("plain")
def test_outputs_go_on_in_the_matrix_they_are_placed_in() -> None:
    rig = FamilyRig(made_family(), random_walk(2, 3))
    values, quality = np.zeros((4, 3)), np.full((4, 3), 9, np.uint8)
    rig.family.place_outputs(values[2:3], quality[2:3])
    rig.begin()
    rig.evaluate(commit=True)
    np.testing.assert_array_equal(values[2], rig.prices[0, 0])
    assert quality.tolist() == [[9] * 3, [9] * 3, [0] * 3, [9] * 3]


def test_a_declaration_gives_the_type_and_the_array() -> None:
    assert state(2, PAIRS, 7).numba_type == array_of(F8, 3)
    assert derived(PAIRS, 4, dtype=np.int32).numba_type == array_of(I4, 2)
    assert DAY_STEP["session"].numba_type == I8
    assert scratch(3).allocate(5).shape == (3,)
    assert fixed(2, dtype=np.int64).allocate(5).tolist() == [0, 0]
    assert state(2, PAIRS, fill=1.5).allocate(2).tolist() == [[1.5, 1.5], [1.5, 1.5]]


def signature_of(monkeypatch: pytest.MonkeyPatch, decorator: Any, function: Any) -> tuple[Any, ...]:
    """The types a kernel would be compiled for."""
    seen: list[tuple[Any, ...]] = []

    def noting(returns: Any, *types: Any) -> Any:
        seen.append((returns, *types))
        return lambda compiled: compiled

    monkeypatch.setattr("core.kernels.jit.kernel", noting)
    decorator(function)
    return seen[0]


def test_the_signature_follows_the_names(monkeypatch: pytest.MonkeyPatch) -> None:
    found = signature_of(monkeypatch, day_pass(totals=state(1, PAIRS)), total)
    names = ("values", "quality", "observations")
    outputs = tuple(OUTPUTS[name].numba_type for name in names)
    assert found == (void, array_of(I8, 2), array_of(I4), array_of(F8, 2), *outputs, BOOL)


@pytest.mark.usefixtures("plain")
def test_what_is_derived_is_marked_as_never_derived_and_forgotten() -> None:
    def show(counts: Any, rows: Any, derived_for: Any, values: Any) -> None:
        for row in rows:
            derived_for[row] = counts[row]
            values[0, row] = counts[row]

    class Counts(DayFamily):
        name = "counts"
        outputs = (Output("counts", ""),)
        evaluation = day_pass()(show)

    rig = FamilyRig(Counts, random_walk(4, 3))
    assert isinstance(rig.family, DayFamily)
    rig.begin()
    rig.end()
    rig.begin()
    rig.evaluate(commit=False)
    assert rig.family.arrays["derived_for"].tolist() == [1, 1, 1]
    rig.family.forget(np.array([1], np.int32))
    assert rig.family.arrays["derived_for"].tolist() == [1, NEVER_DERIVED, 1]
    assert rig.family.state() == {}


@pytest.mark.parametrize(
    ("own", "names", "message"),
    [
        ({}, "prices rows levels values", "not declared: levels"),
        ({"levels": scratch(1)}, "prices rows values", "declared but not a parameter: levels"),
        ({}, "prices values rows", "inputs of the step come first"),
        ({}, "rows values", "at least two"),
        ({"levels": state(1, PAIRS)}, "prices rows levels values", "`commit` must be the last"),
        ({}, "prices rows values commit", "`commit` must be the last"),
        ({}, "prices rows ring values", "not declared: ring"),
    ],
)
def test_a_kernel_that_does_not_fit_its_declaration_is_refused(
    own: dict[str, Any], names: str, message: str
) -> None:
    space: dict[str, Any] = {}
    exec(f"def kernel({', '.join(names.split())}): pass", space)  # noqa: S102
    with pytest.raises(TypeError, match=message):
        day_pass(**own)(space["kernel"])


def test_a_ring_kernel_is_not_given_what_only_days_have() -> None:
    def asks(ring: Any, rows: Any, bases: Any, values: Any) -> None: ...

    with pytest.raises(TypeError, match="not declared: bases"):
        ring_pass()(asks)


def test_what_a_step_gives_is_of_the_declared_type() -> None:
    """A compiled entry point trusts its caller, so the declaration must be right."""
    pairs, one = 3, np.zeros(3, np.int32)
    prices, series = np.zeros((2, pairs), np.int64), np.zeros((2, pairs))
    scales, ring = default_pair_scales(pairs), np.zeros((64, 5), np.int64)
    bases, ends = np.zeros((8, 2, pairs), np.int64), np.zeros(pairs, np.uint8)
    days, traded = allocate_pair_days(pairs), np.zeros((2, pairs), np.uint8)
    day = DayStep(one, prices, prices, traded, series, bases, days, 20_000, ends, scales)
    ring_step = RingStep(one, ring, 5, 1, one, one, prices, scales)
    assert day.year == 2024
    for step, given in ((day, DAY_STEP), (ring_step, RING_STEP)):
        for name, array in given.items():
            found: Any = step
            for attribute in array.source.split("."):
                found = getattr(found, attribute)
            assert np.ndim(found) == len(array.shape), name
            if array.shape:
                assert found.dtype == array.dtype, name
                lengths = zip(found.shape, array.shape, strict=True)
                assert all(length == wanted for length, wanted in lengths if isinstance(wanted, int)), name
                assert all(
                    length == pairs
                    for length, wanted in zip(found.shape, array.shape, strict=True)
                    if wanted is PAIRS
                ), name


@pytest.mark.parametrize("family", DAY_FAMILIES, ids=lambda family: family.name)
def test_state_of_a_daily_family_has_pairs_on_axis_1(family: type[DayFamily]) -> None:
    """One pair's day is taken back by that axis."""
    kept = [array for array in family.evaluation.own.values() if array.role is Role.STATE]
    assert all(array.shape[1] is PAIRS for array in kept)
    assert family.evaluation.commits == bool(kept)
