"""Any indicator family on made-up prices: the same calls the engine makes, without an engine."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from core.indicators import FAMILIES, DayFamily, IndicatorFamily, RingFamily
from core.indicators.base import DayStep, RingStep
from core.model.records import Frequency
from core.model.scale import default_pair_scales
from core.model.sessions import Calendar, build_calendar
from core.model.windows import DAY_WINDOWS, ends_week, window_targets
from core.partition.pair_days import allocate_pair_days, append_days, find_bases
from core.partition.state import MINUTE_SLOTS, SECOND_SLOTS

SLOTS = {Frequency.SECOND: SECOND_SLOTS, Frequency.MINUTE: MINUTE_SLOTS}
WARM_STEPS = {Frequency.SECOND: 901, Frequency.MINUTE: 80, Frequency.DAY: 300}
"""Steps after which every output of a family of that frequency is ready."""

WARM_LONGER = {
    "moving_averages": 700,
    "overheating": 460,
    "rate_beta": 700,
    "flow": 1_400,
    "first_since": 700,
    "percentile": 520,
    "weeks": 420,
    "volume_by_time": 20 * 31 + 30,
}
"""Families that take longer: runs whose start must be seen, ranks in a year, closes older than the ring."""

SESSION_STEPS = {"volume_by_time": 31}
"""Minutes of a made-up session, where a family looks across sessions; else one session lasts for ever."""

PAIRS = 3

GATED = ("half_life_sessions:252d",)
"""Outputs behind a test that a made-up walk seldom passes: inconclusive wherever it does not."""

over_families = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)

START = 28_000_000
"""The minute, or second, a made-up session opens."""


@cache
def sessions() -> Calendar:
    """Real sessions for made-up closes; the first is in the middle of a year."""
    return build_calendar("XNYS", date(2015, 6, 10), date(2027, 12, 31))


def random_walk(steps: int, pairs: int, *, seed: int = 7, deviation: float = 0.01) -> NDArray[np.int64]:
    """Prices (steps, 2, pairs) around 100, in units of 1e-9; legs are correlated."""
    generator = np.random.default_rng(seed)
    common = generator.normal(0, deviation, (steps, 1, pairs))
    returns = common + generator.normal(0, deviation, (steps, 2, pairs))
    prices: NDArray[np.int64] = np.rint(1e11 * np.exp(np.cumsum(returns, axis=0))).astype(np.int64)
    return prices


def random_volumes(steps: int, pairs: int, *, seed: int = 5) -> NDArray[np.int64]:
    """Volumes (steps, 2, pairs) around a million, in units of 1e-9."""
    generator = np.random.default_rng(seed)
    volumes: NDArray[np.int64] = np.rint(1e6 * np.exp(generator.normal(0, 0.3, (steps, 2, pairs)))).astype(
        np.int64
    )
    return volumes * 10**9


def random_series(steps: int, pairs: int, *, seed: int = 6) -> NDArray[np.float64]:
    """A rate in percent that wanders by basis points, and flows of either sign: (steps, 2, pairs)."""
    generator = np.random.default_rng(seed)
    rates = np.round(4 + np.cumsum(generator.normal(0, 0.05, (steps, 1, pairs)), axis=0), 2)
    flows = np.rint(generator.normal(0, 1e8, (steps, 1, pairs)))
    return np.concatenate([rates, flows], axis=1)


def warm_steps(family: type[IndicatorFamily]) -> int:
    """Steps after which every output of a family is ready."""
    return WARM_LONGER.get(family.name, WARM_STEPS[family.frequency])


class FamilyRig:
    """One family and the arrays it is given.

    Args:
        family: A class of the registry.
        prices: int64 (steps, 2, pairs): numerator and benchmark at each second, minute or session.
    """

    def __init__(self, family: type[IndicatorFamily], prices: NDArray[np.int64]) -> None:
        self.prices = prices
        self.pairs = prices.shape[2]
        self.rows: NDArray[np.int32] = np.arange(self.pairs, dtype=np.int32)
        self.family = family(self.pairs)
        self.scales = default_pair_scales(self.pairs)
        """A test may set others."""
        self.step_number = -1
        self._current: NDArray[np.int64] = np.full((2, self.pairs), -1, np.int64)
        self.volumes = random_volumes(len(prices), self.pairs)
        """int64 (steps, 2, pairs); a test may overwrite them."""
        self.traded: NDArray[np.uint8] = np.zeros((2, self.pairs), np.uint8)
        """uint8 (2, pairs): 1 where a volume is a sum of trades; a test may overwrite it."""
        self.series = random_series(len(prices), self.pairs)
        """float64 (steps, roles, pairs); a test may overwrite them."""
        if isinstance(self.family, DayFamily):
            self._targets = window_targets(sessions())
            self._bases: NDArray[np.int64] = np.zeros((len(DAY_WINDOWS), 2, self.pairs), np.int64)
            self._week_ends: NDArray[np.uint8] = np.zeros(self.pairs, np.uint8)
            self.days = allocate_pair_days(self.pairs)
        else:
            self._ring: NDArray[np.int64] = np.full((SLOTS[family.frequency], 2 * self.pairs), -1, np.int64)

    def advance(self, steps: int) -> None:
        """Let steps pass, each committed."""
        # A family without state cannot tell whether it was asked.
        asked = bool(self.family.state())
        for _ in range(steps):
            self._begin({}, look_up=asked)
            if asked:
                self.evaluate(commit=True)
            self.end()

    def begin(self, unknown: Mapping[tuple[int, int], int] | None = None) -> None:
        """Start the next step.

        Args:
            unknown: (side, pair) → Quality for which the price is not known.
        """
        self._begin(unknown or {}, look_up=True)

    def _begin(self, unknown: Mapping[tuple[int, int], int], *, look_up: bool) -> None:
        self.step_number += 1
        self._current[:] = self.prices[self.step_number]
        for (side, pair), quality in unknown.items():
            self._current[side, pair] = -quality
        if isinstance(self.family, DayFamily):
            if look_up:
                self._look_up()
        else:
            self._ring[self._now & (len(self._ring) - 1)] = self._current.ravel()

    @property
    def _now(self) -> int:
        return START + self.step_number

    def _look_up(self) -> None:
        calendar = sessions()
        targets = self._targets[self.step_number]
        days = np.where(targets >= 0, calendar.session[np.maximum(targets, 0)], -1).astype(np.int32)
        lags = (self.step_number - targets).astype(np.int32)
        find_bases(self.days.closes, self.days.sessions, self.days.counts, self.rows, days, lags, self._bases)
        assert isinstance(self.family, DayFamily)
        self.family.start_session(self._day_step(self.rows))

    def _day_step(self, rows: NDArray[np.int32]) -> DayStep:
        session = int(sessions().session[self.step_number])
        volumes, series = self.volumes[self.step_number], self.series[self.step_number]
        self._week_ends[:] = ends_week(sessions(), self.step_number)
        return DayStep(
            rows,
            self._current,
            volumes,
            self.traded,
            series,
            self._bases,
            self.days,
            session,
            self._week_ends,
            self.scales,
        )

    def evaluate(self, *, commit: bool, rows: NDArray[np.int32] | None = None) -> None:
        """Evaluate the step in progress."""
        rows = self.rows if rows is None else rows
        if isinstance(self.family, DayFamily):
            self.family.evaluate(self._day_step(rows), commit=commit)
        elif isinstance(self.family, RingFamily):
            benchmarks = self.rows + np.int32(self.pairs)
            since_open = self.step_number % SESSION_STEPS.get(self.family.name, len(self.prices))
            volumes = self.volumes[self.step_number]
            step = RingStep(
                rows, self._ring, self._now, since_open, self.rows, benchmarks, volumes, self.scales
            )
            self.family.evaluate(step, commit=commit)

    def open_again(self) -> None:
        """Start another session of a ring family; the minute before its open has a price, as a night has."""
        self.step_number = -1
        self._ring[(START - 1) & (len(self._ring) - 1)] = self._current.ravel()

    def end(self) -> None:
        """End the step; a day enters the ring."""
        if isinstance(self.family, DayFamily):
            append_days(
                self.days.closes,
                self.days.volumes,
                self.days.traded,
                self.days.sessions,
                self.days.counts,
                self.days.history_start,
                self.rows,
                int(sessions().session[self.step_number]),
                self._current,
                self.volumes[self.step_number],
                self.traded,
            )

    def state_bytes(self) -> dict[str, bytes]:
        """Every state byte, by array."""
        return {name: array.tobytes() for name, array in self.family.state().items()}

    def outputs(self) -> tuple[bytes, bytes, bytes]:
        """Every byte of values, qualities and counts."""
        family = self.family
        return family.values.tobytes(), family.quality.tobytes(), family.observations.tobytes()


def warm_rig(family: type[IndicatorFamily], *, pairs: int = PAIRS, seed: int = 7) -> FamilyRig:
    """A rig one step before one at which everything is ready."""
    steps = warm_steps(family)
    rig = FamilyRig(family, random_walk(steps + 70, pairs, seed=seed))
    rig.advance(steps)
    return rig
