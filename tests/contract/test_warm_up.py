"""A value marked ready is the same however long the history before it: the exceptions stand here.

Two workers see one series of prices, one of them 400 sessions later than the other. Whatever the
later one calls known must be what the earlier one says, to 1e-9 of its value.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from core.indicators import FAMILIES, DayFamily
from core.model.records import Quality
from tests.oracles.comparison import RELATIVE_TOLERANCE
from tests.support.family_rig import PAIRS, FamilyRig, random_walk

pytestmark = pytest.mark.compiled

STEPS = 1_200
LATER = 400
LOOK_EVERY = 37

OF_ALL_HISTORY = (
    "ratio_line",  # 100 in the first session
    "drawdown_pct",
    "benchmark_drawdown_pct",
    "recovery_gap_pct",
    "catch_up_gap_pct",
    "benchmark_since_peak_pct",
    "peak_session",
    "sessions_under_water",
    "record",
    "benchmark_record_high",
    "relative_record",
    "relative_5d_record",
    "numerator_highest",  # "of all history", until there is more of it
    "numerator_lowest",
    "ratio_highest",
    "ratio_lowest",
    "flow_percentile",  # of the sums there are so far, until there are five years of them
)
"""How the keys begin of outputs that speak of the whole history by what they are."""

FADING = {
    "relative_return_zscore": 1e-3,
    "ew_": 1e-3,
    "correlation_break_z": 0.05,
    "rate_beta_ew": 0.02,
    "spread_rate_beta_ew": 0.02,
    "cusum_": 0.01,
    "rsi": 1e-9,
    "ratio_rsi": 1e-9,
}
"""How keys begin of outputs that forget slowly → relative error left after 800 sessions."""

DAY_FAMILIES = [family for family in FAMILIES if issubclass(family, DayFamily)]


def looks(family: type[DayFamily]) -> Iterator[tuple[int, NDArray[np.float64], NDArray[np.float64]]]:
    """Sessions looked at, with the values of the worker that came first and of the later one."""
    prices = random_walk(STEPS, PAIRS, seed=21)
    first, later = FamilyRig(family, prices), FamilyRig(family, prices)
    later.step_number = LATER - 1
    first.advance(LATER)
    for step in range(LATER, STEPS):
        if step % LOOK_EVERY and step != STEPS - 1:
            first.advance(1)
            later.advance(1)
            continue
        for rig in (first, later):
            rig.begin()
            rig.evaluate(commit=True)
            rig.end()
        known = later.family.quality == Quality.OK
        yield step, first.family.values, np.where(known, later.family.values, np.nan)


def error(whole: NDArray[np.float64], cut: NDArray[np.float64]) -> float:
    """The largest relative difference of values the later worker knows; infinite where only it does."""
    known = np.isfinite(cut)
    if not known.any():
        return 0.0
    if not np.isfinite(whole[known]).all():
        return np.inf
    return float((np.abs(whole[known] - cut[known]) / np.maximum(np.abs(whole[known]), 1e-6)).max())


@pytest.mark.parametrize("family", DAY_FAMILIES, ids=lambda family: family.name)
def test_longer_history_moves_no_value_that_is_ready(family: type[DayFamily]) -> None:
    for step, whole, cut in looks(family):
        for number, output in enumerate(family.outputs):
            if output.key.startswith(OF_ALL_HISTORY):
                continue
            left = next((b for prefix, b in FADING.items() if output.key.startswith(prefix)), None)
            bound = RELATIVE_TOLERANCE if left is None else left if step == STEPS - 1 else np.inf
            assert error(whole[number], cut[number]) <= bound, (output.key, step)


def test_every_exception_is_one() -> None:
    """A key that has stopped to be one must not stay in the list."""
    keys = [output.key for family in DAY_FAMILIES for output in family.outputs]
    for prefix in (*OF_ALL_HISTORY, *FADING):
        assert any(key.startswith(prefix) for key in keys), prefix
