"""Figures become JSON values once, and a converted table is not converted again."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.events.plain import PlainTable, plain, plain_table, rounded
from core.model.errors import InputError

CARD = {"n": np.int64(21), "horizons": [{"mean": 1 / 3, "interval": (-0.0, 2.0), "as_of": "2024-06-28"}]}


def test_a_table_is_rounded_and_in_order() -> None:
    nulls: dict[str, str] = {}
    found = plain(
        {"b": 1 / 3, "a": np.float64(2.0), "c": True, "d": None, "e": math.inf}, "x", "stale", nulls
    )
    assert found == {"a": 2.0, "b": 0.3333333333, "c": True, "d": None, "e": None}
    assert list(found) == ["a", "b", "c", "d", "e"]
    assert nulls == {"x.d": "stale", "x.e": "stale"}


def test_a_converted_table_is_what_converting_it_gives() -> None:
    once = plain_table(CARD)
    assert once == plain(CARD, "base_rate", "unknown", {})
    assert plain(once, "base_rate", "unknown", {}) is once
    assert isinstance(once, PlainTable)
    assert math.copysign(1.0, once["horizons"][0]["interval"][0]) == 1.0  # type: ignore[index]


def test_a_table_without_reasons_has_no_unknown_figure() -> None:
    with pytest.raises(InputError, match=r"unknown figures in a table without reasons: \.mean"):
        plain_table({"mean": math.nan})


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes"])
def test_what_json_cannot_represent_is_refused(value: object) -> None:
    with pytest.raises(InputError, match=r"x\.y is a .*, which JSON cannot represent"):
        plain({"y": value}, "x", "unknown", {})


def test_the_largest_float_is_beyond_ten_digits() -> None:
    nulls: dict[str, str] = {}
    largest = 1.7976931348623157e308
    assert rounded(largest) == math.inf
    assert plain({"y": largest}, "x", "unknown", nulls) == {"y": None}
    assert nulls == {"x.y": "unknown"}
