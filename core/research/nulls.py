"""Null histories: pairs like the real one in one respect, and by chance in every other.

Each null answers a question a rarity claim leaves open. Definitions run over them as over the real
history, in the same engine, and what they report there is what chance alone gives.

    coin_flip             who is ahead is decided by a coin; how far is as it was, day by day
    student_t             independent days from a Student-t pair with the pair's own moments
    shuffled              the pair's own days in another order
    stationary_bootstrap  the pair's own days in blocks: dependence over weeks is kept
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.research.bootstrap import MEAN_BLOCK_SESSIONS

Floats = NDArray[np.float64]
Maker = Callable[[Floats, np.random.Generator], Floats]

_LEAST_FREEDOM: Final = 2.5
_MOST_FREEDOM: Final = 100.0


def coin_flip(returns: Floats, random: np.random.Generator) -> Floats:
    """Keep the benchmark and how far apart the legs move; let a coin say which is ahead.

    Args:
        returns: float64 (2, n): log returns of numerator and benchmark.
        random: Source of chance.

    Returns:
        float64 (2, n).
    """
    apart = np.abs(returns[0] - returns[1])
    sign = random.integers(0, 2, returns.shape[1]) * 2 - 1
    return np.stack((returns[1] + sign * apart, returns[1]))


def student_t(returns: Floats, random: np.random.Generator) -> Floats:
    """Draw independent days from a bivariate Student-t with the pair's means, variances and correlation.

    Both legs share one mixing variable, so that large days are large for both. The degrees of
    freedom are those whose kurtosis is the mean of the legs' own.

    Args:
        returns: float64 (2, n): log returns of numerator and benchmark.
        random: Source of chance.

    Returns:
        float64 (2, n).
    """
    freedom = degrees_of_freedom(returns)
    count = returns.shape[1]
    covariance = np.cov(returns) * (freedom - 2.0) / freedom
    normal = np.linalg.cholesky(covariance) @ random.standard_normal((2, count))
    mixing = np.sqrt(freedom / random.chisquare(freedom, count))
    made: Floats = returns.mean(axis=1, keepdims=True) + normal * mixing
    return made


def degrees_of_freedom(returns: Floats) -> float:
    """Give the degrees of freedom of the Student-t whose kurtosis is that of the returns.

    Args:
        returns: float64 (2, n).

    Returns:
        4 + 6 / excess kurtosis, within sensible bounds; the upper one where tails are thin.

    Source:
        Johnson, Kotz and Balakrishnan (1995), Continuous Univariate Distributions 2, ch. 28.
    """
    centred = returns - returns.mean(axis=1, keepdims=True)
    excess = float(np.mean((centred**4).mean(axis=1) / (centred**2).mean(axis=1) ** 2 - 3.0))
    if excess <= 0.0:
        return _MOST_FREEDOM
    return min(max(4.0 + 6.0 / excess, _LEAST_FREEDOM), _MOST_FREEDOM)


def shuffled(returns: Floats, random: np.random.Generator) -> Floats:
    """Put the days into another order, both legs together.

    Args:
        returns: float64 (2, n): log returns of numerator and benchmark.
        random: Source of chance.

    Returns:
        float64 (2, n).
    """
    return returns[:, random.permutation(returns.shape[1])]


def stationary_bootstrap(returns: Floats, random: np.random.Generator) -> Floats:
    """Join blocks of days, both legs together.

    Args:
        returns: float64 (2, n): log returns of numerator and benchmark.
        random: Source of chance.

    Returns:
        float64 (2, n).

    Source:
        Politis and Romano (1994), JASA 89, 1303–1313.
    """
    count = returns.shape[1]
    begins: NDArray[np.bool_] = np.less(random.random(count), 1.0 / MEAN_BLOCK_SESSIONS)
    begins[0] = True
    block = np.cumsum(begins) - 1
    first_of_block = np.flatnonzero(begins)
    source = random.integers(0, count, len(first_of_block))
    return returns[:, (source[block] + np.arange(count) - first_of_block[block]) % count]


NULLS: Final[Mapping[str, Maker]] = MappingProxyType(
    {
        "coin_flip": coin_flip,
        "student_t": student_t,
        "shuffled": shuffled,
        "stationary_bootstrap": stationary_bootstrap,
    }
)
"""Name → how a null history is made."""


def null_closes(name: str, closes: Floats, *, seed: int, number: int) -> Floats:
    """Make one null history of a pair.

    Args:
        name: One of `NULLS`.
        closes: float64 (2, n): closes of numerator and benchmark.
        seed: Seed of all of them.
        number: Number of this one; each has a stream of its own.

    Returns:
        float64 (2, n): closes that begin where the real ones do.
    """
    random = np.random.Generator(np.random.PCG64([seed, list(NULLS).index(name), number]))
    steps = NULLS[name](np.diff(np.log(closes), axis=1), random)
    lines = np.log(closes[:, :1]) + np.concatenate((np.zeros((2, 1)), np.cumsum(steps, axis=1)), axis=1)
    made: Floats = np.exp(lines)
    return made
