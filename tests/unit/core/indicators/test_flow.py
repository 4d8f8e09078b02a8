"""core.indicators.flow and rate_beta: holes, staleness, and every session against the definition."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import numpy as np

from core.indicators import IndicatorFamily
from core.indicators.flow import RANK_EVERY, RANKED_SUMS, SESSIONS, Flow
from core.indicators.rate_beta import RateBeta
from core.model.records import Quality
from tests.oracles.comparison import Comparison
from tests.oracles.daily import DailyPair, Moment
from tests.oracles.daily_series import SERIES
from tests.support.family_rig import FamilyRig, random_walk

STEPS = 360
FIVE_YEARS = 1_450
"""Sessions with room for the hole and for 126 sums, one in ten sessions."""


def day_of(step: int) -> date:
    return date(2015, 6, 10) + timedelta(days=step)


def compare(family: type[IndicatorFamily], holes: set[int], steps: int = STEPS) -> Comparison:
    """Every session of a family with values missing at some, against the oracles."""
    rig = FamilyRig(family, random_walk(steps, 1))
    for hole in holes:
        rig.series[hole] = np.nan
    known = [step for step in range(steps) if step not in holes]
    numerator, benchmark = (
        {day_of(step): Fraction(int(rig.prices[step, side, 0]), 10**9) for step in range(steps)}
        for side in range(2)
    )
    rate, flow = ({day_of(s): Fraction(float(rig.series[s, role, 0])) for s in known} for role in range(2))
    pair = DailyPair(tuple(map(day_of, range(steps))), numerator, benchmark, rate=rate, flow=flow)
    comparison = Comparison({"flow:65d": 1e-3})
    for step in range(steps):
        rig.begin()
        rig.evaluate(commit=True)
        rig.end()
        for number, output in enumerate(family.outputs):
            oracle = SERIES[output.key]
            comparison.add(
                output.key, step, rig.family.values[number, 0], oracle(Moment.at_close(pair, step))
            )
    return comparison


def test_flows_agree_with_their_definition_at_every_session() -> None:
    comparison = compare(Flow, {150, *range(1_438, 1_450)}, FIVE_YEARS)
    assert comparison.failures == []
    assert comparison.tallies["flow:65d"].ready > 200
    assert comparison.tallies["flow_percentile:65d"].ready > 10


def test_a_rank_of_five_years_is_unknown_until_there_are_five_years() -> None:
    """An extreme of ten months of sums is not one of five years."""
    rig = FamilyRig(Flow, random_walk(FIVE_YEARS, 1))
    first_sum = -(-(SESSIONS - 1) // RANK_EVERY) * RANK_EVERY
    complete = first_sum + (RANKED_SUMS - 1) * RANK_EVERY  # the session that adds the last sum
    rank = [output.key for output in Flow.outputs].index("flow_percentile:65d")
    rig.advance(complete + 1)
    assert np.isnan(rig.family.values[rank, 0])
    assert (rig.family.quality[rank, 0], rig.family.observations[rank, 0]) == (Quality.NOT_READY, 125)
    rig.advance(1)
    assert 0.0 <= rig.family.values[rank, 0] <= 100.0
    assert (rig.family.quality[rank, 0], rig.family.observations[rank, 0]) == (Quality.OK, 126)


def test_rate_sensitivity_steps_over_sessions_without_a_yield() -> None:
    comparison = compare(RateBeta, {70, 71, 150, *range(340, 352)})
    assert comparison.failures == []
    assert comparison.tallies["rate_beta_63d_bp"].ready > 200


def test_six_sessions_without_a_value_are_stale() -> None:
    for family in (Flow, RateBeta):
        rig = FamilyRig(family, random_walk(120, 1))
        rig.series[100:] = np.nan
        rig.advance(105)
        assert rig.family.quality[0, 0] == Quality.OK
        rig.advance(1)
        assert rig.family.quality[0, 0] == Quality.STALE


def test_a_session_without_a_value_tells_no_run_and_does_not_lengthen_it() -> None:
    """A value that is unchanged because nothing was published does not extend a run."""
    rig = FamilyRig(RateBeta, random_walk(300, 1))
    rig.series[250:253] = np.nan
    run = [output.key for output in RateBeta.outputs].index("rate_beta_sign_sessions")
    told = []
    for _ in range(254):
        rig.begin()
        rig.evaluate(commit=True)
        rig.end()
        told.append((float(rig.family.values[run, 0]), rig.family.quality[run, 0]))
    assert [quality for _, quality in told[250:253]] == [Quality.STALE] * 3
    assert abs(told[249][0]) > 1
    assert told[253][0] == told[249][0] + np.sign(told[249][0])
