"""Vendor numbers come out exact in the scale of their instrument; what does not fit is told once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.model.scale import LARGEST_INTEGER, LARGEST_PRICE
from producers.feeds.scales import InstrumentScales, Scales
from tests.support.worlds import make_instrument


def _fixed_point(values: NDArray[np.float64], usable: NDArray[np.bool_]) -> list[int]:
    units: list[int] = Scales([-9]).fixed_point(values, usable, np.zeros(len(values), np.intp)).tolist()
    return units


@given(st.lists(st.integers(min_value=0, max_value=2 * 10**6 * 10**9 - 1), min_size=1), st.integers(0, 9))
def test_prices_are_exact_to_nine_decimals_below_two_million(units: list[int], decimals: int) -> None:
    step = 10 ** (9 - decimals)
    exact = [number // step * step for number in units]
    values = np.array([float(f"{number}e-9") for number in exact])
    assert _fixed_point(values, np.ones(len(values), np.bool_)) == exact


@given(st.lists(st.integers(min_value=0, max_value=9 * 10**9), min_size=1))
def test_whole_shares_are_exact_to_nine_billion(shares: list[int]) -> None:
    values = np.array(shares, np.float64)
    assert _fixed_point(values, np.ones(len(values), np.bool_)) == [number * 10**9 for number in shares]


def test_fixed_point_makes_nothing_of_what_is_not_usable() -> None:
    values = np.array([np.nan, np.inf, -1.0, 1e300])
    assert _fixed_point(values, np.zeros(4, np.bool_)) == [0, 0, 0, 0]


def test_each_row_has_its_own_units_and_bounds() -> None:
    scales = Scales([-9, -15, 0], LARGEST_PRICE)
    rows = np.array([0, 1, 2, 1], np.intp)
    values = np.array([126.55, 0.000012, 5e10, 0.000012345678901])
    units = scales.fixed_point(values, np.ones(4, np.bool_), rows).tolist()
    assert units == [126_550_000_000, 12_000_000_000, 50_000_000_000, 12_345_678_901]
    assert scales.unit(rows).tolist() == [1e-9, 1e-15, 1.0, 1e-15]
    assert scales.largest(rows)[1] == pytest.approx(2**55 / 1e15)


@pytest.mark.parametrize("exponent", range(-18, 1))
@pytest.mark.parametrize("largest", [LARGEST_INTEGER, LARGEST_PRICE])
def test_the_largest_number_fits_the_record(exponent: int, largest: int) -> None:
    scales = Scales([exponent], largest)
    rows = np.zeros(1, np.intp)
    (units,) = scales.fixed_point(scales.largest(rows), np.ones(1, np.bool_), rows).tolist()
    assert 0.999 * largest < units <= largest


def test_what_does_not_fit_is_told_once_for_each_instrument() -> None:
    scales = InstrumentScales([make_instrument(1, "PEPE"), make_instrument(2, "BTC")])
    rows = np.array([0, 0, 1, -1], np.intp)
    prices, sizes = np.array([1.0, 1.0, 4e7, 1e30]), np.array([5e10, 6e10, 1.0, 1e30])
    stamps = np.array([1_720_728_000_000_000_000] * 4, np.int64)
    scales.note(rows, prices, sizes, stamps)
    scales.note(rows, prices, sizes, stamps)
    price, size = scales.take()
    assert price.message == (
        "BTC: a price of 40,000,000 at 2024-07-11T20:00:00Z does not fit price_exponent = -9 "
        "(to 36,028,797); -8 would fit"
    )
    assert size.message == (
        "PEPE: a size of 50,000,000,000 at 2024-07-11T20:00:00Z does not fit size_exponent = -9 "
        "(to 9,223,372,036); -8 would fit"
    )
    assert (price.action, size.code) == ("ignore", "scale")
    assert "new id" in str(size.operator_action)
    assert scales.take() == []


def test_what_no_scale_could_hold_is_told_without_one() -> None:
    scales = InstrumentScales([make_instrument(1, "PEPE")])
    stamps = np.zeros(3, np.int64)
    scales.note(np.zeros(3, np.intp), np.array([np.nan, -1.0, 1e30]), np.array([np.inf, -1.0, 0.0]), stamps)
    (notice,) = scales.take()
    assert "would fit" not in notice.message
    assert notice.operator_action is None
