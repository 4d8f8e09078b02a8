"""Decimals to integers and back, in every scale; and which scale holds what."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.scale import (
    LARGEST_INTEGER,
    LARGEST_PRICE,
    LEAST_EXPONENT,
    decimal_text,
    default_pair_scales,
    fits,
    fitting_exponent,
    largest_float,
    pair_scales,
    to_integers,
    units_per_one,
)

EXPONENTS = range(LEAST_EXPONENT, 1)
exponents = st.integers(LEAST_EXPONENT, 0)


@given(st.integers(-(2**63), 2**63 - 1), exponents)
def test_the_text_of_units_is_exact(units: int, exponent: int) -> None:
    text = decimal_text(units, exponent)
    assert Decimal(text) == Decimal(units).scaleb(exponent)
    assert "." not in text or not text.endswith("0")


@given(
    st.lists(st.integers(-(10**15) + 1, 10**15 - 1), min_size=1, max_size=20), exponents, st.integers(0, 3)
)
def test_decimals_of_fifteen_digits_come_out_exact(digits: list[int], exponent: int, zeros: int) -> None:
    # A vendor's text, read as a double, as JSON is.
    exact = [number * 10**zeros for number in digits]
    figures = np.array([float(str(Decimal(units).scaleb(exponent))) for units in exact])
    assert to_integers(figures, exponent).tolist() == exact


@given(st.lists(st.integers(0, 10**15 - 1), min_size=1, max_size=20), exponents)
def test_a_round_trip_through_a_float_gives_the_same_units(units: list[int], exponent: int) -> None:
    figures = np.array(units) / float(units_per_one(exponent))
    assert to_integers(figures, exponent).tolist() == units


@given(st.lists(st.floats(-(2.0**51) / 1e9, 2.0**51 / 1e9), min_size=1, max_size=20))
def test_the_default_scale_rounds_as_it_always_did(figures: list[float]) -> None:
    values = np.array(figures)
    assert to_integers(values, -9).tolist() == np.rint(values * 1_000_000_000).astype(np.int64).tolist()


@pytest.mark.parametrize("exponent", EXPONENTS)
@pytest.mark.parametrize("largest", [LARGEST_INTEGER, LARGEST_PRICE])
def test_what_fits_does_not_wrap(exponent: int, largest: int) -> None:
    most = largest_float(exponent, largest)
    around = np.array(
        [0.0, most / 3, np.nextafter(most, 0.0), most, np.nextafter(most, np.inf), 2 * most + 1]
    )
    held = around[fits(around, exponent, largest)]
    assert len(held) >= 3
    assert all(0 <= units <= largest for units in to_integers(held, exponent).tolist())
    assert not fits(np.array([np.nan, np.inf, -np.inf, 1e19]), exponent, largest).any()


@given(st.floats(0.0, 1e30, allow_nan=False))
def test_the_fitting_scale_is_the_finest(figure: float) -> None:
    fitting = fitting_exponent(figure)
    if fitting is None:
        assert figure > LARGEST_INTEGER
        return
    assert Decimal(figure).scaleb(-fitting) <= LARGEST_INTEGER
    assert fitting == LEAST_EXPONENT or Decimal(figure).scaleb(-fitting + 1) > LARGEST_INTEGER


def test_two_legs_in_one_scale_need_no_factor() -> None:
    scales = default_pair_scales(2)
    assert scales.ratio.tolist() == scales.illiquidity.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert scales.price_units.tolist() == [[1e9, 1e9], [1e9, 1e9]]


def test_legs_in_two_scales_are_brought_together_by_powers_of_ten() -> None:
    scales = pair_scales([[-15, -9], [-9, -12]], [[0, -9], [-9, -9]])
    assert scales.ratio.tolist() == [[1.0, 1e3], [1e6, 1.0]]
    # Price times size: units of 1e-15 against 1e-18, and of 1e-18 against 1e-21.
    assert scales.illiquidity.tolist() == [[1.0, 1.0], [1e3, 1e3]]
    assert scales.size_units.tolist() == [[1.0, 1e9], [1e9, 1e9]]
