"""Confidence intervals of shares, and false discovery rates."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

Z_95: Final = 1.959963984540054
"""Two-sided 95 % of the normal distribution."""


def wilson(hits: int, cases: int, z: float = Z_95) -> tuple[float, float] | None:
    """Return the Wilson score interval of a share.

    Args:
        hits: Number of hits, 0 to `cases`.
        cases: Number of cases.
        z: Quantile of the normal distribution.

    Returns:
        Lower and upper bound, 0 to 1; None without a case.

    Source:
        Wilson (1927), JASA 22, 209–212; recommended for small samples by Brown, Cai and
        DasGupta (2001), Statistical Science 16, 101–133.

    Example:
        >>> [round(bound, 3) for bound in wilson(1, 1)]
        [0.207, 1.0]
        >>> [round(bound, 3) for bound in wilson(10, 12)]
        [0.552, 0.953]
    """
    if cases <= 0:
        return None
    share = hits / cases
    scale = 1.0 + z * z / cases
    centre = (share + z * z / (2 * cases)) / scale
    reach = z * math.sqrt(share * (1.0 - share) / cases + z * z / (4.0 * cases * cases)) / scale
    # The formula gives exactly 0 and 1 at the ends; rounding must not exceed them.
    low = 0.0 if hits == 0 else max(0.0, centre - reach)
    high = 1.0 if hits == cases else min(1.0, centre + reach)
    return low, high


def false_discovery(p_values: NDArray[np.float64], family_size: int) -> NDArray[np.float64]:
    """Convert p-values to q-values: the false discovery rate accepted by calling a result significant.

    Args:
        p_values: float64 (n,): NaN if not tested.
        family_size: Number of registered tests, at least the number of known p-values; untested
            ones count as p = 1, because they belong to the family.

    Returns:
        float64 (n,): NaN where nothing was tested.

    Source:
        Benjamini and Hochberg (1995), JRSS B 57, 289–300: adjusted p-values of the step-up
        procedure.

    Example:
        >>> false_discovery(np.array([0.01, 0.04, 0.03]), 3).round(3).tolist()
        [0.03, 0.04, 0.04]
    """
    q_values = np.full(len(p_values), np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    adjusted = p_values[order] * max(family_size, len(order)) / np.arange(1, len(order) + 1)
    least = np.minimum.accumulate(adjusted[::-1])[::-1]
    q_values[order] = np.minimum(least, 1.0)
    return q_values
