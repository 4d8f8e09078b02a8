"""core.indicators.trend, overheating and pivots: every session of a made-up history, and cases by hand."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from core.indicators.base import DayFamily
from core.indicators.overheating import Overheating
from core.indicators.pivots import Pivots
from core.indicators.trend import TrendRegime
from core.model.records import Quality
from tests.oracles.comparison import Comparison
from tests.oracles.daily import DailyPair, Moment
from tests.oracles.daily_regimes import REGIMES
from tests.support.family_rig import FamilyRig, random_walk

STEPS = 700
IN_UNITS = 10**9


def day_of(step: int) -> date:
    return date(2015, 6, 10) + timedelta(days=step)


def compare(family: type[DayFamily], rig: FamilyRig) -> Comparison:
    """Hold every output of every session against its oracle."""
    steps = range(len(rig.prices))
    closes, volumes = (
        [{day_of(s): Fraction(int(figures[s, side, 0]), IN_UNITS) for s in steps} for side in range(2)]
        for figures in (rig.prices, rig.volumes)
    )
    pair = DailyPair(tuple(map(day_of, steps)), *closes, *volumes)
    comparison = Comparison()
    for step in steps:
        rig.begin()
        rig.evaluate(commit=True)
        rig.end()
        moment = Moment.at_close(pair, step)
        for number, output in enumerate(family.outputs):
            value = float(rig.family.values[number, 0])
            comparison.add(output.key, step, value, REGIMES[output.key](moment))
    return comparison


@pytest.mark.parametrize("family", [TrendRegime, Pivots, Overheating], ids=lambda family: family.name)
def test_every_session_agrees_with_the_definition(family: type[DayFamily]) -> None:
    rig = FamilyRig(family, random_walk(STEPS, 1, seed=4))
    rig.volumes[::7, 0] *= 3
    rig.prices[600:, 0] = np.rint(rig.prices[600:, 0] * 1.012 ** np.arange(100)[:, None])
    comparison = compare(family, rig)
    assert comparison.failures == []
    assert all(tally.ready > STEPS - 460 for tally in comparison.tallies.values())


def steps_of(family: type[DayFamily], numerator: list[float]) -> NDArray[np.float64]:
    """First output of every session of a numerator beside a steady benchmark."""
    prices = np.full((len(numerator), 2, 1), 100 * IN_UNITS, np.int64)
    prices[:, 0, 0] = np.rint(np.array(numerator) * IN_UNITS)
    rig = FamilyRig(family, prices)
    found = []
    for _ in numerator:
        rig.begin()
        rig.evaluate(commit=True)
        rig.end()
        found.append(float(rig.family.values[0, 0]))
    return np.array(found)


def test_a_trend_counts_once_it_has_lasted_three_sessions() -> None:
    rising = [100 + 0.1 * step for step in range(210)]
    found = steps_of(TrendRegime, [*rising, 60.0, *rising[-5:], 60.0, 60.0, 60.0])
    assert np.isnan(found[:201]).all()
    assert (found[201:217] == 1).all()
    assert found[-2:].tolist() == [1, 0]  # the short average is still above the long one: neither


def test_a_divergence_is_published_five_sessions_after_its_pivot() -> None:
    """Two highs, the second a little higher and reached with far less force."""
    flat = [100 + 0.01 * (-1) ** step for step in range(170)]
    up = [104.0, 108.0, 112.0, 116.0, 120.0]
    down = [118.0, 114.0, 118.0, 113.0, 117.0, 112.0, 116.0]
    second = [116.5, 117.0, 118.0, 119.0, 120.5]
    after = [120.0, 119.5, 119.2, 119.1, 118.0, 117.0]
    found = steps_of(Pivots, [*flat, *up, *down, *second, *after])
    at = len(flat) + len(up) + len(down) + len(second) - 1
    assert found[at + 5] == 2
    assert found[at : at + 5].tolist() == [0] * 5
    assert found[at + 6] == 0


def test_without_volumes_four_signs_are_looked_at() -> None:
    rig = FamilyRig(Overheating, random_walk(460, 1))
    rig.volumes[:] = -int(Quality.NOT_READY)
    rig.advance(455)
    rig.begin()
    rig.evaluate(commit=True)
    assert rig.family.quality[0, 0] == Quality.OK
    assert rig.family.observations[0, 0] == 4
