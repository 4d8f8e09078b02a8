"""Cumulative sums: how far a level has moved from where it stood, added up value by value.

A chart has two sides. Each adds up how far values exceed a reference, never going below zero; past
a limit, it says that the level has moved, and both sides start anew at the next value. When a side
was last at zero is the best guess of when the level moved.
"""

from __future__ import annotations

from typing import Final

from core.kernels.jit import inlined

# Fields of a chart's row.
CUSUM_UP: Final = 0
CUSUM_UP_LENGTH: Final = 1
"""Values since the upper side was last at zero."""
CUSUM_DOWN: Final = 2
CUSUM_DOWN_LENGTH: Final = 3
CUSUM_FIELDS: Final = 4


@inlined
def cusum_step(chart, deviation, reference, limit):
    """Take one value into a two-sided chart.

    Args:
        chart: float64 (CUSUM_FIELDS,), changed in place; all zero at the start.
        deviation: The value less its usual level, in its usual standard deviations.
        reference: Part of every deviation that does not count: half of the shift looked for.
        limit: A side above it is an alarm.

    Returns:
        1 where the level has risen, -1 where it has fallen, else 0.

    Source:
        E. S. Page, Biometrika 41 (1954) 100-115.
    """
    if max(chart[CUSUM_UP], chart[CUSUM_DOWN]) > limit:  # the value before was an alarm
        for field in range(CUSUM_FIELDS):
            chart[field] = 0.0
    chart[CUSUM_UP] = max(0.0, chart[CUSUM_UP] + deviation - reference)
    chart[CUSUM_DOWN] = max(0.0, chart[CUSUM_DOWN] - deviation - reference)
    chart[CUSUM_UP_LENGTH] = chart[CUSUM_UP_LENGTH] + 1.0 if chart[CUSUM_UP] > 0.0 else 0.0
    chart[CUSUM_DOWN_LENGTH] = chart[CUSUM_DOWN_LENGTH] + 1.0 if chart[CUSUM_DOWN] > 0.0 else 0.0
    if chart[CUSUM_UP] > limit:
        return 1
    return -1 if chart[CUSUM_DOWN] > limit else 0
