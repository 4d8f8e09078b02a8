"""Shifts and returns of the ratio: cumulative sums walked in decimals, regressions over whole lists."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal, localcontext
from functools import lru_cache, partial
from typing import NamedTuple

from tests.oracles.daily import DailyPair, Moment, Oracle
from tests.oracles.statistics import log_strength_change

DIGITS = 40
HALF_LIFE = 63
LEAST = 126
REFERENCE, LIMIT = Decimal("0.5"), Decimal(7)
WINDOW = 252
with localcontext(prec=DIGITS):
    DECAY = Decimal("0.5") ** (Decimal(1) / HALF_LIFE)
CRITICAL = -2.86154 - 2.8903 / WINDOW - 4.234 / WINDOW**2 - 40.04 / WINDOW**3


class Chart(NamedTuple):
    """Sums of weights, weighted changes and squares before a session; then the chart with it.

    Raw powers in forty digits: another way than the one that is judged, and exact enough for it.
    """

    changes: int = 0
    weight: Decimal = Decimal(0)
    total: Decimal = Decimal(0)
    squares: Decimal = Decimal(0)
    up: Decimal = Decimal(0)
    up_length: int = 0
    down: Decimal = Decimal(0)
    down_length: int = 0

    def after(self, change: float) -> Chart | None:
        """With one more change; None where the changes never moved."""
        with localcontext(prec=DIGITS):
            value = Decimal(change)
            sides = self[4:]
            if self.changes >= LEAST:
                mean = self.total / self.weight
                variance = self.squares / self.weight - mean * mean
                if variance <= Decimal(10) ** -30:
                    return None
                sides = self._sides((value - mean) / variance.sqrt())
            return Chart(
                self.changes + 1,
                DECAY * self.weight + 1,
                DECAY * self.total + value,
                DECAY * self.squares + value * value,
                *sides,
            )

    def _sides(self, deviation: Decimal) -> tuple[Decimal, int, Decimal, int]:
        found: list[Decimal | int] = []
        alarmed = max(self.up, self.down) > LIMIT
        for value, length, signed in (
            (self.up, self.up_length, deviation),
            (self.down, self.down_length, -deviation),
        ):
            side = (Decimal(0) if alarmed else value) + signed - REFERENCE
            found += [side, (0 if alarmed else length) + 1] if side > 0 else [Decimal(0), 0]
        return found[0], int(found[1]), found[2], int(found[3])  # type: ignore[return-value]


@lru_cache(maxsize=8)
def _charts(pair: DailyPair) -> list[Chart]:
    """The chart after each finished session; none of a made-up history is constant."""
    found = [Chart()]
    for change in pair.log_returns[1:]:
        after = found[-1].after(change)
        assert after is not None
        found.append(after)
    return found


def _last_change(moment: Moment) -> float:
    pair, last = moment.pair, moment.pair.both[moment.entry - 1]
    return log_strength_change(moment.s, moment.l, pair.numerator[last], pair.benchmark[last])


@lru_cache(maxsize=8)
def _chart(moment: Moment) -> Chart | None:
    if moment.entry < LEAST + 1:
        return None
    return _charts(moment.pair)[moment.entry - 1].after(_last_change(moment))


def _cusum(field: str, moment: Moment) -> float | None:
    chart = _chart(moment)
    return None if chart is None else float(getattr(chart, field))


def _alarm(moment: Moment) -> float | None:
    chart = _chart(moment)
    return None if chart is None else float((chart.up > LIMIT) or -(chart.down > LIMIT))


# --- does the ratio come back


@lru_cache(maxsize=8)
def _changes(moment: Moment) -> list[float] | None:
    if moment.entry < WINDOW:
        return None
    return [*moment.pair.log_returns[moment.entry - WINDOW + 1 : moment.entry], _last_change(moment)]


@lru_cache(maxsize=8)
def _regression(moment: Moment) -> tuple[float, float] | None:
    """Slope of the change on the level before it, and its tau."""
    changes = _changes(moment)
    if changes is None:
        return None
    ratios = [math.log(v) for v in moment.pair.series["ratio"][moment.entry - WINDOW : moment.entry]]
    mean_x, mean_y = math.fsum(ratios) / WINDOW, math.fsum(changes) / WINDOW
    s_xx = math.fsum((x - mean_x) ** 2 for x in ratios)
    s_xy = math.fsum((x - mean_x) * (y - mean_y) for x, y in zip(ratios, changes, strict=True))
    if s_xx == 0:
        return None
    slope = s_xy / s_xx
    residual = math.fsum(
        (y - mean_y - slope * (x - mean_x)) ** 2 for x, y in zip(ratios, changes, strict=True)
    )
    return slope, slope / math.sqrt(residual / (WINDOW - 2) / s_xx)


def _tau(moment: Moment) -> float | None:
    found = _regression(moment)
    return None if found is None else found[1]


def _rejected(moment: Moment) -> float | None:
    tau = _tau(moment)
    return None if tau is None else float(tau < CRITICAL)


def _half_life(moment: Moment) -> float | None:
    """Only where a random walk is rejected and the window holds five."""
    found = _regression(moment)
    if found is None or found[1] >= CRITICAL or found[0] <= -1:
        return None
    half_life = math.log(0.5) / math.log(1 + found[0])
    return half_life if 5 * half_life <= WINDOW else None


def variance_ratio(changes: Sequence[float], horizon: int) -> tuple[float, float] | None:
    """Lo and MacKinlay's ratio with overlapping changes, and its z under changing volatility."""
    count = len(changes)
    mean = math.fsum(changes) / count
    squares = [(change - mean) ** 2 for change in changes]
    total = math.fsum(squares)
    if total == 0:
        return None
    levels = [0.0]
    for change in changes:
        levels.append(levels[-1] + change)
    long = math.fsum(
        (later - earlier - horizon * mean) ** 2
        for earlier, later in zip(levels, levels[horizon:], strict=False)
    )
    worth = horizon * (count - horizon + 1) * (1 - horizon / count)
    ratio = long / worth / (total / (count - 1))
    error = math.fsum(
        (2 * (horizon - lag) / horizon) ** 2
        * math.fsum(a * b for a, b in zip(squares, squares[lag:], strict=False))
        / total**2
        for lag in range(1, horizon)
    )
    return ratio, (ratio - 1) / math.sqrt(error)


def _variance_ratio(field: int, moment: Moment) -> float | None:
    changes = _changes(moment)
    found = None if changes is None else variance_ratio(changes, 5)
    return None if found is None else found[field]


SHIFTS: dict[str, Oracle] = {
    "cusum_up": partial(_cusum, "up"),
    "cusum_up_sessions": partial(_cusum, "up_length"),
    "cusum_down": partial(_cusum, "down"),
    "cusum_down_sessions": partial(_cusum, "down_length"),
    "cusum_alarm": _alarm,
    "dickey_fuller_tau:252d": _tau,
    "random_walk_rejected": _rejected,
    "half_life_sessions:252d": _half_life,
    "variance_ratio:5d": partial(_variance_ratio, 0),
    "variance_ratio_z:5d": partial(_variance_ratio, 1),
}
"""Key of an output → what it must be, None where it must be unknown."""
