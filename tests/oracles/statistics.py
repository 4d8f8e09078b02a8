"""Two-pass statistics: the mean first, then the sums around it, each with `math.fsum`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction


def simple_return(now: Fraction, then: Fraction) -> float:
    """`now / then - 1`, rounded once."""
    return float((now - then) / then)


def strength_change(s_now: Fraction, l_now: Fraction, s_then: Fraction, l_then: Fraction) -> float:
    """How much S / L has changed, as a fraction of what it was; rounded once."""
    return float((s_now * l_then) / (l_now * s_then) - 1)


def log_strength_change(s_now: Fraction, l_now: Fraction, s_then: Fraction, l_then: Fraction) -> float:
    """The log return of S less that of L."""
    return math.log1p(strength_change(s_now, l_now, s_then, l_then))


def beta_and_correlation(x: Sequence[float], y: Sequence[float]) -> tuple[float | None, float | None]:
    """Slope of y on x and their correlation; None where a variance is zero."""
    count = len(x)
    mean_x, mean_y = math.fsum(x) / count, math.fsum(y) / count
    s_xx = math.fsum((a - mean_x) ** 2 for a in x)
    s_yy = math.fsum((b - mean_y) ** 2 for b in y)
    s_xy = math.fsum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    beta = s_xy / s_xx if s_xx > 0 else None
    correlation = s_xy / math.sqrt(s_xx * s_yy) if s_xx > 0 and s_yy > 0 else None
    return beta, correlation


def weighted_deviation(returns: Sequence[float], half_life: int) -> float:
    """Standard deviation with weight 0.5 ** (age / half-life), the newest return of age 0."""
    newest = len(returns) - 1
    weights = [0.5 ** ((newest - position) / half_life) for position in range(len(returns))]
    total = math.fsum(weights)
    mean = math.fsum(w * r for w, r in zip(weights, returns, strict=True)) / total
    variance = math.fsum(w * (r - mean) ** 2 for w, r in zip(weights, returns, strict=True)) / total
    return math.sqrt(variance)


def weighted_beta_and_correlation(
    x: Sequence[float], y: Sequence[float], half_life: int
) -> tuple[float | None, float | None]:
    """Slope and correlation with weight 0.5 ** (age / half-life), the newest pair of age 0."""
    weights = [0.5 ** (age / half_life) for age in range(len(x) - 1, -1, -1)]
    total = math.fsum(weights)
    mean_x = math.fsum(w * a for w, a in zip(weights, x, strict=True)) / total
    mean_y = math.fsum(w * b for w, b in zip(weights, y, strict=True)) / total
    rows = list(zip(weights, x, y, strict=True))
    s_xx = math.fsum(w * (a - mean_x) ** 2 for w, a, _ in rows)
    s_yy = math.fsum(w * (b - mean_y) ** 2 for w, _, b in rows)
    s_xy = math.fsum(w * (a - mean_x) * (b - mean_y) for w, a, b in rows)
    beta = s_xy / s_xx if s_xx > 0 else None
    correlation = s_xy / math.sqrt(s_xx * s_yy) if s_xx > 0 and s_yy > 0 else None
    return beta, correlation
