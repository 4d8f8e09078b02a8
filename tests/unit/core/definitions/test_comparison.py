"""core.definitions.comparison: rounding for thresholds, and which quality wins."""

from __future__ import annotations

import pytest

from core.definitions.comparison import rounded, usable, worse
from core.model.records import Quality


@pytest.mark.parametrize(
    ("value", "expected"),
    [(3.0, 3.0), (3.0 - 4e-11, 3.0), (2.99999999985, 2.9999999999), (-1.5, -1.5), (0.0, 0.0), (1e-11, 0.0)],
)
def test_ten_decimals(value: float, expected: float) -> None:
    assert rounded(value) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("quality", Quality)
def test_only_qualities_of_known_values_decide(quality: Quality) -> None:
    known = (Quality.OK, Quality.REBUILT, Quality.TRADED_VOLUME, Quality.MIXED_VOLUME)
    assert bool(usable(int(quality))) == (quality in known)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (Quality.OK, Quality.OK, Quality.OK),
        (Quality.OK, Quality.REBUILT, Quality.REBUILT),
        (Quality.STALE, Quality.REBUILT, Quality.STALE),
        (Quality.REBUILT, Quality.STALE, Quality.STALE),
        (Quality.HALTED, Quality.STALE, Quality.HALTED),
        (Quality.OK, Quality.CONSTANT, Quality.CONSTANT),
    ],
)
def test_the_first_reason_for_unknown_wins(first: Quality, second: Quality, expected: Quality) -> None:
    assert worse(int(first), int(second)) == expected
