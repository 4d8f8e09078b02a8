"""core.indicators.ratio: the strength line by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core.indicators.ratio import Ratio, RatioLine
from core.model.records import Quality
from tests.support.family_rig import FamilyRig


def prices(*steps: tuple[float, float]) -> np.ndarray:
    return np.rint(np.array(steps)[:, :, None] * 1e9).astype(np.int64)


def test_the_ratio_is_one_price_over_the_other() -> None:
    rig = FamilyRig(Ratio, prices((200, 400), (300, 400)))
    for expected in (0.5, 0.75):
        rig.begin()
        rig.evaluate(commit=True)
        assert rig.family.values[0, 0] == expected


def test_the_line_is_100_at_the_first_session() -> None:
    rig = FamilyRig(RatioLine, prices((200, 400), (300, 400), (150, 400)))
    lines = []
    for _ in range(3):
        rig.begin()
        rig.evaluate(commit=True)
        rig.end()
        lines.append(rig.family.values[1, 0])
    assert lines == [100.0, 150.0, 75.0]
    assert rig.family.values[[2, 3], 0].tolist() == [150.0, 400.0]
    assert rig.family.observations[1, 0] == 3


def test_the_line_starts_with_the_first_session_that_is_known() -> None:
    rig = FamilyRig(RatioLine, prices((200, 400), (100, 400), (150, 400)))
    rig.begin({(1, 0): int(Quality.STALE)})
    rig.evaluate(commit=True)
    rig.end()
    assert rig.family.quality[:, 0].tolist() == [Quality.STALE, Quality.STALE, Quality.OK, Quality.STALE]
    rig.advance(1)
    rig.begin()
    rig.evaluate(commit=True)
    assert rig.family.values[1, 0] == 150.0


@pytest.mark.parametrize(("side", "factor"), [(0, 0.5), (1, 0.5), (0, 3.0)])
def test_a_split_does_not_move_the_line(side: int, factor: float) -> None:
    """A 2:1 split halves the numerator's price; the anchor goes with it."""
    rig = FamilyRig(RatioLine, prices((200, 400), (300, 400), (300, 400)))
    rig.advance(2)
    rig.prices[2, side] = np.rint(rig.prices[2, side] * factor)
    assert isinstance(rig.family, RatioLine)
    rig.family.adjust(rig.rows, side, factor)
    rig.begin()
    rig.evaluate(commit=True)
    assert rig.family.values[1, 0] == pytest.approx(150.0, rel=1e-15)
