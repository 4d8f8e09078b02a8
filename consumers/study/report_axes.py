"""Tick marks of a report's charts: round values of the ratio, and dates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)
_ABOUT: Final = 5
"""Number of tick marks that an axis should have."""
_YEARS_BY_MONTH: Final = 2
"""A span of fewer years has a tick mark each month."""
_MONTHS: Final = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def round_values(low: float, high: float) -> list[float]:
    """Return round values within a range, about five of them.

    Args:
        low: Lower end.
        high: Upper end, above the lower one.

    Example:
        >>> round_values(52.0, 131.0)
        [60.0, 80.0, 100.0, 120.0]
    """
    rough = (high - low) / _ABOUT
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(each * power for each in _STEPS if each * power >= rough)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def date_marks(dates: Sequence[str]) -> list[tuple[int, str]]:
    """Return the sessions to mark on a time axis.

    Args:
        dates: Session dates, ascending, ISO.

    Returns:
        Position in `dates` and label: each month of a short span, else every so many years.

    Example:
        >>> date_marks(["2023-12-28", "2023-12-29", "2024-01-02", "2024-02-01"])
        [(2, '2024'), (3, 'Feb')]
    """
    years = int(dates[-1][:4]) - int(dates[0][:4]) + 1
    by_month = years <= _YEARS_BY_MONTH
    width = 7 if by_month else 4
    begins = [row for row in range(1, len(dates)) if dates[row][:width] != dates[row - 1][:width]]
    if by_month:
        labels = {row: _MONTHS[int(dates[row][5:7]) - 1] for row in begins}
        return [(row, dates[row][:4] if label == _MONTHS[0] else label) for row, label in labels.items()]
    every = next(step for step in (1, 2, 5, 10, 20, 50, 100) if years / step <= 2 * _ABOUT)
    return [(row, dates[row][:4]) for row in begins if int(dates[row][:4]) % every == 0]
