"""core.research.alignment: closes side by side, on common dates only."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from core.model.errors import HistoryError
from core.model.instruments import Pair
from core.research.alignment import align, align_legs


def frame(*rows: tuple[str, float]) -> pl.DataFrame:
    return pl.DataFrame(
        {"date": [date.fromisoformat(day) for day, _ in rows], "close": [close for _, close in rows]}
    )


def test_alignment_keeps_common_dates_only() -> None:
    wide = align(
        {
            "A": frame(("2024-07-01", 1.0), ("2024-07-02", 2.0), ("2024-07-03", 3.0)),
            "B": frame(("2024-07-02", 20.0), ("2024-07-03", 30.0), ("2024-07-05", 50.0)),
        }
    )
    assert wide.to_dicts() == [
        {"date": date(2024, 7, 2), "A": 2.0, "B": 20.0},
        {"date": date(2024, 7, 3), "A": 3.0, "B": 30.0},
    ]


def test_nothing_in_common_is_refused() -> None:
    with pytest.raises(HistoryError, match="A, B have no common date"):
        align({"A": frame(("2024-07-01", 1.0)), "B": frame(("2024-07-02", 1.0))})
    with pytest.raises(HistoryError, match="nothing to align"):
        align({})


def test_legs_are_named_by_their_part() -> None:
    """Guards against an instrument called `date` taking the dates' place."""
    frames = {"date": frame(("2024-07-01", 1.0)), "B": frame(("2024-07-01", 20.0), ("2024-07-02", 30.0))}
    assert align_legs(Pair("date", "B"), frames).to_dicts() == [
        {"date": date(2024, 7, 1), "numerator": 1.0, "benchmark": 20.0}
    ]
