"""Exponentially weighted moments of two returns: one row of state, unbiased from the first value."""

from __future__ import annotations

from typing import Final

import numpy as np

from core.kernels.jit import inlined

# Fields of a row.
EW2_COUNT: Final = 0
EW2_WEIGHT: Final = 1
EW2_MEAN_X: Final = 2
EW2_MEAN_Y: Final = 3
EW2_XX: Final = 4
EW2_YY: Final = 5
EW2_XY: Final = 6
EW2_FIELDS: Final = 7

NORMAL_95: Final = 1.959963984540054
"""Standard deviations to each side that hold 95 % of a normal distribution."""


def decay_of(half_life: float) -> float:
    """Weight of the past per step.

    Example:
        >>> decay_of(1.0)
        0.5
    """
    return float(0.5 ** (1.0 / half_life))


def effective_count(half_life: float) -> float:
    """Equal weights that would estimate a mean as well as these do, once the window is full.

    Source:
        The sum of weights squared over the sum of squared weights: (1 + decay) / (1 - decay).

    Example:
        >>> round(effective_count(63.0), 1)
        181.8
    """
    decay = decay_of(half_life)
    return (1.0 + decay) / (1.0 - decay)


@inlined
def ew2_update(row, x, y, decay):
    """Fold one pair of returns into means, variances and covariance.

    Args:
        row: float64 (EW2_FIELDS,), changed in place.
        x: Return of the benchmark.
        y: Return of the numerator.
        decay: Weight of the past per step.

    Source:
        T. Finch, "Incremental calculation of weighted mean and variance", University of
        Cambridge Computing Service (2009), with the weight sum carried explicitly.
    """
    weight = decay * row[EW2_WEIGHT] + 1.0
    share = 1.0 / weight
    delta_x = x - row[EW2_MEAN_X]
    delta_y = y - row[EW2_MEAN_Y]
    row[EW2_MEAN_X] += share * delta_x
    row[EW2_MEAN_Y] += share * delta_y
    row[EW2_XX] = (1.0 - share) * (row[EW2_XX] + share * delta_x * delta_x)
    row[EW2_YY] = (1.0 - share) * (row[EW2_YY] + share * delta_y * delta_y)
    row[EW2_XY] = (1.0 - share) * (row[EW2_XY] + share * delta_x * delta_y)
    row[EW2_WEIGHT] = weight
    row[EW2_COUNT] += 1.0


@inlined
def ew2_correlation(row):
    """Correlation in [-1, 1], NaN where one of the two never moved."""
    if row[EW2_XX] <= 0.0 or row[EW2_YY] <= 0.0:
        return np.nan
    value = row[EW2_XY] / (np.sqrt(row[EW2_XX]) * np.sqrt(row[EW2_YY]))
    return min(1.0, max(-1.0, value))


@inlined
def fisher_bound(correlation, count, deviations):
    """One end of an interval of a correlation, drawn on Fisher's scale.

    Args:
        correlation: In [-1, 1]; at its ends the interval has no width.
        count: Observations, or as many as the weights are worth; more than three.
        deviations: Standard errors from the middle, negative for the lower end.

    Source:
        R. A. Fisher, Metron 1 (1921) 3-32: atanh(r) has standard error 1 / sqrt(n - 3).
    """
    if np.isnan(correlation) or np.abs(correlation) >= 1.0:
        return correlation
    return np.tanh(np.arctanh(correlation) + deviations / np.sqrt(count - 3.0))
