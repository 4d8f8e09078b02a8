"""Which scale is recommended, and when none is."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from core.model.scale import LARGEST_INTEGER, LARGEST_PRICE, units_per_one
from core.model.scale_advice import advise, flow_exponent, price_exponent, size_exponent
from tests.support.worlds import make_instrument

COIN = make_instrument(1, "PEPE", calendar="24/7")


@pytest.mark.parametrize(
    ("lowest", "highest", "exponent"),
    [
        (1.25, 5_500.0, -9),
        (0.0001, 0.5, -9),
        (0.000012, 0.000015, -15),
        (0.0000000012, 0.0000000013, -18),
        (0.000012, 60_000.0, -10),
        (1e6, 1.6e9, -6),
        (1.0, 1e30, -9),
    ],
)
def test_prices(lowest: float, highest: float, exponent: int) -> None:
    found = price_exponent(pl.Series([lowest, highest]))
    assert found == exponent
    if highest < 1e30:
        assert highest * units_per_one(found) <= LARGEST_PRICE
        assert price_exponent(pl.Series([lowest, highest]), found) == found


def test_volumes_and_flows_keep_a_scale_in_which_they_fit() -> None:
    assert size_exponent(pl.Series([9.2e9, None])) == -9
    assert size_exponent(pl.Series([5e10])) == -7
    assert size_exponent(pl.Series([5e10]), 0) == 0
    assert size_exponent(pl.Series([None], dtype=pl.Float64)) == -9
    assert flow_exponent(pl.Series([-5e10, 3.0])) == -7
    assert 5e10 * units_per_one(-7) <= LARGEST_INTEGER


def test_advice_says_what_is_wrong_and_what_to_write() -> None:
    frame = pl.DataFrame({"close": [0.000012, None, 0.000015], "volume": [5e10, None, 1.0]})
    advice = advise(COIN, frame)
    assert advice is not None
    assert not advice.refused
    assert advice.text == (
        "a close of 1.2e-05 has 5 digits at price_exponent = -9; "
        "volumes to 50,000,000,000 do not fit size_exponent = -9"
    )
    assert advice.operator_action.startswith("set price_exponent = -15, size_exponent = -7 for PEPE")
    assert advise(replace(COIN, price_exponent=-15, size_exponent=-7), frame) is None


def test_prices_that_do_not_fit_are_a_refusal() -> None:
    advice = advise(COIN, pl.DataFrame({"close": [1.6e9]}))
    assert advice is not None
    assert advice.refused
    assert advice.text == "closes to 1,600,000,000 do not fit price_exponent = -9"


def test_a_flow_beyond_its_scale_is_a_refusal() -> None:
    flow = replace(COIN, asset_class="flow", has_volume=False)
    advice = advise(flow, pl.DataFrame({"close": [-5e10, 0.0]}))
    assert advice is not None
    assert advice.refused
    assert "price_exponent = -7" in advice.operator_action
    assert advise(flow, pl.DataFrame({"close": [-5e9, 0.0]})) is None
