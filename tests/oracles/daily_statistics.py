"""Daily statistics by their definitions: whole windows, sorted lists, explicit weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache, partial
from statistics import NormalDist, median

from tests.oracles.daily import DailyPair, Moment, Oracle, base_session, moments_of_window
from tests.oracles.statistics import (
    simple_return,
    weighted_beta_and_correlation,
)

BOTH_SIDES_95 = NormalDist().inv_cdf(0.975)
SIGMA_PER_MAD = 1 / NormalDist().inv_cdf(0.75)
WEIGHTED_LEAST = {63: 63, 21: 252, 126: 252}
YEAR = 252


def prices(moment: Moment, side: int, sessions: int) -> list[Fraction] | None:
    """A leg's latest closes with the present price last; None where there are fewer."""
    if moment.entry + 1 < sessions:
        return None
    leg = (moment.pair.numerator, moment.pair.benchmark)[side]
    past = moment.pair.both[moment.entry - sessions + 1 : moment.entry]
    return [*(leg[day] for day in past), (moment.s, moment.l)[side]]


def simple_returns(moment: Moment, side: int) -> list[float]:
    """Every simple return of a leg up to the present one."""
    past = (moment.pair.s_returns, moment.pair.l_returns)[side][1 : moment.entry]
    if moment.entry == 0:
        return []
    leg = (moment.pair.numerator, moment.pair.benchmark)[side]
    return [*past, simple_return((moment.s, moment.l)[side], leg[moment.pair.both[moment.entry - 1]])]


@lru_cache(maxsize=64)
def _logs(pair: DailyPair, side: int) -> tuple[float, ...]:
    return tuple(math.log1p(value) for value in (pair.s_returns, pair.l_returns)[side])


def log_returns(moment: Moment, side: int, count: int) -> list[float] | None:
    """The latest log returns of a leg, the present one last."""
    if moment.entry < count:
        return None
    present = math.log1p(simple_returns(moment, side)[-1])
    return [*_logs(moment.pair, side)[moment.entry - count + 1 : moment.entry], present]


# --- momentum


def _momentum(side: int, moment: Moment) -> float | None:
    then, now = (base_session(moment.pair, moment.session, window) for window in ("252d", "21d"))
    if then is None or now is None:
        return None
    leg = (moment.pair.numerator, moment.pair.benchmark)[side]
    return 100 * simple_return(leg[now], leg[then])


def _relative_momentum(moment: Moment) -> float | None:
    s, l = _momentum(0, moment), _momentum(1, moment)
    return None if s is None or l is None else s - l


# --- correlations


def _fisher(correlation: float | None, count: float, side: int) -> float | None:
    if correlation is None:
        return None
    return math.tanh(math.atanh(correlation) + side * BOTH_SIDES_95 / math.sqrt(count - 3))


def _interval(side: int, moment: Moment) -> float | None:
    return _fisher(moments_of_window(moment)[1], 63, side)


@lru_cache(maxsize=16)
def _weighted(half_life: int, moment: Moment) -> tuple[float | None, float | None]:
    x, y = simple_returns(moment, 1), simple_returns(moment, 0)
    if len(x) < WEIGHTED_LEAST[half_life]:
        return None, None
    return weighted_beta_and_correlation(x, y, half_life)


@lru_cache(maxsize=8)
def _worth(half_life: int) -> float:
    """Squared sum of the weights over the sum of their squares, of a window without end."""
    weights = [0.5 ** (age / half_life) for age in range(100 * half_life)]
    return math.fsum(weights) ** 2 / math.fsum(w * w for w in weights)


def _break(moment: Moment) -> float | None:
    fast, slow = (_weighted(half_life, moment)[1] for half_life in (21, 126))
    if fast is None or slow is None:
        return None
    error = math.sqrt(1 / (_worth(21) - 3) + 1 / (_worth(126) - 3))
    return (math.atanh(fast) - math.atanh(slow)) / error


# --- robust z


def _robust_z(window: int, moment: Moment) -> float | None:
    if moment.entry < window:
        return None
    levels = [math.log(v) for v in moment.pair.series["ratio"][moment.entry - window : moment.entry]]
    middle = median(levels)
    spread = SIGMA_PER_MAD * median(abs(level - middle) for level in levels)
    return (math.log(moment.s / moment.l) - middle) / spread if spread > 0 else None


# --- volatility


def deviation(values: Sequence[float]) -> float:
    """Standard deviation about the mean, with one less than the count below it."""
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1))


def _volatility(side: int, window: int, moment: Moment) -> float | None:
    returns = log_returns(moment, side, window)
    return None if returns is None else 100 * math.sqrt(YEAR) * deviation(returns)


def _volatility_ratio(moment: Moment) -> float | None:
    s, l = _volatility(0, 63, moment), _volatility(1, 63, moment)
    return None if s is None or not l else s / l


@lru_cache(maxsize=100_000)
def _past_volatility(pair: DailyPair, last: int) -> float:
    return 100 * math.sqrt(YEAR) * deviation(_logs(pair, 0)[last - 20 : last + 1])


def mid_rank(values: Sequence[float], value: float) -> float:
    """Percent of values below, half of those equal with them."""
    below, equal = sum(v < value for v in values), sum(v == value for v in values)
    return 100 * (below + 0.5 * equal) / len(values)


def _volatility_percentile(moment: Moment) -> float | None:
    if moment.entry < YEAR + 21:
        return None
    past = [_past_volatility(moment.pair, last) for last in range(moment.entry - YEAR, moment.entry)]
    present = _volatility(0, 21, moment)
    return None if present is None else mid_rank(past, present)


def _volatility_regime(moment: Moment) -> float | None:
    percentile = _volatility_percentile(moment)
    if percentile is None:
        return None
    return 1.0 if percentile >= 80 else -1.0 if percentile <= 20 else 0.0


def first(of: Callable[[Moment], tuple[float | None, float | None]]) -> Oracle:
    """The first of two figures found together."""
    return lambda moment: of(moment)[0]


def second(of: Callable[[Moment], tuple[float | None, float | None]]) -> Oracle:
    """The second of two figures found together."""
    return lambda moment: of(moment)[1]


STATISTICS: dict[str, Oracle] = {
    "momentum_pct:12_1": partial(_momentum, 0),
    "benchmark_momentum_pct:12_1": partial(_momentum, 1),
    "relative_momentum_pp:12_1": _relative_momentum,
    "correlation_low:63d": partial(_interval, -1),
    "correlation_high:63d": partial(_interval, 1),
    "ew_beta:63d": first(partial(_weighted, 63)),
    "ew_correlation:63d": second(partial(_weighted, 63)),
    "ew_correlation_low:63d": lambda moment: _fisher(_weighted(63, moment)[1], _worth(63), -1),
    "ew_correlation_high:63d": lambda moment: _fisher(_weighted(63, moment)[1], _worth(63), 1),
    "correlation_break_z": _break,
    "robust_z:63d": partial(_robust_z, 63),
    "robust_z:252d": partial(_robust_z, 252),
    "realised_volatility_pct:21d": partial(_volatility, 0, 21),
    "realised_volatility_pct:63d": partial(_volatility, 0, 63),
    "benchmark_realised_volatility_pct:21d": partial(_volatility, 1, 21),
    "benchmark_realised_volatility_pct:63d": partial(_volatility, 1, 63),
    "volatility_ratio:63d": _volatility_ratio,
    "volatility_percentile:252d": _volatility_percentile,
    "volatility_regime": _volatility_regime,
}
"""Key of an output → what it must be, None where it must be unknown."""
