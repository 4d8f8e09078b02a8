"""core.kernels.cusum: the recursion by hand, and how often chance alone sets it off."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.indicators.cusum import HALF_LIFE_SESSIONS, LEAST_CHANGES, LIMIT_SD, REFERENCE_SD
from core.kernels.cusum import CUSUM_DOWN, CUSUM_FIELDS, CUSUM_UP, CUSUM_UP_LENGTH, cusum_step
from core.kernels.ew_moments import decay_of
from core.kernels.rolling import EW_FIELDS, EW_MEAN, EW_VARIANCE, ew_update
from tests.oracles.raw import daily_closes
from tests.support.compiled import COMPILED
from tests.support.shared_data import shared_data

VALUES = 300_000 if COMPILED else 100_000


def run_length(deviations: list[float], limit: float) -> float:
    """Values per alarm."""
    chart = np.zeros(CUSUM_FIELDS)
    alarms: int = sum(cusum_step(chart, value, 0.5, limit) != 0 for value in deviations)
    return len(deviations) / alarms


def test_a_steady_shift_adds_up_is_told_once_and_starts_anew() -> None:
    chart = np.zeros(CUSUM_FIELDS)
    told = [cusum_step(chart, 1.0, 0.5, 7.0) for _ in range(16)]
    assert told == [0] * 14 + [1] + [0]
    assert (chart[CUSUM_UP], chart[CUSUM_UP_LENGTH], chart[CUSUM_DOWN]) == (0.5, 1.0, 0.0)
    assert [cusum_step(chart, -8.0, 0.5, 7.0), cusum_step(chart, -0.75, 0.5, 7.0)] == [-1, 0]
    assert chart[CUSUM_DOWN] == 0.25


def test_one_value_both_ways_sets_the_length_back() -> None:
    chart = np.zeros(CUSUM_FIELDS)
    lengths = []
    for value in (1.0, 1.0, -3.0, 2.0):
        cusum_step(chart, value, 0.5, 7.0)
        lengths.append(chart[CUSUM_UP_LENGTH])
    assert lengths == [1.0, 2.0, 0.0, 1.0]


@pytest.mark.parametrize(("limit", "known"), [(4.0, 116), (5.0, 265), (6.0, 461)])
def test_run_length_on_student_t_is_what_was_found_elsewhere(limit: float, known: float) -> None:
    """Unit variance, four degrees of freedom; both figures are simulated."""
    generator = np.random.default_rng(20240711)
    deviations = (generator.standard_t(4, VALUES) / np.sqrt(2)).tolist()
    assert run_length(deviations, limit) == pytest.approx(known, rel=0.15)


def resampled(changes: NDArray[np.float64], count: int, block: float) -> NDArray[np.float64]:
    """Blocks of geometric length from random places, round the end to the beginning."""
    generator = np.random.default_rng(7)
    starts = generator.random(count) < 1 / block
    starts[0] = True
    place = np.arange(count) - np.maximum.accumulate(np.where(starts, np.arange(count), 0))
    first = generator.integers(0, len(changes), count)[
        np.maximum.accumulate(np.where(starts, np.arange(count), 0))
    ]
    taken: NDArray[np.float64] = changes[(first + place) % len(changes)]
    return taken


def test_the_limit_is_calibrated_to_one_alarm_in_two_years() -> None:
    rut, spx = (daily_closes(shared_data(f"daily/{name}.csv")) for name in ("RUT", "GSPC"))
    days = [day for day in rut if day in spx and day.year >= 1990]
    changes = np.diff(np.log([float(rut[day] / spx[day]) for day in days]))
    moments, chart = np.zeros(EW_FIELDS), np.zeros(CUSUM_FIELDS)
    decay, alarms, judged = decay_of(HALF_LIFE_SESSIONS), 0, 0
    for number, change in enumerate(resampled(changes, VALUES, 10.0).tolist()):
        if number >= LEAST_CHANGES:
            deviation = (change - moments[EW_MEAN]) / moments[EW_VARIANCE] ** 0.5
            alarms += cusum_step(chart, deviation, REFERENCE_SD, LIMIT_SD) != 0
            judged += 1
        ew_update(moments, change, decay)
    print(f"{judged / alarms:.0f} sessions an alarm, {alarms} alarms")
    assert judged / alarms == pytest.approx(485, rel=0.15)
