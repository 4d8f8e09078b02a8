"""Which scale an instrument should have, from its prices and volumes."""

from __future__ import annotations

import math
from typing import Final

import polars as pl

from core.scale import DEFAULT_EXPONENT, LARGEST_INTEGER, LARGEST_PRICE, LEAST_EXPONENT, fitting_exponent

HEADROOM: Final = 10
"""A recommended scale holds ten times the largest figure seen."""

LEAST_DIGITS: Final = 6
"""A scale is too coarse where the lowest price has fewer digits."""

WANTED_DIGITS: Final = 11
"""What a recommended scale gives the lowest price, where the highest leaves room for it."""


def price_exponent(closes: pl.Series, current: int = DEFAULT_EXPONENT) -> int:
    """The scale that prices should have; the one they have where it serves.

    Args:
        closes: Positive prices, without nulls.
        current: The present price exponent.

    Example:
        >>> price_exponent(pl.Series([0.000012, 0.000015])), price_exponent(pl.Series([2125.04]))
        (-15, -9)
    """
    lowest, highest = float(closes.min()), float(closes.max())  # type: ignore[arg-type]  # Polars types a minimum as any literal
    fitting = fitting_exponent(highest, LARGEST_PRICE)
    if fitting is None:
        return current
    if fitting <= current and lowest >= 10.0 ** (current + LEAST_DIGITS - 1):
        return current
    roomy = fitting_exponent(HEADROOM * highest, LARGEST_PRICE)
    wanted = math.floor(math.log10(lowest)) - (WANTED_DIGITS - 1)
    return max(LEAST_EXPONENT, min(wanted, DEFAULT_EXPONENT), fitting if roomy is None else roomy)


def flow_exponent(values: pl.Series, current: int = DEFAULT_EXPONENT) -> int:
    """The scale that the values of a series should have; the one they have where they fit.

    Args:
        values: Of any sign, without nulls.
        current: The present price exponent.

    Example:
        >>> flow_exponent(pl.Series([-5e10, 1.0])), flow_exponent(pl.Series([4.25]))
        (-7, -9)
    """
    return _fitting(float(values.abs().max()), current)  # type: ignore[arg-type]


def size_exponent(volumes: pl.Series, current: int = DEFAULT_EXPONENT) -> int:
    """The scale that volumes should have; the one they have where they fit.

    Args:
        volumes: Zero or more; nulls are passed over.
        current: The present size exponent.

    Example:
        >>> size_exponent(pl.Series([5e10])), size_exponent(pl.Series([1e6, None]))
        (-7, -9)
    """
    known = volumes.drop_nulls()
    return _fitting(float(known.max()), current) if known.len() else current  # type: ignore[arg-type]


def _fitting(largest: float, current: int) -> int:
    fitting = fitting_exponent(largest, LARGEST_INTEGER)
    if fitting is None or fitting <= current:
        return current
    roomy = fitting_exponent(HEADROOM * largest, LARGEST_INTEGER)
    return fitting if roomy is None else roomy
