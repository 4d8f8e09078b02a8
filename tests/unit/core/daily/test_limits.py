"""core.daily.limits: what a record cannot hold."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from core.daily.limits import Limits, within_record
from core.model.errors import HistoryError

DAYS = [date(2024, 7, 11), date(2024, 7, 12)]


def test_a_volume_too_large_is_unknown_with_its_date_and_what_follows() -> None:
    frame = pl.DataFrame({"date": DAYS, "close": [1.0, 1.0], "volume": [1e6, 3.5e10]})
    checked = within_record(frame, Limits(), name="X")
    assert checked.frame["volume"].to_list() == [1e6, None]
    (finding,) = checked.findings
    assert (finding.kind, finding.dates) == ("volume_too_large", (DAYS[1],))
    assert "so is relative volume" in finding.message
    assert within_record(frame, Limits(size_exponent=-6), name="X") == (frame, [])


def test_a_price_too_large_is_refused_by_its_date() -> None:
    frame = pl.DataFrame({"date": DAYS, "close": [1.0, -5e10]})
    with pytest.raises(
        HistoryError, match=r"X: the close of 2024-07-12, -50,000,000,000, does not fit price_exponent = -9"
    ):
        within_record(frame, Limits(), name="X", signed=True)
    assert (
        within_record(frame, Limits(price_exponent=-6, largest=2**63 - 1), name="X", signed=True).frame
        is frame
    )


def test_a_price_that_would_become_zero_is_left_out() -> None:
    frame = pl.DataFrame({"date": DAYS, "close": [1.0, 1e-10]})
    checked = within_record(frame, Limits(), name="X")
    assert checked.frame["close"].to_list() == [1.0]
    assert [finding.kind for finding in checked.findings] == ["close_too_small"]
    assert within_record(frame, Limits(), name="X", signed=True).findings == []


def test_a_price_of_half_a_unit_rounds_to_zero_and_is_left_out() -> None:
    frame = pl.DataFrame({"date": DAYS, "close": [1.0, 5e-10]})
    assert within_record(frame, Limits(), name="X").frame["close"].to_list() == [1.0]


def test_an_open_high_or_low_that_would_become_zero_is_unknown() -> None:
    frame = pl.DataFrame(
        {
            "date": DAYS,
            "open": [1e-10, 1e-9],
            "high": [1e-9, 2e-9],
            "low": [1e-9, 2e-10],
            "close": [1e-9, 2e-9],
        }
    )
    checked = within_record(frame, Limits(), name="X")
    assert checked.frame["open"].to_list() == [None, 1e-9]
    assert checked.frame["high"].to_list() == [1e-9, None]
    assert checked.frame["low"].to_list() == [1e-9, None]
    assert checked.frame["close"].to_list() == [1e-9, 2e-9]
    assert [(each.kind, each.dates) for each in checked.findings] == [
        ("open_unknown", (DAYS[0],)),
        ("range_unknown", (DAYS[1],)),
    ]
    assert within_record(frame, Limits(price_exponent=-12, finest_exponent=-12), name="X").findings == []
