"""Rolling primitives: small jitted functions over one row of state.

Windows add, remove or replace one observation at a time. They are summed anew after every full
turn of the window, so that rounding cannot build up, and at once when a far larger observation has
left: a sum of squares that has shrunk a thousandfold is made of digits the large one rounded away.
Each primitive takes and gives plain numbers in a state row; whoever owns the row decides whether
the result is kept.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from core.kernels.jit import inlined

# Fields of a co-moment row.
COUNT: Final = 0
MEAN_X: Final = 1
MEAN_Y: Final = 2
SUM_XX: Final = 3
SUM_YY: Final = 4
SUM_XY: Final = 5
PEAK_XX: Final = 6
PEAK_YY: Final = 7
SINCE_RESUM: Final = 8
COMOMENT_FIELDS: Final = 9

WORN_SHARE: Final = 1e-3
"""A sum of squares below this share of its peak since the last re-sum has lost three digits."""

# Fields of an exponentially weighted row.
EW_COUNT: Final = 0
EW_WEIGHT: Final = 1
EW_MEAN: Final = 2
EW_VARIANCE: Final = 3
EW_FIELDS: Final = 4


@inlined
def copy_fields(target, source):
    """Copy one state row into another.

    A loop, because Numba takes ten times as long to compile the assignment of a slice.
    """
    for field in range(len(target)):
        target[field] = source[field]


@inlined
def clear_fields(row, fields):
    """Set the first fields of a state row to zero."""
    for field in range(fields):
        row[field] = 0.0


@inlined
def _note_peaks(row):
    """Remember how large the sums of squares have been since they were summed anew."""
    row[PEAK_XX] = max(row[PEAK_XX], row[SUM_XX])
    row[PEAK_YY] = max(row[PEAK_YY], row[SUM_YY])


@inlined
def comoments_add(row, x, y):
    """Add one observation to a co-moment row.

    Args:
        row: float64 (COMOMENT_FIELDS,), changed in place.
        x: Return of the benchmark.
        y: Return of the numerator.

    Source:
        B. P. Welford, Technometrics 4 (1962) 419-420; the co-moment form is Chan, Golub and
        LeVeque, The American Statistician 37 (1983) 242-247.
    """
    count = row[COUNT] + 1.0
    delta_x = x - row[MEAN_X]
    delta_y = y - row[MEAN_Y]
    row[COUNT] = count
    row[MEAN_X] += delta_x / count
    row[MEAN_Y] += delta_y / count
    row[SUM_XX] += delta_x * (x - row[MEAN_X])
    row[SUM_YY] += delta_y * (y - row[MEAN_Y])
    row[SUM_XY] += delta_x * (y - row[MEAN_Y])
    _note_peaks(row)


@inlined
def comoments_remove(row, x, y):
    """Take one observation out of a co-moment row: the step of `comoments_add` backwards."""
    count = row[COUNT] - 1.0
    if count <= 0.0:
        clear_fields(row, SINCE_RESUM)
        return
    delta_x = x - row[MEAN_X]
    delta_y = y - row[MEAN_Y]
    row[COUNT] = count
    row[MEAN_X] -= delta_x / count
    row[MEAN_Y] -= delta_y / count
    row[SUM_XX] -= delta_x * (x - row[MEAN_X])
    row[SUM_YY] -= delta_y * (y - row[MEAN_Y])
    row[SUM_XY] -= delta_x * (y - row[MEAN_Y])


@inlined
def comoments_replace(row, x_old, y_old, x_new, y_new):
    """Replace the oldest observation of a full window by a new one.

    Args:
        row: float64 (COMOMENT_FIELDS,), changed in place; its count stays.
        x_old: Leaving return of the benchmark.
        y_old: Leaving return of the numerator.
        x_new: Entering return of the benchmark.
        y_new: Entering return of the numerator.

    Source:
        D. H. D. West, Communications of the ACM 22 (1979) 532-535, in the form for a window.
    """
    count = row[COUNT]
    change_x = x_new - x_old
    change_y = y_new - y_old
    mean_x = row[MEAN_X]
    mean_y = row[MEAN_Y]
    new_mean_x = mean_x + change_x / count
    new_mean_y = mean_y + change_y / count
    row[SUM_XX] += change_x * ((x_new - new_mean_x) + (x_old - mean_x))
    row[SUM_YY] += change_y * ((y_new - new_mean_y) + (y_old - mean_y))
    row[SUM_XY] += change_x * (y_new - new_mean_y) + change_y * (x_old - mean_x)
    row[MEAN_X] = new_mean_x
    row[MEAN_Y] = new_mean_y
    _note_peaks(row)


@inlined
def comoments_worn(row):
    """Whether a large observation has left and taken digits with it: the window must be summed anew."""
    return row[SUM_XX] < WORN_SHARE * row[PEAK_XX] or row[SUM_YY] < WORN_SHARE * row[PEAK_YY]


@inlined
def beta_of(row, least):
    """Slope of y on x, NaN below `least` observations or where x never moved."""
    if row[COUNT] < least or row[SUM_XX] <= 0.0:
        return np.nan
    return row[SUM_XY] / row[SUM_XX]


@inlined
def correlation_of(row, least):
    """Correlation of x and y in [-1, 1], NaN below `least` or where one never moved."""
    if row[COUNT] < least or row[SUM_XX] <= 0.0 or row[SUM_YY] <= 0.0:
        return np.nan
    value = row[SUM_XY] / (np.sqrt(row[SUM_XX]) * np.sqrt(row[SUM_YY]))
    return min(1.0, max(-1.0, value))


@inlined
def ew_update(row, value, decay):
    """Fold one value into exponentially weighted mean and variance, unbiased from the start.

    Args:
        row: float64 (EW_FIELDS,), changed in place.
        value: The new observation.
        decay: Weight of the past per step, 0.5 ** (1 / half-life).

    Source:
        T. Finch, "Incremental calculation of weighted mean and variance", University of
        Cambridge Computing Service (2009), with the weight sum carried explicitly.
    """
    weight = decay * row[EW_WEIGHT] + 1.0
    share = 1.0 / weight
    delta = value - row[EW_MEAN]
    row[EW_MEAN] += share * delta
    row[EW_VARIANCE] = (1.0 - share) * (row[EW_VARIANCE] + share * delta * delta)
    row[EW_WEIGHT] = weight
    row[EW_COUNT] += 1.0
