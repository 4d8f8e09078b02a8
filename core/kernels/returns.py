"""Returns between two closes of a pair's ring, from integer prices.

The difference of two integers is exact; a difference of two logarithms near each other is not. So a
log return is `log1p` of a simple one, and the ratio's is taken from both legs' returns at once.
"""

from __future__ import annotations

import numpy as np

from core.kernels.codes import BENCHMARK, NOT_READY, NUMERATOR, OK
from core.kernels.jit import inlined


@inlined
def simple_return(now, then):
    """`now / then - 1` of two prices.

    Args:
        now: int64, positive, in the units of the leg.
        then: int64, positive, in the units of the leg.

    Returns:
        The return as a fraction.
    """
    return (now - then) / then


@inlined
def log_return(now, then):
    """Log return of one leg: `ln(now / then)`."""
    return np.log1p((now - then) / then)


@inlined
def log_excess(s_now, l_now, s_then, l_then):
    """Log return of the numerator less that of the benchmark: the change of ln(S / L)."""
    r_s = (s_now - s_then) / s_then
    r_l = (l_now - l_then) / l_then
    return np.log1p((r_s - r_l) / (1.0 + r_l))


@inlined
def blocked_legs(numerator, benchmark):
    """Why two prices are not both known: the first reason found, OK where they are.

    Args:
        numerator: int64: price, or minus a Quality.
        benchmark: The same.
    """
    if numerator <= 0:
        return max(-numerator, NOT_READY)
    if benchmark <= 0:
        return max(-benchmark, NOT_READY)
    return OK


@inlined
def blocked_by(prices, row):
    """`blocked_legs` of a pair's session.

    Args:
        prices: int64 (2, pairs): price, or minus a Quality.
        row: The pair.
    """
    return blocked_legs(prices[NUMERATOR, row], prices[BENCHMARK, row])
