"""Returns between two closes of a pair's ring, from integer prices.

The difference of two integers is exact; the difference of two close logarithms is not. So a log return
is `log1p` of a simple return, and that of the ratio is computed from both legs' returns at once.
"""

from __future__ import annotations

import numpy as np

from core.kernels.jit import inlined
from core.model.records import Quality

_NOT_READY = int(Quality.NOT_READY)


@inlined
def simple_return(now, then):  # type: ignore[no-untyped-def]
    """Return `now / then - 1` of two prices.

    Args:
        now: int64, positive, in the units of the leg.
        then: int64, positive, in the units of the leg.

    Returns:
        The return as a fraction.
    """
    return (now - then) / then


@inlined
def log_return(now, then):  # type: ignore[no-untyped-def]
    """Return the log return of one leg: `ln(now / then)`."""
    return np.log1p((now - then) / then)


@inlined
def log_excess(s_now, l_now, s_then, l_then):  # type: ignore[no-untyped-def]
    """Return the log return of the numerator minus that of the benchmark: the change of ln(S / L)."""
    r_s = (s_now - s_then) / s_then
    r_l = (l_now - l_then) / l_then
    return np.log1p((r_s - r_l) / (1.0 + r_l))


@inlined
def blocked_by(prices, row):  # type: ignore[no-untyped-def]
    """Return why a pair's session lacks a price: the first reason found, 0 if both are known.

    Args:
        prices: int64 (2, pairs): price, or minus a Quality.
        row: The pair.
    """
    if prices[0, row] <= 0:
        return max(-prices[0, row], _NOT_READY)
    if prices[1, row] <= 0:
        return max(-prices[1, row], _NOT_READY)
    return 0
