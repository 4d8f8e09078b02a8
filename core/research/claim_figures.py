"""Writes the figures of claims with as many digits as it takes to check them."""

from __future__ import annotations

import math
import re
from typing import Final

Figure = float | int | str | list[str] | list[float] | None

_PRICE: Final = re.compile(r"(^|_)(numerator|benchmark)_(price|high|low)(_|$)|^resistance_price(_|$)")
_RATIO: Final = re.compile(r"^ratio(_line|_high|_low)?(_\d|_at|_since|_until|_in|$)")
_PERCENT: Final = re.compile(r"_(pct|pp|percent)(_|$)")
_DATES: Final = ("first_held", "last_held", "in_a_row_")
"""Dates that do not exist where a condition never held."""
_PRICE_PRECISION: Final = 1e-7
"""Vendors' files hold prices as single-precision numbers: 2467.699951 is a close of 2467.70."""
_MOST_DECIMALS: Final = 12
_LARGEST_EXACT: Final = 2.0**53


def figure_text(name: str, figure: Figure, *, outside: tuple[float, float] | None = None) -> str:
    """Write a figure.

    A price has the digits of its file, and two decimals at least. A percentage has two decimals, and more
    where it is small. A count is an integer. A ratio has six significant digits, anything else four; digits
    before the decimal point are never rounded away.

    Args:
        name: Name of the figure, with its unit.
        figure: The figure; None if unknown.
        outside: Bounds that the figure does not meet. It gets as many decimals as show that.

    Example:
        >>> figure_text("numerator_price", 2467.699951), figure_text("numerator_price", 27.3325)
        ('2,467.70', '27.3325')
        >>> figure_text("change_pct", -12.3456), figure_text("weeks", 1026), figure_text("beta_63d", 1.23456)
        ('-12.35', '1,026', '1.235')
        >>> figure_text("share_pct", 64.9996, outside=(65, 100))
        '64.9996'
    """
    if figure is None:
        return "none" if name.startswith(_DATES) else "unknown"
    if isinstance(figure, str):
        return figure
    if isinstance(figure, list):
        return ", ".join(figure_text(name, each) for each in figure) or "none"
    if not math.isfinite(figure):
        return str(figure)
    decimals = _decimals(name, float(figure))
    if outside is not None:
        while decimals < _MOST_DECIMALS and outside[0] <= round(figure, decimals) <= outside[1]:
            decimals += 1
    return f"{round(figure, decimals) + 0.0:,.{decimals}f}"


def _decimals(name: str, figure: float) -> int:
    if _PRICE.search(name):
        allowed = abs(figure) * _PRICE_PRECISION
        return next((n for n in range(2, _MOST_DECIMALS) if abs(round(figure, n) - figure) <= allowed), 2)
    if _PERCENT.search(name):
        return max(2, _places(figure, 2))
    if figure == round(figure) and abs(figure) < _LARGEST_EXACT:
        return 0
    return _places(figure, 6 if _RATIO.search(name) else 4)


def _places(figure: float, significant: int) -> int:
    """Return the decimals that give a number of significant digits."""
    if figure == 0.0:
        return 0
    return min(_MOST_DECIMALS, max(0, significant - 1 - math.floor(math.log10(abs(figure)))))
