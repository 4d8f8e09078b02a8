"""Scales: units of the integers of an instrument's prices and sizes.

A price is an integer times ten to the instrument's price exponent, a size one times ten to its size
exponent. Both are -9 unless set in the universe. Powers of ten up to 1e22 are exact as floats, so dividing by
one rounds only once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

import numpy as np
from numpy.typing import NDArray

DEFAULT_EXPONENT: Final = -9
LEAST_EXPONENT: Final = -18

LARGEST_INTEGER: Final = 2**63 - 1
LARGEST_PRICE: Final = 2**55
"""In units of the instrument. Sums over 200 sessions of such integers are exact."""

SCALE_ACTION: Final = (
    "restore the scale of {symbol} in the universe; to use another scale, give the instrument a new id"
)
"""Operator action if the scale of an instrument with history has changed."""

_EXACT_BELOW: Final = float(2**51)
"""Two roundings, of the decimal to its double and of the product, stay below half a unit up to here."""


def units_per_one(exponent: int) -> int:
    """Return the number of units per one.

    Example:
        >>> units_per_one(-9), units_per_one(0)
        (1000000000, 1)
    """
    per_one: int = 10**-exponent
    return per_one


def largest_figure(exponent: int, largest: int = LARGEST_INTEGER) -> int:
    """Return the largest whole number that fits.

    Args:
        exponent: Of the scale.
        largest: The largest integer allowed, in units.

    Example:
        >>> largest_figure(-9), largest_figure(-9, LARGEST_PRICE)
        (9223372036, 36028797)
    """
    return largest // units_per_one(exponent)


def fitting_exponent(figure: float, largest: int = LARGEST_INTEGER) -> int | None:
    """Return the finest scale in which a figure fits; None if there is none.

    Args:
        figure: Zero or more.
        largest: The largest integer allowed, in units.

    Example:
        >>> fitting_exponent(5e10), fitting_exponent(1.0), fitting_exponent(1e30)
        (-8, -18, None)
    """
    if not figure <= largest:
        return None
    return next(e for e in range(LEAST_EXPONENT, 1) if Decimal(figure).scaleb(-e) <= largest)


def fits(figures: NDArray[np.float64], exponent: int, largest: int = LARGEST_INTEGER) -> NDArray[np.bool_]:
    """Return which figures fit a scale; either sign is allowed, NaN does not fit.

    Args:
        figures: float64 (n,).
        exponent: Of the scale.
        largest: The largest integer allowed, in units.
    """
    held: NDArray[np.bool_] = np.abs(figures) * units_per_one(exponent) <= _at_most(largest)
    return held


def largest_float(exponent: int, largest: int = LARGEST_INTEGER) -> float:
    """Return the largest figure that `fits`, or one slightly below it."""
    return _at_most(largest) / units_per_one(exponent)


def _at_most(largest: int) -> float:
    """Return a float below an integer such that no rounding of a product exceeds it."""
    return float(largest) * (1.0 - 2.0**-50)


def figure_text(exponent: int, largest: int = LARGEST_INTEGER) -> str:
    """Format the largest figure that fits.

    Example:
        >>> figure_text(-9), figure_text(-18, LARGEST_PRICE)
        ('9,223,372,036', '0.036')
    """
    whole = largest_figure(exponent, largest)
    return f"{whole:,}" if whole >= 1_000 else f"{largest / units_per_one(exponent):.2g}"


def to_integers(figures: NDArray[np.float64], exponent: int) -> NDArray[np.int64]:
    """Convert decimal numbers to units, rounding half to even.

    A decimal of up to fifteen significant digits is converted exactly: its double determines it, and if the
    product of two doubles would be too coarse, the number is parsed from the double's shortest text.

    Args:
        figures: float64 (n,), finite, each within the scale.
        exponent: Of the scale.

    Returns:
        int64 (n,).

    Example:
        >>> to_integers(np.array([0.000012, 126.55]), -15).tolist()
        [12000000000, 126550000000000000]
    """
    per_one = units_per_one(exponent)
    units = np.rint(figures * per_one)
    coarse = np.flatnonzero(np.abs(units) >= _EXACT_BELOW)
    if len(coarse) == 0:
        return units.astype(np.int64)
    units[coarse] = 0.0
    result: NDArray[np.int64] = units.astype(np.int64)
    large = figures[coarse]
    whole = (large == np.rint(large)) & (np.abs(large) < 2.0**53)
    result[coarse[whole]] = large[whole].astype(np.int64) * per_one
    result[coarse[~whole]] = [_exactly(figure, exponent) for figure in large[~whole].tolist()]
    return result


def _exactly(figure: float, exponent: int) -> int:
    return int(Decimal(repr(figure)).scaleb(-exponent).to_integral_value(ROUND_HALF_EVEN))


def decimal_text(units: int, exponent: int) -> str:
    """Format units as an exact decimal.

    Example:
        >>> decimal_text(2_100_500_000_000, -9), decimal_text(-12, -15), decimal_text(7, 0)
        ('2100.5', '-0.000000000000012', '7')
    """
    if exponent == 0:
        return str(units)
    whole, fraction = divmod(abs(units), units_per_one(exponent))
    sign = "-" if units < 0 else ""
    return f"{sign}{whole}.{fraction:0{-exponent}d}".rstrip("0").rstrip(".")


@dataclass(frozen=True, slots=True, eq=False)
class PairScales:
    """Scale factors of pairs, from the scales of their legs. If both legs are in 1e-9, every factor is 1.

    A pair of factors is a multiplier and a divisor, one of which is 1: a power of ten below one is not exact.

    Args:
        price_units: float64 (2, pairs): units per one of each leg's price.
        size_units: float64 (2, pairs): the same for sizes.
        ratio: float64 (2, pairs): multiplier and divisor that convert a ratio of units to one of prices.
        illiquidity: float64 (2, pairs): the same for a ratio of quantities divided by price times size.
    """

    price_units: NDArray[np.float64]
    size_units: NDArray[np.float64]
    ratio: NDArray[np.float64]
    illiquidity: NDArray[np.float64]


def pair_scales(
    price_exponents: Sequence[Sequence[int]], size_exponents: Sequence[Sequence[int]]
) -> PairScales:
    """Compute the scale factors of pairs.

    Args:
        price_exponents: Of the numerators, then of the benchmarks; one per pair.
        size_exponents: The same for sizes.
    """
    price_shifts = [s - l for s, l in zip(*price_exponents, strict=True)]
    size_shifts = [s - l for s, l in zip(*size_exponents, strict=True)]
    value_shifts = [-p - q for p, q in zip(price_shifts, size_shifts, strict=True)]
    return PairScales(
        price_units=_powers([[-each for each in side] for side in price_exponents]),
        size_units=_powers([[-each for each in side] for side in size_exponents]),
        ratio=_factors(price_shifts),
        illiquidity=_factors(value_shifts),
    )


def default_pair_scales(pairs: int) -> PairScales:
    """Return the factors for pairs whose legs are all in 1e-9."""
    exponents = [[DEFAULT_EXPONENT] * pairs] * 2
    return pair_scales(exponents, exponents)


def _factors(shifts: Sequence[int]) -> NDArray[np.float64]:
    return _powers([[max(shift, 0) for shift in shifts], [max(-shift, 0) for shift in shifts]])


def _powers(exponents: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    # Python's integer powers are exact; float powers need not be.
    powers = [[float(10**exponent) for exponent in row] for row in exponents]
    return np.array(powers, np.float64).reshape(len(exponents), -1)
