"""CUSUM charts, which detect a shift of a level.

A chart has two sides. Each accumulates the excess of values over a reference, bounded below by zero;
above a limit it signals a shift, and both sides restart at the next value. The time when a side was
last at zero estimates the time of the shift.
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
    """Add one value to a two-sided chart.

    Args:
        chart: float64 (CUSUM_FIELDS,), changed in place; all zero at the start.
        deviation: The value minus its usual level, in standard deviations.
        reference: Allowance subtracted from every deviation: half of the shift to detect.
        limit: Alarm limit of a side.

    Returns:
        1 if the level has risen, -1 if it has fallen, otherwise 0.

    Source:
        E. S. Page, Biometrika 41 (1954) 100-115.
    """
    if max(chart[CUSUM_UP], chart[CUSUM_DOWN]) > limit:  # the previous value raised an alarm
        for field in range(CUSUM_FIELDS):
            chart[field] = 0.0
    chart[CUSUM_UP] = max(0.0, chart[CUSUM_UP] + deviation - reference)
    chart[CUSUM_DOWN] = max(0.0, chart[CUSUM_DOWN] - deviation - reference)
    chart[CUSUM_UP_LENGTH] = chart[CUSUM_UP_LENGTH] + 1.0 if chart[CUSUM_UP] > 0.0 else 0.0
    chart[CUSUM_DOWN_LENGTH] = chart[CUSUM_DOWN_LENGTH] + 1.0 if chart[CUSUM_DOWN] > 0.0 else 0.0
    if chart[CUSUM_UP] > limit:
        return 1
    return -1 if chart[CUSUM_DOWN] > limit else 0
