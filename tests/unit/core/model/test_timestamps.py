"""Instants and dates as text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.timestamps import date_text, rfc3339

INT64 = np.iinfo(np.int64)


@pytest.mark.parametrize(
    ("ts_ns", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (1_720_728_000_000_000_000, "2024-07-11T20:00:00Z"),
        (1_720_728_000_120_000_000, "2024-07-11T20:00:00.120Z"),
        (1_720_728_000_000_100_000, "2024-07-11T20:00:00.000100Z"),
        (1_720_728_000_000_000_001, "2024-07-11T20:00:00.000000001Z"),
    ],
)
def test_an_instant_has_no_three_six_or_nine_decimals(ts_ns: int, text: str) -> None:
    assert rfc3339(ts_ns) == text


@given(st.integers(int(INT64.min) + 1, int(INT64.max)))
def test_an_instant_is_what_numpy_says(ts_ns: int) -> None:
    text = rfc3339(ts_ns)
    assert text.endswith("Z")
    assert np.datetime64(text[:-1], "ns") == np.datetime64(ts_ns, "ns")


@given(st.integers(-100_000, 100_000))
def test_a_date_is_what_numpy_says(day: int) -> None:
    assert date_text(day) == str(np.datetime64(day, "D"))


def test_numpy_integers_are_taken() -> None:
    row = np.array([(1_720_728_000_000_000_000, 19915)], [("ts", "i8"), ("session", "i4")])[0]
    assert rfc3339(row["ts"]) == "2024-07-11T20:00:00Z"
    assert date_text(row["session"]) == "2024-07-11"
